package nacre.cli.verify;

import java.io.IOException;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import nacre.diffusion.schedule.SchedulerKind;
import nacre.diffusion.schedule.Schedulers;
import nacre.diffusion.text.ClipTextModel;
import nacre.diffusion.vae.AutoencoderKL;
import nacre.nn.Parameters;
import nacre.nn.VitFamily;
import nacre.tensor.DType;
import nacre.tensor.ops.Activation;
import nacre.weights.ConfigJson;

/** The registry of modules that bundles may name. */
final class ModuleRegistry {
  /** Builds a module whose parameters are yet to be loaded, and that computes in a dtype. */
  @FunctionalInterface
  private interface Factory {
    Subject create(ConfigJson config, Parameters p, DType compute);
  }

  /** Builds one that computes in the dtype of its inputs. */
  @FunctionalInterface
  private interface PlainFactory {
    Subject create(ConfigJson config, Parameters p);
  }

  /**
   * A module.
   *
   * @param names from a checkpoint's names to the module's
   * @param optional parameters a checkpoint may have that the module does without
   */
  private record Known(Factory factory, UnaryOperator<String> names, Predicate<String> optional) {}

  private static final Map<String, Known> MODULES = new TreeMap<>();

  /** Whole models, whose tensors go through many layers. */
  private static final Set<String> MODELS =
      Stream.concat(
              Stream.of(
                  "AutoencoderKL",
                  "CLIPTextModel",
                  "NeuralAssetsTrainStep",
                  "UNet2DConditionModel"),
              Arrays.stream(VitFamily.values()).map(VitFamily::className))
          .collect(Collectors.toUnmodifiableSet());

  static {
    add("Linear", LayerSubjects::linear);
    add("Conv2d", LayerSubjects::conv2d);
    add("GroupNorm", LayerSubjects::groupNorm);
    add("LayerNorm", LayerSubjects::layerNorm);
    add("SiLU", (c, p) -> LayerSubjects.of(Activation::silu));
    add("GELU", (c, p) -> LayerSubjects.gelu(c));
    add("Softmax", (c, p) -> LayerSubjects.softmax(c));
    add("ScaledDotProductAttention", (c, p) -> LayerSubjects.attentionOp(c));
    add("Timesteps", (c, p) -> LayerSubjects.timesteps(c));
    MODULES.put(
        "UNet2DConditionModel",
        new Known(
            (c, p, _) -> ModelSubjects.unet(c.node(), p), ModelSubjects::unetName, name -> false));
    for (VitFamily family : VitFamily.values()) {
      MODULES.put(
          family.className(),
          new Known(
              (c, p, _) -> ModelSubjects.vit(c.node(), p, family),
              family::currentName,
              VitFamily::isIgnorable));
    }
    MODULES.put(
        "AutoencoderKL",
        new Known(
            (c, p, _) -> ModelSubjects.autoencoder(c.node(), p),
            AutoencoderKL::currentName,
            name -> false));
    MODULES.put(
        "CLIPTextModel",
        new Known(
            (c, p, _) -> TextToImageSubjects.clipText(c.node(), p),
            ClipTextModel::currentName,
            ClipTextModel::isIgnorable));
    for (SchedulerKind kind : Schedulers.all()) {
      add(kind.className(), (c, p) -> SchedulerSubject.of(c));
    }
    add("AdamW", (c, p) -> ProcessSubjects.adamW(c));
    add("NeuralAssetsTrainStep", TrainStepSubject::of);
    add("TorchRandn", (c, p) -> TextToImageSubjects.torchRandn(c));
  }

  private ModuleRegistry() {}

  private static void add(String name, PlainFactory factory) {
    add(name, (c, p, _) -> factory.create(c, p));
  }

  private static void add(String name, Factory factory) {
    MODULES.put(name, new Known(factory, UnaryOperator.identity(), parameter -> false));
  }

  /**
   * Builds a bundle's module with the bundle's weights.
   *
   * @param compute the dtype to compute in
   * @throws IllegalArgumentException if the module is not known, or its config wrong
   */
  static Subject create(Bundle bundle, Parameters p, DType compute) throws IOException {
    String module = bundle.description().module();
    Known known = MODULES.get(module);
    if (known == null) {
      throw new BundleException(
          bundle.folder(),
          "module " + module + " is not known; known are " + String.join(", ", MODULES.keySet()));
    }
    ConfigJson config = new ConfigJson(module, bundle.description().config());
    Subject subject = known.factory.create(config, p, compute);
    bundle.weights().rename(known.names).loadInto(p.all(), known.optional);
    return subject;
  }

  /** The names of all modules. */
  static Set<String> names() {
    return MODULES.keySet();
  }

  /** Whether a module is a whole model and not a single operation. */
  static boolean isModel(String module) {
    return MODELS.contains(module);
  }

  /** The name in a known module of a parameter in a checkpoint. */
  static String parameter(String module, String name) {
    return MODULES.get(module).names.apply(name);
  }
}
