package nacre.weights;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A conversion of weight files to another floating-point type: names, shapes, metadata and integers
 * stay as they are. Tensors pass through memory piece by piece.
 *
 * @param floats the type, or empty to leave floating-point numbers as they are too
 */
public record Conversion(Optional<StoredType> floats) {
  /** A weight file, or the index of several, of full or of half precision. */
  private static final Pattern WEIGHTS =
      Pattern.compile("(.+?)(\\.fp16)?\\.safetensors(\\.index(\\.fp16)?\\.json)?");

  /** Weight files in formats that are not read, or shards that an index names. */
  private static final Pattern OTHER_WEIGHTS =
      Pattern.compile(
          ".+\\.(bin|ckpt|pt|pth|msgpack|onnx|onnx_data|pb|h5|xml)|.+-\\d+-of-\\d+\\..*"
              + "|.+\\.bin\\.index(\\.fp16)?\\.json");

  /** The type in which a tensor is written. */
  public StoredType of(SafeTensors.Entry entry) {
    return entry.type().isFloat() ? floats.orElse(entry.type()) : entry.type();
  }

  /**
   * Writes a file, or what an index names, to one file.
   *
   * @throws IOException in one sentence
   */
  public void file(Path in, Path out) throws IOException {
    try (StateDict dict = StateDict.open(in)) {
      write(dict, out);
    }
  }

  private void write(StateDict dict, Path out) throws IOException {
    SafeTensorsWriter writer = new SafeTensorsWriter();
    dict.metadata().forEach(writer::metadata);
    for (var tensor : dict.entries().entrySet()) {
      SafeTensors.Entry entry = tensor.getValue();
      writer.add(tensor.getKey(), List.of(entry), entry.shape(), of(entry));
    }
    writer.write(out);
  }

  /**
   * Writes a folder and everything below it to a new one: weights are converted, with one file for
   * each set of shards and the plain name for half-precision variants; other files are copied;
   * pickles and weights of other frameworks are left out.
   *
   * @throws IOException in one sentence; there is then no new folder
   */
  public void folder(Path in, Path out) throws IOException {
    List<Path> files;
    try (Stream<Path> walk = Files.walk(in)) {
      files = walk.filter(Files::isRegularFile).sorted().toList();
    }
    AtomicFolder.write(
        out,
        staging -> {
          for (Path file : files) {
            String name = file.getFileName().toString();
            Path target = staging.resolve(in.relativize(file).toString());
            Matcher weights = WEIGHTS.matcher(name);
            boolean hidden = name.startsWith(".") || OTHER_WEIGHTS.matcher(name).matches();
            if (weights.matches() && !hidden) {
              Path plain = target.resolveSibling(weights.group(1) + ".safetensors");
              if (!Files.exists(plain)) { // the first of a name's variants
                Files.createDirectories(plain.getParent());
                try (StateDict dict = StateDict.open(file.getParent(), weights.group(1))) {
                  write(dict, plain);
                }
              }
            } else if (!hidden) {
              Files.createDirectories(target.getParent());
              Files.copy(file, target);
            }
          }
        });
  }
}
