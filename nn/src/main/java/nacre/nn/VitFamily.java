package nacre.nn;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import nacre.weights.OneLine;

/**
 * A family of vision transformers that {@link Vit} builds. They share their layers; a family
 * differs in the names of its parameters, in what stands before and after the layers, and in what
 * pixels it was trained on.
 */
public enum VitFamily {
  /** The vision transformer (Dosovitskiy et al., 2021), and DINO (Caron et al., 2021). */
  VIT("vit", "ViT", "ViTModel", "vit", Pixels.HALF),

  /**
   * DINOv2 (Oquab et al., 2023): each half of a layer is scaled by channel before it joins the
   * residual.
   */
  DINOV2("dinov2", "DINOv2", "Dinov2Model", "dinov2", Pixels.IMAGENET),

  /** DINOv2 with register tokens between class token and patches (Darcet et al., 2023). */
  DINOV2_WITH_REGISTERS(
      "dinov2_with_registers",
      "DINOv2 with registers",
      "Dinov2WithRegistersModel",
      "dinov2_with_registers",
      Pixels.IMAGENET),

  /**
   * The encoder of a masked autoencoder (He et al., 2021), on all patches: positions are fixed
   * sines and cosines, stored as any parameter.
   */
  VIT_MAE("vit_mae", "MAE", "ViTMAEModel", "vit", Pixels.IMAGENET),

  /**
   * The vision tower of CLIP (Radford et al., 2021): patches have no bias, a norm comes before the
   * layers, and the last norm is for the class token alone.
   */
  CLIP("clip_vision_model", "CLIP", "CLIPVisionModel", "vision_model", Pixels.CLIP);

  private final String modelType;
  private final String title;
  private final String className;
  private final String prefix;
  private final Pixels pixels;

  /**
   * What a family does to pixels in [0, 1] if no file says otherwise.
   *
   * @param mean of each channel, subtracted
   * @param std of each channel, divided by after that
   */
  public record Pixels(List<Double> mean, List<Double> std) {
    private static final Pixels HALF = new Pixels(List.of(0.5, 0.5, 0.5), List.of(0.5, 0.5, 0.5));
    static final Pixels IMAGENET =
        new Pixels(List.of(0.485, 0.456, 0.406), List.of(0.229, 0.224, 0.225));
    private static final Pixels CLIP =
        new Pixels(
            List.of(0.48145466, 0.4578275, 0.40821073),
            List.of(0.26862954, 0.26130258, 0.27577711));
  }

  VitFamily(String modelType, String title, String className, String prefix, Pixels pixels) {
    this.modelType = modelType;
    this.title = title;
    this.className = className;
    this.prefix = prefix;
    this.pixels = pixels;
  }

  /** The {@code model_type} of its {@code config.json}. */
  public String modelType() {
    return modelType;
  }

  /** Its name in messages. */
  public String title() {
    return title;
  }

  /** Its class in transformers. */
  public String className() {
    return className;
  }

  /** Mean and standard deviation of its pixels, if no file gives others. */
  public Pixels pixels() {
    return pixels;
  }

  /**
   * The name in a {@link Vit} of a parameter in a file of the bare model, where CLIP's prefix may
   * be missing.
   */
  public String currentName(String name) {
    boolean bare = this == CLIP && !name.startsWith(prefix + ".") && !isIgnorable(name);
    return bare ? prefix + "." + name : name;
  }

  /**
   * Whether a tensor of a file belongs to what may follow an encoder, such as a classifier or an
   * unused pooling layer, or is no parameter.
   */
  public static boolean isIgnorable(String name) {
    return name.matches(
        "(pooler|classifier|head|visual_projection)\\..*|(.*\\.)?embeddings\\.position_ids");
  }

  /** What stands before its names in files of larger models. */
  String prefix() {
    return prefix;
  }

  /** Whether layers have scales, and the file a token for masks, which is not used. */
  boolean isDinov2() {
    return this == DINOV2 || this == DINOV2_WITH_REGISTERS;
  }

  /**
   * The family of a {@code model_type}; {@code clip}, the whole of CLIP, is {@link #CLIP}.
   *
   * @throws IllegalArgumentException naming those there are, if it is none
   */
  public static VitFamily of(String modelType) {
    String wanted = modelType.equals("clip") ? CLIP.modelType : modelType;
    Optional<VitFamily> family =
        Arrays.stream(values()).filter(f -> f.modelType.equals(wanted)).findFirst();
    return family.orElseThrow(
        () ->
            new IllegalArgumentException(
                String.format(
                    Locale.ROOT,
                    "model_type '%s' is no vision transformer that is known; known are %s, clip",
                    OneLine.clip(modelType),
                    Arrays.stream(values())
                        .map(VitFamily::modelType)
                        .collect(Collectors.joining(", ")))));
  }
}
