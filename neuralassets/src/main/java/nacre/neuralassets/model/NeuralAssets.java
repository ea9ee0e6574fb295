package nacre.neuralassets.model;

import static nacre.tensor.ops.Arithmetic.add;
import static nacre.tensor.ops.Arithmetic.multiply;
import static nacre.tensor.ops.Cast.cast;
import static nacre.tensor.ops.Concat.concat;
import static nacre.tensor.ops.CropResize.cropResize;
import static nacre.tensor.ops.CropResize.resize;
import static nacre.tensor.ops.Reshape.reshape;
import static nacre.tensor.ops.Slice.slice;

import java.util.Locale;
import nacre.diffusion.unet.UNet2DCondition;
import nacre.diffusion.vae.AutoencoderKL;
import nacre.neuralassets.encoder.ImageEncoder;
import nacre.neuralassets.encoder.ImageEncoderConfig;
import nacre.neuralassets.model.AssetTokens.Background;
import nacre.neuralassets.scene.PoseVector;
import nacre.nn.AttentionContext;
import nacre.nn.Initializer;
import nacre.nn.Linear;
import nacre.nn.Mlp;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Unary;

/**
 * The model of Neural Assets (Wu et al., "Neural Assets: 3D-Aware Multi-Object Scene Synthesis with
 * Image Diffusion Models", 2024). Objects and background become tokens that hold their appearance,
 * taken from a source frame, and their pose in the target frame; a UNet that attends to the tokens
 * draws the target frame. Keys of the preset turn it into its ablations and into the multi-object
 * variant of 3DIT, whose UNet sees the source frame and whose tokens are boxes.
 *
 * <p>Shapes: B images, N object slots, K = roi_size² tokens per object, C = cross_attention_dim, S
 * the image's side, s that of the samples which the UNet denoises. Where the preset says that the
 * {@linkplain AssetTokens.Background background} has no tokens, N + 1 is N.
 *
 * <p>Parameters: {@code unet.*}, those of the image encoder under its model type, usually {@code
 * vit.*}, {@code appearance.*}, {@code pose_mlp.{0,2}.*}, {@code background_mlp.{0,2}.*} if the
 * background has a pose, {@code neck.*}, and where the preset has one {@code vae.*}, which is not
 * trained. {@link Trainable} says which of them are. With the preset's {@code lora} the UNet has
 * low-rank adapters, {@code unet.*.lora_A.weight} and {@code lora_B.weight}; its own weights are
 * frozen, and stored in the type that is computed in.
 */
public final class NeuralAssets {
  private final Preset preset;
  private final AssetTokens config;
  private final DType compute;
  private final Device device;
  private final UNet2DCondition unet;
  private final ImageEncoder encoder;
  private final Tensor positions;
  private final Linear appearance;
  private final Mlp pose;
  private final Mlp background;
  private final Linear neck;
  private final SampleSpace samples;
  private final CoordinateChannels coordinates;

  /** A model that computes in f32. */
  public NeuralAssets(Parameters p, Preset preset) {
    this(p, preset, DType.F32);
  }

