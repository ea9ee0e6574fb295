package nacre.cli.weights;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;
import nacre.cli.options.Accepts;
import nacre.cli.options.UsageException;
import nacre.cli.options.UserException;
import nacre.weights.StateDict;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code nacre weights inspect}. */
@Command(
    name = "inspect",
    description = "List the tensors of a safetensors file, of its shards, or of a folder of them.",
    mixinStandardHelpOptions = true)
final class InspectCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(names = "--brief", description = "Totals and metadata without the list.")
  private boolean brief;

  @Option(
      names = "--only",
      paramLabel = "REGEX",
      description = "List tensors whose names hold a match.")
  @Accepts(empty = true)
  private String only = "";

  @Parameters(
      paramLabel = "FILE|FOLDER",
      description = "A .safetensors file, an index of shards (.json), or a folder with them below.")
  private Path path;

  @Override
  public Integer call() throws IOException {
    Pattern pattern = pattern();
    PrintWriter out = spec.commandLine().getOut();
    List<Path> files = Files.isDirectory(path) ? below(path) : List.of(path);
    for (int i = 0; i < files.size(); i++) {
      try (StateDict dict = StateDict.open(files.get(i))) {
        out.print(i > 0 ? System.lineSeparator() : "");
        new Listing(files.get(i), dict).print(out, brief, pattern);
      }
    }
    out.flush();
    return 0;
  }

  private Pattern pattern() {
    try {
      return Pattern.compile(only);
    } catch (PatternSyntaxException e) {
      throw new UsageException("--only " + only + ": " + e.getDescription(), e);
    }
  }

  /** The weight files of a folder; of shards their index alone. */
  private static List<Path> below(Path folder) throws IOException {
    try (Stream<Path> walk = Files.walk(folder)) {
      List<Path> files =
          walk.filter(Files::isRegularFile)
              .filter(
                  file ->
                      file.getFileName()
                          .toString()
                          .matches("[^.].*\\.safetensors(\\.index(\\.fp16)?\\.json)?"))
              .sorted()
              .toList();
      List<Path> whole = files.stream().filter(file -> !isShard(file, files)).toList();
      if (whole.isEmpty()) {
        throw new UserException(folder + ": holds no .safetensors file");
      }
      return whole;
    }
  }

  private static boolean isShard(Path file, List<Path> files) {
    String name = file.getFileName().toString();
    String stem = name.replaceFirst("(\\.fp16)?-\\d+-of-\\d+(\\.fp16)?\\.safetensors$", "");
    return !stem.equals(name)
        && files.stream()
            .anyMatch(
                other ->
                    other.getParent().equals(file.getParent())
                        && other.getFileName().toString().startsWith(stem + ".safetensors.index"));
  }
}
