package nacre.diffusion.text;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import nacre.weights.Layout;
import nacre.weights.OneLine;
import nacre.weights.SafeTensors;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * A word that textual inversion learned (Gal et al., 2022): one vector or several, which stand in a
 * prompt where its name is.
 *
 * @param file that it was read from
 * @param name in prompts
 * @param vectors one for each token that it takes, all of the text encoder's width
 */
public record TextualInversion(Path file, String name, List<float[]> vectors) {
  /** Names of the tensor by which files say nothing of the word. */
  private static final Set<String> NAMELESS = Set.of("emb_params", "*", "string_to_param.*");

  private static final int MOST_VECTORS = 75;

  /**
   * Reads a file of safetensors or of PyTorch as diffusers ({@code learned_embeds.safetensors},
   * {@code .bin}) or AUTOMATIC1111's stable-diffusion-webui ({@code .pt}) write it: one tensor
   * {@code [C]} or {@code [vectors, C]}, named by its word, {@code emb_params} or {@code *}.
   *
   * @param name of the word; empty for the file's own, which where it has none is what the file is
   *     called
   * @throws WeightsException if it is missing or malformed, or of Stable Diffusion XL, in one line
   */
  public static TextualInversion read(Path file, Optional<String> name) throws WeightsException {
    try (StateDict dict = StateDict.open(file);
        Scope _ = Scope.open()) {
      Map<String, SafeTensors.Entry> entries = dict.entries();
      if (entries.keySet().equals(Set.of("clip_l", "clip_g"))) {
        throw new WeightsException(
            file, "holds an embedding of Stable Diffusion XL, which has two text encoders");
      }
      if (entries.size() != 1) {
        throw new WeightsException(
            file,
            String.format(
                Locale.ROOT,
                "holds %d tensors (%s); one, of an embedding, is wanted",
                entries.size(),
                OneLine.list(entries.keySet(), 3)));
      }
      SafeTensors.Entry entry = entries.values().iterator().next();
      int rank = entry.shape().rank();
      if (rank < 1
          || rank > 2
          || entry.shape().elements() < 1
          || rank == 2 && entry.shape().dim(0) > MOST_VECTORS) {
        throw new WeightsException(
            file,
            String.format(
                Locale.ROOT,
                "%s is %s; [C] or [vectors, C] with up to %d vectors is wanted",
                entry.name(),
                entry.shape(),
                MOST_VECTORS));
      }
      Tensor tensor = entry.toTensor(Device.cpu(), DType.F32, Layout.SAME);
      String word = name.orElse(NAMELESS.contains(entry.name()) ? stem(file) : entry.name());
      if (word.isBlank()) {
        throw new WeightsException(file, "the embedding has no name; give it one: FILE=NAME");
      }
      for (float value : tensor.toFloats()) {
        if (!Float.isFinite(value)) {
          throw new WeightsException(file, "is damaged: it holds " + value);
        }
      }
      return new TextualInversion(file, word, rows(tensor));
    }
  }

  private static List<float[]> rows(Tensor tensor) {
    float[] values = tensor.toFloats();
    int width = tensor.dim(tensor.shape().rank() - 1);
    List<float[]> rows = new ArrayList<>();
    for (int from = 0; from < values.length; from += width) {
      rows.add(Arrays.copyOfRange(values, from, from + width));
    }
    return rows;
  }

  private static String stem(Path file) {
    return file.getFileName().toString().replaceFirst("\\.[^.]*$", "");
  }

  /** The width of its vectors. */
  public int width() {
    return vectors.getFirst().length;
  }

  /** The names of its vectors, {@code name}, {@code name_1} and so on, as in diffusers. */
  List<String> names() {
    List<String> names = new ArrayList<>(List.of(name));
    for (int i = 1; i < vectors.size(); i++) {
      names.add(name + "_" + i);
    }
    return names;
  }
}