  /**
   * A model. Of its parameters those that the preset does not train are frozen.
   *
   * @param compute the type of its activations, f32 or bf16; parameters of another type are
   *     converted where they are used
   */
  public NeuralAssets(Parameters all, Preset preset, DType compute) {
    Trainable trainable = preset.trainable();
    Parameters p = all.frozen(name -> !trainable.trains(name));
    this.preset = preset;
    this.config = preset.assetTokens();
    this.compute = compute;
    Parameters drawing = p.at("unet");
    if (preset.lora().isPresent()) {
      // Its weights are used in that type alone, so that nothing is lost by storing them in it.
      drawing = drawing.storedIn(compute).adapted(preset.lora().get());
    }
    this.unet = new UNet2DCondition(drawing, preset.unet());
    drawing.requireTargets();
    this.device = p.all().values().iterator().next().device();
    boolean seen = config.hasEncoder();
    this.encoder =
        seen ? preset.imageEncoder().build(p.at(preset.imageEncoder().modelType())) : null;
    if (seen) {
      encoder.prepare(config.imageSize());
    }
    this.positions =
        config.encoderPositions() ? null : p.all().get(preset.encoderPositions().orElseThrow());
    clearPositions();
    int features = config.poseWidth();
    int look = seen ? config.appearanceDim() : 0;
    int place = config.poseDim();
    this.appearance =
        seen ? layer(p.at("appearance"), preset.imageEncoder().hiddenSize(), look) : null;
    this.pose = mlp(p.at("pose_mlp"), features, config.poseHidden(), place);
    this.background =
        config.background() == Background.FULL
            ? mlp(p.at("background_mlp"), PoseVector.LENGTH, config.backgroundHidden(), features)
            : null;
    this.neck =
        layer(
            p.at("neck"),
            look + config.surface().width() + place,
            preset.unet().crossAttentionDim());
    this.samples =
        preset
            .vae()
            .<SampleSpace>map(vae -> new SampleSpace.Latents(new AutoencoderKL(p.at("vae"), vae)))
            .orElseGet(() -> new SampleSpace.FoldedPixels(preset.fold()));
    this.coordinates =
        CoordinateChannels.of(device, preset.sampleSize(), preset.coordinateOctaves());
    trainable.requireUsed(p.all().keySet());
  }

  private Linear layer(Parameters p, int in, int out) {
    double gain = config.initialGain();
    return gain == 0
        ? new Linear(p, in, out)
        : new Linear(p, in, out, Initializer.normal(gain / Math.sqrt(in)), Initializer.zeros());
  }

  private Mlp mlp(Parameters p, int in, int inner, int out) {
    return new Mlp(layer(p.at(0), in, inner), Unary.GELU_TANH, layer(p.at(2), inner, out));
  }

  /**
   * Zeroes the image encoder's position embeddings if the preset says that it has none: after
   * weights were loaded over the encoder's.
   */
  public void clearPositions() {
    if (positions != null) {
      device.backend().fill(positions, 0);
    }
  }

  /** The preset it was built from. */
  public Preset preset() {
    return preset;
  }

  /** The device of its parameters. */
  public Device device() {
    return device;
  }

  /** The tensors of a conditioning on the model's device, in the current scope. */
  public ConditioningTensors prepare(Conditioning conditioning) {
    requireSize(conditioning.size());
    return ConditioningTensors.of(device, conditioning, config);
  }

  /** Unwritten tensors for the conditioning of so many images and slots, in the current scope. */
  public ConditioningTensors room(int batch, int slots) {
    return ConditioningTensors.empty(device, batch, preset.imageSize(), slots, config);
  }

  /** Overwrites the tensors of an earlier conditioning of as many images and slots. */
  public void prepare(Conditioning conditioning, ConditioningTensors into) {
    requireSize(conditioning.size());
    into.write(conditioning, config);
  }

