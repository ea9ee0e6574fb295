package nacre.cli.weights;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import nacre.cli.options.HintOptions;
import nacre.cli.options.UsageException;
import nacre.cli.options.UserException;
import nacre.diffusion.checkpoint.CheckpointWriter;
import nacre.diffusion.checkpoint.Component;
import nacre.diffusion.checkpoint.DiffusersFolder;
import nacre.diffusion.checkpoint.ModelHints;
import nacre.diffusion.checkpoint.SingleFile;
import nacre.weights.Conversion;
import nacre.weights.StoredType;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code nacre weights convert}. */
@Command(
    name = "convert",
    description = {
      "Convert weights.",
      "A Stable Diffusion folder becomes a single file, or a single file a folder, by what OUT is"
          + " called; any file of safetensors or PyTorch, or folder with such, is written as"
          + " safetensors, in another number format if --dtype says so. OUT appears whole or not at"
          + " all."
    },
    mixinStandardHelpOptions = true)
final class ConvertCommand implements Callable<Integer> {
  private static final String SUFFIX = ".safetensors";

  /** Number formats by their names on the command line. */
  private enum Floats {
    F32(StoredType.F32),
    F16(StoredType.F16),
    BF16(StoredType.BF16);

    private final StoredType type;

    Floats(StoredType type) {
      this.type = type;
    }
  }

  @Spec private CommandSpec spec;

  @Option(
      names = "--dtype",
      paramLabel = "TYPE",
      description = "f32, f16 or bf16; without it numbers stay as they are.")
  private Floats dtype;

  @Option(
      names = "--key",
      paramLabel = "KEY",
      description =
          "The dictionary to take from a file of PyTorch that holds several, as model_ema; one"
              + " within others after a dot.")
  private String key;

  @Mixin private HintOptions hints;

  @Option(
      names = "--tokenizer",
      paramLabel = "FOLDER",
      description =
          "Where vocab.json and merges.txt are, which a folder needs and a single file lacks;"
              + " CLIP's own unless given.")
  private Path tokenizer;

  @Parameters(index = "0", paramLabel = "IN", description = "A file, an index of shards, a folder.")
  private Path in;

  @Parameters(
      index = "1",
      paramLabel = "OUT",
      description = "A new file if it ends in .safetensors, else a new folder.")
  private Path out;

  @Override
  public Integer call() throws IOException {
    if (Files.exists(out, LinkOption.NOFOLLOW_LINKS)) {
      throw new UserException(out + ": exists already");
    }
    boolean toFile = out.getFileName().toString().endsWith(SUFFIX);
    if (key != null && (Files.isDirectory(in) || !toFile)) {
      throw new UsageException("--key is for one file that becomes one " + SUFFIX);
    }
    ModelHints said = hints.hints();
    Conversion conversion = new Conversion(Optional.ofNullable(dtype).map(d -> d.type));
    if (out.toAbsolutePath().getParent() != null) {
      Files.createDirectories(out.toAbsolutePath().getParent());
    }
    if (!Files.isDirectory(in)) {
      if (toFile) {
        conversion.file(in, out, Optional.ofNullable(key));
      } else {
        SingleFile file = SingleFile.open(in, said);
        new CheckpointWriter(conversion).folder(file, Optional.ofNullable(tokenizer), out);
      }
    } else if (toFile) {
      requireModel();
      new CheckpointWriter(conversion).singleFile(new DiffusersFolder(in), out);
    } else {
      conversion.folder(in, out);
    }
    var print = spec.commandLine().getOut();
    print.println("wrote  " + out);
    if (!Files.isDirectory(in)
        && !toFile
        && tokenizer == null
        && !CheckpointWriter.hasClipVocabulary(SingleFile.open(in, said))) {
      print.println(
          "note   its tokenizer/ lacks vocab.json and merges.txt, which no single file holds, and"
              + " its vocabulary is not CLIP's; --tokenizer FOLDER brings them along");
    }
    print.flush();
    return 0;
  }

  private void requireModel() {
    for (Component component : Component.values()) {
      if (!Files.isDirectory(in.resolve(component.folder()))) {
        throw new UserException(
            String.format(
                Locale.ROOT,
                "%s: has no %s/, so it cannot become a single file; to convert one of its weight"
                    + " files, name the file",
                in,
                component.folder()));
      }
    }
  }
}
