package nacre.cli.weights;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import nacre.cli.options.Accepts;
import nacre.cli.options.UsageException;
import nacre.cli.options.UserException;
import nacre.weights.StateDict;
import nacre.weights.TorchFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code nacre weights inspect}. */
@Command(
    name = "inspect",
    description =
        "List the tensors of a file of safetensors or PyTorch, of its shards, or of a folder of"
            + " them.",
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

  @Option(
      names = "--key",
      paramLabel = "KEY",
      description =
          "The dictionary to list of a file of PyTorch that holds several, as model_ema; one within"
              + " others after a dot.")
  private String key;

  @Parameters(
      paramLabel = "FILE|FOLDER",
      description =
          "A .safetensors, .ckpt, .pt, .pth or .bin file, an index of shards (.json), or a folder"
              + " with them below.")
  private Path path;

  @Override
  public Integer call() throws IOException {
    Pattern pattern = pattern();
    PrintWriter out = spec.commandLine().getOut();
    List<Path> files = Files.isDirectory(path) ? below(path) : List.of(path);
    for (int i = 0; i < files.size(); i++) {
      try (StateDict dict = StateDict.openKey(files.get(i), Optional.ofNullable(key))) {
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
              .filter(file -> isSafe(file) || TorchFile.isNamed(file.getFileName().toString()))
              .sorted()
              .toList();
      Set<Path> safe =
          files.stream()
              .filter(InspectCommand::isSafe)
              .map(Path::getParent)
              .collect(Collectors.toSet());
      List<Path> whole =
          files.stream()
              .filter(
                  file -> isSafe(file) ? !isShard(file, files) : !safe.contains(file.getParent()))
              .toList();
      if (whole.isEmpty()) {
        throw new UserException(folder + ": holds no file of weights");
      }
      return whole;
    }
  }

  private static boolean isSafe(Path file) {
    return file.getFileName()
        .toString()
        .matches("[^.].*\\.safetensors(\\.index(\\.fp16)?\\.json)?");
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