  private void requireSize(int size) {
    if (size != preset.imageSize()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "Neural Assets: source images have a side of %d pixels, the preset says %d; resize"
                  + " them",
              size,
              preset.imageSize()));
    }
  }

  /**
   * The tokens of a conditioning, {@code [B, K (N + 1), C]}: {@link #tokens(ConditioningTensors)}.
   */
  public Tensor tokens(Conditioning conditioning) {
    return Scope.tidy(() -> tokens(prepare(conditioning)));
  }

  /**
   * The tokens, {@code [B, K (N + 1), C]}: the objects in the order of their slots, the background
   * last, of each the cells of its grid row by row.
   */
  public Tensor tokens(ConditioningTensors in) {
    int side = config.roiSize();
    return Scope.tidy(
        () -> {
          if (encoder == null) {
            return join(null, null, in.features(), in.backgroundPoses());
          }
          int batch = in.boxes().dim(0);
          Tensor maps = encode(in.pixels()); // [2B, grid, grid, D]
          Tensor front = cropResize(slice(maps, 0, 0, batch), in.boxes(), side, side);
          if (!config.hasBackground()) {
            return join(front, in.surfaces(), in.features(), in.backgroundPoses());
          }
          Tensor back = cropResize(slice(maps, 0, batch, batch), in.wholes(), side, side);
          Tensor crops = concat(1, front, back); // [B, N + 1, side, side, D]
          return join(crops, in.surfaces(), in.features(), in.backgroundPoses());
        });
  }

  /**
   * The tokens of a dropped conditioning, {@code [1, K (N + 1), C]}. They do not depend on images,
   * so none are encoded.
   */
  public Tensor unconditionalTokens(int slots) {
    int side = config.roiSize();
    int width = preset.imageEncoder().hiddenSize();
    int objects = config.hasBackground() ? slots + 1 : slots;
    int poses = config.hasSourcePoses() ? 2 * slots : slots;
    float[] nowhere = config.poseFeatures().of(new float[poses * PoseVector.LENGTH]);
    return Scope.tidy(
        () ->
            join(
                encoder == null
                    ? null
                    : Tensor.zeros(device, compute, Shape.of(1, objects, side, side, width)),
                config.surface().rays() == 0
                    ? null
                    : Tensor.zeros(
                        device,
                        DType.F32,
                        Shape.of(1, slots, side * side, config.surface().width())),
                Tensor.of(device, Shape.of(1, slots, config.poseWidth()), nowhere),
                Tensor.zeros(device, DType.F32, Shape.of(1, PoseVector.LENGTH))));
  }

  /** The features of images, {@code [N, S, S, 3] → [N, grid, grid, D]}. */
  private Tensor encode(Tensor pixels) {
    ImageEncoderConfig shape = preset.imageEncoder();
    int side = config.imageSize();
    int grid = side / shape.patchSize();
    Tensor x = pixels.dim(1) == side ? pixels : resize(pixels, side, side);
    Tensor features = encoder.features(in(compute, x));
    Shape wanted = Shape.of(x.dim(0), grid * grid, shape.hiddenSize());
    if (!features.shape().equals(wanted)) {
      throw new IllegalStateException(
          String.format(
              Locale.ROOT,
              "image encoder %s: features are %s, %s is wanted of images %s",
              shape.modelType(),
              features.shape(),
              wanted,
              x.shape()));
    }
    return reshape(features, x.dim(0), grid, grid, shape.hiddenSize());
  }

  /**
   * Crops {@code [B, N + 1, side, side, D]}, null without an encoder, geometry {@code [B, N, K,
   * 5m²]}, null for none, and pose features {@code [B, N, F]} to tokens.
   */
  private Tensor join(Tensor crops, Tensor surfaces, Tensor features, Tensor backgroundPoses) {
    Tensor place = places(features, backgroundPoses); // [B, N + 1, poseDim]
    if (crops == null) {
      return neck.forward(place);
    }
    int batch = crops.dim(0);
    int objects = crops.dim(1);
    int cells = config.tokensPerObject();
    Tensor look = appearance.forward(reshape(crops, batch, objects, cells, crops.dim(-1)));
    int width = config.poseDim();
    Tensor cell = Tensor.zeros(device, compute, Shape.of(batch, objects, cells, width));
    Tensor places = add(cell, reshape(place, batch, objects, 1, width));
    Tensor parts =
        surfaces == null
            ? concat(3, look, places)
            : concat(3, look, withBackground(in(compute, surfaces)), places);
    Tensor tokens = neck.forward(parts); // [B, N + 1, K, C]
    return reshape(tokens, batch, objects * cells, tokens.dim(-1));
  }

  /** The background has no surface: zeros after the objects', if it has tokens. */
  private Tensor withBackground(Tensor surfaces) {
    return config.hasBackground()
        ? concat(1, surfaces, Tensor.zeros(device, compute, surfaces.shape().with(1, 1)))
        : surfaces;
  }

  /** The poses' halves of the tokens, {@code [B, N + 1, poseDim]}. */
  private Tensor places(Tensor features, Tensor backgroundPoses) {
    int batch = features.dim(0);
    Tensor seen = in(compute, features);
    return switch (config.background()) {
      case FULL -> {
        Tensor view = background.forward(in(compute, backgroundPoses)); // [B, F]
        yield pose.forward(concat(1, seen, reshape(view, batch, 1, features.dim(2))));
      }
      case NO_POSE -> {
        Shape one = Shape.of(batch, 1, config.poseDim());
        yield concat(1, pose.forward(seen), Tensor.zeros(device, compute, one));
      }
      case NONE -> pose.forward(seen);
    };
  }

  /** A conditioning as the UNet takes it, in the current scope. */
  public EncodedConditioning encode(Conditioning conditioning) {
    return new EncodedConditioning(
        tokens(conditioning), preset.seesSource() ? source(conditioning) : null);
  }

  /**
   * The source frames in samples, {@code [B, s, s, c]}: of latents the modes of their
   * distributions. Those that are dropped are zeros.
   */
  public Tensor source(Conditioning conditioning) {
    int size = conditioning.size();
    int batch = conditioning.batch();
    requireSize(size);
    return Scope.tidy(
        () -> {
          Tensor frames = Tensor.of(device, Shape.of(batch, size, size, 3), conditioning.source());
          Tensor kept = Tensor.of(device, Shape.of(batch, 1, 1, 1), conditioning.keepSource());
          return multiply(samples.toSamples(frames, null), kept);
        });
  }

  /** As the other, of a UNet that does not see the source. */
  public Tensor denoise(Tensor noisy, Tensor timesteps, Tensor tokens) {
    return denoise(noisy, timesteps, new EncodedConditioning(tokens, null));
  }

  /**
   * The UNet's prediction on noisy samples, {@code [B, s, s, c] → [B, s, s, c]}, f32. Its input has
   * the noisy samples first, then the source frame's if it sees it, then coordinates.
   *
   * @param noisy f32
   * @param timesteps {@code [B]}, f32
   * @throws IllegalArgumentException if the UNet sees a source, and there is none, or the reverse
   */
  public Tensor denoise(Tensor noisy, Tensor timesteps, EncodedConditioning given) {
    return denoise(noisy, timesteps, AttentionContext.of(given.tokens()), given.source());
  }

  /** Tokens that are the same for many steps, see {@link UNet2DCondition#constant}. */
  AttentionContext constant(Tensor tokens) {
    return unet.constant(tokens);
  }

  /** As the other, of tokens that may be constant, and of the source frame's samples or null. */
  Tensor denoise(Tensor noisy, Tensor timesteps, AttentionContext tokens, Tensor source) {
    if (preset.seesSource() != (source != null)) {
      throw new IllegalArgumentException(
          preset.seesSource()
              ? "Neural Assets: this UNet sees the source frame (unet_input is \"source\"), whose"
                  + " samples are missing beside the tokens"
              : "Neural Assets: this UNet does not see the source frame (unet_input is \"noise\")");
    }
    return Scope.tidy(
        () -> {
          Tensor x = source == null ? noisy : concat(3, noisy, source);
          if (coordinates != null) {
            x = concat(3, x, coordinates.of(noisy.dim(0), noisy.dtype()));
          }
          return in(DType.F32, unet.forward(in(compute, x), timesteps, tokens, null));
        });
  }

  /** The space in which the UNet works: latents, or blocks of pixels. */
  public SampleSpace samples() {
    return samples;
  }

  private static Tensor in(DType dtype, Tensor x) {
    return x.dtype() == dtype ? x : cast(x, dtype);
  }
}
