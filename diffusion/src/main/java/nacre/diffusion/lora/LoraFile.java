package nacre.diffusion.lora;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.weights.Layout;
import nacre.weights.OneLine;
import nacre.weights.SafeTensors;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/** A LoRA file: the low-rank changes that it holds, by the names that it has for their layers. */
final class LoraFile implements AutoCloseable {
  private final Path path;
  private final StateDict dict;
  private final Map<String, LowRank> layers;

  private LoraFile(Path path, StateDict dict, Map<String, LowRank> layers) {
    this.path = path;
    this.dict = dict;
    this.layers = layers;
  }

  /**
   * Opens a file; of its tensors the alphas alone are read.
   *
   * @param path the file, or a folder of diffusers or peft
   * @throws WeightsException if it is missing or malformed, is no LoRA, or of a kind that is not
   *     supported, in one line
   */
  static LoraFile open(Path path) throws WeightsException {
    Path file = AdapterFolder.file(path);
    StateDict dict = StateDict.open(file);
    try {
      return new LoraFile(file, dict, read(file, dict));
    } catch (WeightsException | RuntimeException e) {
      dict.close();
      throw e;
    }
  }

  /**
   * The changes in tensors of a file, by its names for the layers.
   *
   * @throws WeightsException if it is no LoRA, or of a kind that is not supported, in one line
   */
  static Map<String, LowRank> read(Path path, StateDict dict) throws WeightsException {
    Set<String> names = dict.entries().keySet();
    Optional<OtherAdapters.Found> other = OtherAdapters.of(names);
    if (other.isPresent()) {
      throw new WeightsException(
          path,
          String.format(
              Locale.ROOT,
              "is %s, which is not supported: it holds %s",
              other.get().kind(),
              OneLine.clip(other.get().tensor())));
    }
    Map<String, Map<FactorName.Part, SafeTensors.Entry>> parts = new LinkedHashMap<>();
    List<String> strange = new ArrayList<>();
    for (SafeTensors.Entry entry : dict.entries().values()) {
      Optional<FactorName> name = FactorName.of(entry.name());
      if (name.isEmpty()) {
        strange.add(entry.name());
      } else {
        parts
            .computeIfAbsent(name.get().layer(), _ -> new EnumMap<>(FactorName.Part.class))
            .merge(name.get().part(), entry, (_, second) -> second);
      }
    }
    if (parts.isEmpty()) {
      throw new WeightsException(
          path,
          String.format(
              Locale.ROOT,
              "is no LoRA: it holds %d tensors (%s)",
              strange.size(),
              OneLine.list(strange, 3)));
    }
    if (!strange.isEmpty()) {
      throw new WeightsException(
          path,
          String.format(
              Locale.ROOT,
              "%d of its tensors are of no LoRA that is supported: %s",
              strange.size(),
              OneLine.list(strange)));
    }
    return complete(path, parts, PeftAlphas.of(path, dict));
  }

  private static Map<String, LowRank> complete(
      Path path, Map<String, Map<FactorName.Part, SafeTensors.Entry>> parts, PeftAlphas alphas)
      throws WeightsException {
    Map<String, LowRank> layers = new LinkedHashMap<>();
    List<String> halves = new ArrayList<>();
    for (Map.Entry<String, Map<FactorName.Part, SafeTensors.Entry>> each : parts.entrySet()) {
      SafeTensors.Entry down = each.getValue().get(FactorName.Part.DOWN);
      SafeTensors.Entry up = each.getValue().get(FactorName.Part.UP);
      if (down == null || up == null) {
        halves.add(each.getKey() + (up == null ? " has no up matrix" : " has no down matrix"));
        continue;
      }
      for (SafeTensors.Entry factor : List.of(down, up)) {
        if (factor.shape().rank() < 2 || factor.shape().elements() < 1) {
          String name = OneLine.clip(factor.name());
          throw new WeightsException(path, name + " is " + factor.shape() + ", which is no matrix");
        }
      }
      int rank = down.shape().dim(0);
      SafeTensors.Entry own = each.getValue().get(FactorName.Part.ALPHA);
      OptionalDouble scale =
          own == null
              ? alphas.scale(each.getKey(), rank)
              : OptionalDouble.of(number(path, own) / rank);
      SafeTensors.Entry mid = each.getValue().get(FactorName.Part.MID);
      layers.put(each.getKey(), new LowRank(down, up, mid, scale.orElse(1)));
    }
    if (!halves.isEmpty()) {
      throw new WeightsException(path, "is incomplete: " + OneLine.list(halves));
    }
    return layers;
  }

  private static double number(Path path, SafeTensors.Entry alpha) throws WeightsException {
    String name = OneLine.clip(alpha.name());
    if (alpha.shape().elements() != 1) {
      throw new WeightsException(path, name + " is " + alpha.shape() + ", one number is wanted");
    }
    try (Scope _ = Scope.open()) {
      float value = alpha.toTensor(Device.host(), DType.F32, Layout.SAME).toFloats()[0];
      if (!Float.isFinite(value)) {
        throw new WeightsException(path, "is damaged: " + name + " is " + value);
      }
      return value;
    }
  }

  Path path() {
    return path;
  }

  /** The changes by the file's names for their layers. */
  Map<String, LowRank> layers() {
    return Collections.unmodifiableMap(layers);
  }

  @Override
  public void close() {
    dict.close();
  }
}
