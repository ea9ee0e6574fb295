package nacre.evaluation.threedit;

import static nacre.tensor.ops.Ops.add;
import static nacre.tensor.ops.Ops.affine;
import static nacre.tensor.ops.Ops.concat;
import static nacre.tensor.ops.Ops.multiply;
import static nacre.tensor.ops.Ops.reshape;

import java.util.List;
import java.util.Locale;
import nacre.diffusion.text.ClipTextModel;
import nacre.diffusion.unet.UNet2DCondition;
import nacre.diffusion.vae.AutoencoderKL;
import nacre.nn.Initializer;
import nacre.nn.Linear;
import nacre.nn.Parameters;
import nacre.nn.Vit;
import nacre.nn.VitFamily;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * The networks of 3DIT (Michel et al., "Object 3DIT: Language-guided 3D-aware Image Editing",
 * 2023): Stable Diffusion 1.x whose UNet takes the source picture's latent beside the noisy one,
 * and attends to the tokens of a sentence and one of the source picture, each joined with the four
 * numbers T of the edit. Without a text encoder it is Zero-1-to-3 (Liu et al., 2023).
 *
 * <p>Shapes: B pictures, S their side, s that of their latents, n tokens, C their width, 768.
 *
 * <p>Parameters: {@code unet.*} and {@code cc_projection.*}, which are trained; {@code vae.*},
 * {@code text_encoder.*} and {@code image_encoder.*}, which are not.
 */
public final class ThreeDit {
  /** Length of T. */
  public static final int NUMBERS = 4;

  private final ThreeDitConfig config;
  private final UNet2DCondition unet;
  private final Linear projection;
  private final AutoencoderKL vae;
  private final ClipTextModel text;
  private final Vit vision;
  private final Linear visual;
  private final Device device;
  private final CubicResize resize;
  private final Tensor scale;
  private final Tensor shift;

  /** Builds the model on parameters whose names begin where {@code p} stands. */
  public ThreeDit(Parameters p, ThreeDitConfig config) {
    this.config = config;
    int width = config.unet().crossAttentionDim();
    unet = new UNet2DCondition(p.at("unet"), config.unet());
    projection =
        new Linear(
            p.at("cc_projection"),
            width + NUMBERS,
            width,
            Initializer.kaimingUniform(),
            Initializer.zeros());
    Parameters still = p.frozen();
    vae = new AutoencoderKL(still.at("vae"), config.vae());
    text = config.text().map(t -> new ClipTextModel(still.at("text_encoder"), t)).orElse(null);
    Parameters encoder = still.at("image_encoder");
    vision = new Vit(encoder, config.vision(), true);
    visual =
        new Linear(encoder.at("visual_projection"), config.vision().hiddenSize(), width, false);
    device = p.all().values().iterator().next().device();
    resize = new CubicResize(device, config.imageSize(), config.vision().imageSize());
    VitFamily.Pixels pixels = VitFamily.CLIP.pixels();
    scale = channels(pixels.std().stream().map(std -> 0.5 / std).toList());
    shift =
        channels(
            List.of(
                (0.5 - pixels.mean().get(0)) / pixels.std().get(0),
                (0.5 - pixels.mean().get(1)) / pixels.std().get(1),
                (0.5 - pixels.mean().get(2)) / pixels.std().get(2)));
  }

