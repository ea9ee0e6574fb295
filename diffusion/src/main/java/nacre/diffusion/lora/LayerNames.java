package nacre.diffusion.lora;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import nacre.diffusion.checkpoint.Checkpoint;
import nacre.diffusion.checkpoint.Component;
import nacre.diffusion.checkpoint.OriginalNames;
import nacre.diffusion.text.ClipTextModel;
import nacre.diffusion.unet.UNet2DCondition;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.weights.KeyMapping;
import nacre.weights.Layout;
import nacre.weights.WeightsException;

/**
 * The layers of a model that LoRAs change, under all names that files have for them. The names are
 * made from the model's own, since kohya's, in which dots became underscores, cannot be read back.
 */
final class LayerNames {
  private static final String WEIGHT = ".weight";

  /** Old names of attention's layers in diffusers, by the ends of the new ones. */
  private static final List<Map<String, String>> OLD_ENDS =
      List.of(
          Map.of(
              ".to_q", ".processor.to_q",
              ".to_k", ".processor.to_k",
              ".to_v", ".processor.to_v",
              ".to_out.0", ".processor.to_out"),
          Map.of(
              ".to_out.0", ".to_out",
              ".q_proj", ".to_q",
              ".k_proj", ".to_k",
              ".v_proj", ".to_v",
              ".out_proj", ".to_out"));

  /**
   * A layer of a model.
   *
   * @param component that it is in
   * @param name in memory, without {@code .weight}
   * @param weight the shape of its weight on disk
   */
  record Layer(Component component, String name, Shape weight) {
    /** The name of its weight in memory. */
    String parameter() {
      return name + WEIGHT;
    }
  }

  private final Map<String, Layer> layers = new HashMap<>();

  private LayerNames() {}

  /**
   * The layers of a model's UNet and text encoder; no weight is read.
   *
   * @throws WeightsException if a config is missing or malformed, in one line
   */
  static LayerNames of(Checkpoint model) throws WeightsException {
    LayerNames names = new LayerNames();
    KeyMapping original = OriginalNames.of(Component.UNET, model).dialect();
    try (Scope _ = Scope.open()) {
      // One byte an element, and none is touched.
      Parameters unet = Parameters.unwritten(Device.host(), DType.U8).frozen();
      new UNet2DCondition(unet, model.unetConfig());
      for (Layer layer : layers(Component.UNET, unet)) {
        names.put("unet.", layer, name -> name);
        names.put(AdapterFolder.PEFT_PREFIX, layer, name -> name);
        names.put("", layer, name -> name); // of save_attn_procs
        names.put("lora_unet_", layer, LayerNames::flat);
        original
            .theirs(layer.name)
            .ifPresent(there -> names.put("lora_unet_", layer, _ -> flat(there.name())));
      }
      Parameters text = Parameters.unwritten(Device.host(), DType.U8).frozen();
      new ClipTextModel(text, model.textEncoderConfig());
      for (Layer layer : layers(Component.TEXT_ENCODER, text)) {
        names.put("text_encoder.text_model.", layer, name -> name);
        names.put("text_encoder.", layer, name -> name); // of transformers 5.6
        names.put(AdapterFolder.PEFT_PREFIX + "text_model.", layer, name -> name);
        names.put(AdapterFolder.PEFT_PREFIX, layer, name -> name);
        names.put("lora_te_text_model_", layer, LayerNames::flat);
      }
    }
    return names;
  }

  /** Linear layers and convolutions, but no embeddings, which LoRAs for attention do not change. */
  private static List<Layer> layers(Component component, Parameters parameters) {
    return parameters.relative().entrySet().stream()
        .filter(each -> each.getKey().endsWith(WEIGHT))
        .filter(each -> each.getValue().shape().rank() > 1)
        .filter(each -> !each.getKey().startsWith("embeddings."))
        .map(
            each -> {
              Shape shape = each.getValue().shape();
              String name = each.getKey().substring(0, each.getKey().length() - WEIGHT.length());
              return new Layer(component, name, Layout.ofParameter(shape).disk(shape));
            })
        .toList();
  }

  private void put(String prefix, Layer layer, UnaryOperator<String> name) {
    layers.put(prefix + name.apply(layer.name), layer);
    for (Map<String, String> ends : OLD_ENDS) {
      ends.forEach(
          (end, old) -> {
            if (layer.name.endsWith(end)) {
              String start = layer.name.substring(0, layer.name.length() - end.length());
              layers.putIfAbsent(prefix + name.apply(start + old), layer);
            }
          });
    }
  }

  private static String flat(String name) {
    return name.replace('.', '_');
  }

  /** The layer that a file has a name for. */
  Optional<Layer> named(String name) {
    return Optional.ofNullable(layers.get(name));
  }
}
