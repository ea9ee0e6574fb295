package nacre.weights;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The file of a model's weights in a folder, by the names that {@code save_pretrained} gives it:
 * {@code <stem>.safetensors}, its shards' index, or a half-precision variant such as {@code
 * <stem>.fp16.safetensors}, whichever is found first; where there is none, the same of {@code
 * <stem>.bin}, in which a {@code model} is called {@code pytorch_model}.
 *
 * @param stem such as {@code diffusion_pytorch_model} or {@code model}
 */
record FolderFile(Path folder, String stem) {
  /**
   * The file, or the index of its shards.
   *
   * @throws WeightsException in one line, if there is none; it says what there is instead
   */
  Path find() throws WeightsException {
    for (String name : names()) {
      if (Files.exists(folder.resolve(name))) {
        return folder.resolve(name);
      }
    }
    throw new WeightsException(
        folder,
        String.format(
            Locale.ROOT,
            "has no %s.safetensors, no index of its shards, no half-precision variant and no"
                + " .bin%s",
            stem,
            otherFile().map(other -> "; " + other).orElse("")));
  }

  /** The names by which a model's file, or the index of its shards, is looked for. */
  private List<String> names() {
    Stream<String> safe = names(stem, ".safetensors");
    Stream<String> torch = names(stem.equals("model") ? "pytorch_model" : stem, ".bin");
    return Stream.concat(safe, torch).distinct().toList();
  }

  private static Stream<String> names(String stem, String ending) {
    return Stream.of("", ".fp16", ".bf16")
        .flatMap(
            variant ->
                Stream.of(
                    stem + variant + ending,
                    stem + variant + ending + ".index.json",
                    stem + ending + ".index" + variant + ".json"));
  }

  /** The first file in a folder that holds a model in another way, and what to do about it. */
  private Optional<String> otherFile() throws WeightsException {
    if (!Files.isDirectory(folder)) {
      return Optional.empty();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .map(file -> file.getFileName().toString())
          .sorted()
          .flatMap(name -> remedy(name).stream())
          .findFirst();
    } catch (IOException e) {
      throw new WeightsException(folder, "cannot be read: " + e.getMessage(), e);
    }
  }

  private Optional<String> remedy(String name) {
    String shown = OneLine.clip(name);
    if (name.matches(".*\\.(part|incomplete|crdownload|download|tmp|aria2)")) {
      return Optional.of(
          shown + " is a download that has not ended: wait for it or begin it again");
    }
    if (name.endsWith(".msgpack") || name.endsWith(".onnx") || name.endsWith(".h5")) {
      return Optional.of(
          shown + " is of Flax, ONNX or TensorFlow, which is not read: take the safetensors file");
    }
    if (name.matches(".+-\\d+-of-\\d+\\.(safetensors|bin)")) {
      return Optional.of(shown + " is one of several whose index is missing: download it too");
    }
    Matcher other =
        Pattern.compile(
                "(pytorch_model|" + Pattern.quote(stem) + ")(\\.[\\w-]+)?\\.(safetensors|bin|pth?)")
            .matcher(name);
    return other.matches()
        ? Optional.of(
            String.format(
                Locale.ROOT,
                "to use %s rename it to %s",
                shown,
                other.group(3).equals("safetensors")
                    ? stem + ".safetensors"
                    : (stem.equals("model") ? "pytorch_model" : stem) + ".bin"))
        : Optional.empty();
  }
}