  private Tensor channels(List<Double> values) {
    float[] floats = new float[values.size()];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = values.get(i).floatValue();
    }
    return Tensor.of(device, Shape.of(1, 1, 1, floats.length), floats);
  }

  /**
   * The first values of {@code cc_projection}: the identity for a token, and for T what the layer
   * was initialized with. Zero-1-to-3 began with them.
   *
   * @param parameters in which the model was built
   */
  static void initializeProjection(Parameters parameters) {
    Tensor weight = parameters.relative().get("cc_projection.weight");
    int width = weight.dim(0);
    int row = width + NUMBERS;
    float[] values = weight.toFloats();
    for (int i = 0; i < width; i++) {
      for (int j = 0; j < width; j++) {
        values[i * row + j] = i == j ? 1 : 0;
      }
    }
    weight.copyFrom(values);
  }

  /** The configuration of the model. */
  public ThreeDitConfig config() {
    return config;
  }

  /** The device of its parameters. */
  public Device device() {
    return device;
  }

  AutoencoderKL vae() {
    return vae;
  }

  /** The shape of B latents, {@code [B, s, s, c]}. */
  public Shape latents(int count) {
    int side = config.latentSide();
    return Shape.of(count, side, side, config.vae().latentChannels());
  }

  /** What the image encoder sees of pictures {@code [B, S, S, 3]} in [−1, 1]. */
  Tensor imagePixels(Tensor pictures) {
    return Scope.tidy(() -> add(multiply(resize.forward(pictures), scale), shift));
  }

  /**
   * The tokens of sentences and of source pictures, {@code [B, n, C]}, those of the sentence first.
   *
   * @param ids i32 {@code [B, 77]}; null for a model without a text encoder
   * @param pictures {@code [B, S, S, 3]} in [−1, 1]
   */
  public Tensor tokens(Tensor ids, Tensor pictures) {
    if ((ids == null) != (text == null)) {
      throw new IllegalArgumentException(
          text == null
              ? "Zero-1-to-3: takes no text"
              : "3DIT: a sentence is missing, which says what to edit");
    }
    return Scope.tidy(
        () -> {
          Tensor seen = visual.forward(vision.pool(vision.forward(imagePixels(pictures))));
          Tensor image = reshape(seen, seen.dim(0), 1, seen.dim(1));
          return text == null ? image : concat(1, text.forward(ids), image);
        });
  }

  /**
   * The tokens joined with T: what the UNet attends to, {@code [B, n, C]}.
   *
   * @param tokens {@code [B, n, C]}
   * @param numbers T, {@code [B, 4]}
   */
  public Tensor context(Tensor tokens, Tensor numbers) {
    return Scope.tidy(
        () -> {
          int batch = tokens.dim(0);
          Shape each = Shape.of(batch, tokens.dim(1), NUMBERS);
          Tensor everywhere =
              add(Tensor.zeros(device, DType.F32, each), reshape(numbers, batch, 1, NUMBERS));
          return projection.forward(concat(2, tokens, everywhere));
        });
  }

  /**
   * The latent of source pictures as the UNet takes it, {@code [B, s, s, c]}: the mode of the
   * autoencoder's distribution, without the factor that other latents have.
   *
   * @param pictures {@code [B, S, S, 3]} in [−1, 1]
   */
  public Tensor source(Tensor pictures) {
    return Scope.tidy(() -> vae.encode(pictures).mode());
  }

  /**
   * The predicted noise, {@code [B, s, s, c]}.
   *
   * @param noisy {@code [B, s, s, c]}
   * @param source {@link #source}
   * @param timesteps f32 {@code [B]}
   * @param context {@link #context}, or zeros for none
   */
  public Tensor denoise(Tensor noisy, Tensor source, Tensor timesteps, Tensor context) {
    return Scope.tidy(() -> unet.forward(concat(3, noisy, source), timesteps, context));
  }

  /** Pictures of latents, {@code [B, s, s, c] → [B, S, S, 3]}, about [−1, 1]. */
  Tensor decode(Tensor latents) {
    return Scope.tidy(() -> vae.decode(vae.fromDiffusion(latents)));
  }

  /** Pictures {@code [B, S, S, 3]} in [0, 1] on the device, in [−1, 1]. */
  public Tensor pictures(float[] values) {
    int size = config.imageSize();
    int each = size * size * 3;
    if (values.length == 0 || values.length % each != 0) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "3DIT: %d values are no pictures of %d×%d pixels",
              values.length,
              size,
              size));
    }
    return Scope.tidy(
        () ->
            affine(
                Tensor.of(device, Shape.of(values.length / each, size, size, 3), values), 2, -1));
  }
}
