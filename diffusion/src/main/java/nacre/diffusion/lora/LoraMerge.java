package nacre.diffusion.lora;

import static nacre.tensor.ops.Ops.mix;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import nacre.diffusion.checkpoint.Checkpoint;
import nacre.diffusion.checkpoint.Component;
import nacre.tensor.DType;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import nacre.weights.OneLine;
import nacre.weights.WeightsException;

/**
 * The merging of LoRAs into the weights of a model: {@code W + Σ weight · alpha/rank · up · down},
 * computed in f32, a layer at a time, and rounded once to the weights' dtype. The picture is that
 * of diffusers' {@code fuse_lora}.
 */
public final class LoraMerge {
  /** How many layers an error names; where one does not fit, hundreds do not. */
  private static final int SHOWN = 4;

  private final List<Lora> loras;
  private final LayerNames names;

  private LoraMerge(List<Lora> loras, LayerNames names) {
    this.loras = loras;
    this.names = names;
  }

  /**
   * Checks LoRAs, names, shapes and contents, against the model that they are for.
   *
   * @throws WeightsException if one is missing, malformed, of a kind that is not supported or of
   *     another model, in one line
   */
  public static LoraMerge of(Checkpoint model, List<Lora> loras) throws WeightsException {
    LoraMerge merge = new LoraMerge(loras, loras.isEmpty() ? null : LayerNames.of(model));
    for (Lora lora : loras) {
      try (LoraFile file = LoraFile.open(lora.file())) {
        merge.bind(file);
        for (LowRank change : file.layers().values()) {
          change.requireFinite();
        }
      }
    }
    return merge;
  }

  /** A file's changes by the layers that they are of. */
  private Map<LayerNames.Layer, LowRank> bind(LoraFile file) throws WeightsException {
    Map<LayerNames.Layer, LowRank> bound = new LinkedHashMap<>();
    List<String> unknown = new ArrayList<>();
    List<String> misfits = new ArrayList<>();
    for (Map.Entry<String, LowRank> each : file.layers().entrySet()) {
      Optional<LayerNames.Layer> layer = names.named(each.getKey());
      if (layer.isEmpty()) {
        unknown.add(each.getKey());
        continue;
      }
      LowRank change = each.getValue();
      change.misfit(layer.get().name(), layer.get().weight()).ifPresent(misfits::add);
      LowRank other = bound.put(layer.get(), change);
      if (other != null) {
        throw new WeightsException(
            file.path(),
            String.format(
                Locale.ROOT,
                "%s and %s are both of %s",
                OneLine.clip(other.down().name()),
                OneLine.clip(change.down().name()),
                layer.get().name()));
      }
    }
    List<String> kinds = new ArrayList<>();
    describe(kinds, "layers that the model has not", unknown);
    describe(kinds, "not fitting", misfits);
    if (!kinds.isEmpty()) {
      throw new WeightsException(
          file.path(), "is a LoRA of another model: " + String.join("; ", kinds));
    }
    return bound;
  }

  private static void describe(List<String> kinds, String kind, List<String> names) {
    if (!names.isEmpty()) {
      boolean all = names.size() <= SHOWN;
      List<String> shown = all ? names : names.subList(0, SHOWN);
      kinds.add(names.size() + " " + kind + (all ? ": " : ", such as ") + OneLine.list(shown));
    }
  }

  /**
   * Adds the changes of a component to its weights, which are not prepacked yet.
   *
   * @param parameters by their names in memory
   * @throws WeightsException if a file was changed or removed since it was checked, in one line
   */
  public void apply(Component component, Map<String, Tensor> parameters) throws WeightsException {
    List<LoraFile> files = new ArrayList<>();
    try {
      Map<LayerNames.Layer, List<Weighted>> changes = new LinkedHashMap<>();
      for (Lora lora : loras) {
        if (lora.weight() == 0) {
          continue;
        }
        LoraFile file = LoraFile.open(lora.file());
        files.add(file);
        bind(file)
            .forEach(
                (layer, change) ->
                    changes
                        .computeIfAbsent(layer, _ -> new ArrayList<>())
                        .add(new Weighted(change, lora.weight())));
      }
      for (Map.Entry<LayerNames.Layer, List<Weighted>> each : changes.entrySet()) {
        if (each.getKey().component() == component) {
          add(parameters.get(each.getKey().parameter()), each.getValue());
        }
      }
    } finally {
      files.forEach(LoraFile::close);
    }
  }

  private record Weighted(LowRank change, double weight) {}

  private static void add(Tensor weight, List<Weighted> changes) throws WeightsException {
    try (Scope _ = Scope.open()) {
      Tensor sum = Tensor.empty(weight.device(), DType.F32, weight.shape());
      weight.backend().cast(weight, sum);
      for (Weighted each : changes) {
        try (Scope one = Scope.open()) {
          Tensor product = each.change.product(weight.device(), weight.shape());
          Tensor next = mix(sum, 1, product, each.weight * each.change.scale());
          one.keep(next);
          sum.close();
          sum = next;
        }
      }
      weight.backend().cast(sum, weight);
    }
  }
}
