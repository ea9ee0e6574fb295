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

  /** Weight files in formats that are not read, of training's state, or shards of an index. */
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
    file(in, out, Optional.empty());
  }

  /**
   * As {@link #file(Path, Path)}.
   *
   * @param key of the dictionary to take in a file of PyTorch, as {@link TorchFile#open}
   */
  public void file(Path in, Path out, Optional<String> key) throws IOException {
    try (StateDict dict = StateDict.openKey(in, key)) {
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
   * each set of shards and the plain name for half-precision variants; files of PyTorch become
   * safetensors, unless there are some; other files are copied; weights of other frameworks and the
   * state of training are left out.
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
            boolean hidden = name.startsWith(".") || OTHER_WEIGHTS.matcher(name).matches();
            Optional<String> stem = stem(name, hidden);
            if (stem.isPresent()) {
              Path plain = target.resolveSibling(stem.get() + ".safetensors");
              if (!Files.exists(plain)) { // the first of a name's variants
                Files.createDirectories(plain.getParent());
                try (StateDict dict = StateDict.open(file.getParent(), stem.get())) {
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

  /** What a model is called of which a file holds the weights, if it does. */
  private static Optional<String> stem(String name, boolean hidden) {
    Matcher torch = TorchFile.FOLDERS.matcher(name);
    if (torch.matches()) {
      return Optional.of(torch.group(1).equals("pytorch_model") ? "model" : torch.group(1));
    }
    Matcher weights = WEIGHTS.matcher(name);
    return weights.matches() && !hidden ? Optional.of(weights.group(1)) : Optional.empty();
  }
}
