package nacre.nn;

import static nacre.tensor.ops.Arithmetic.add;
import static nacre.tensor.ops.Concat.concat;
import static nacre.tensor.ops.Reshape.reshape;
import static nacre.tensor.ops.Slice.slice;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Unary;
import nacre.tensor.spi.Window;

/**
 * A vision transformer of one of the {@linkplain VitFamily families}: ViT and DINO, DINOv2, MAE's
 * encoder, CLIP's vision tower. Parameters have the names that transformers writes to disk.
 */
public final class Vit implements Layer {
  /** As transformers initializes ViT: standard deviation 0.02, biases 0. */
  static final Initializer INITIALIZER = Initializer.normal(0.02);

  private final VitConfig config;
  private final Tensor classToken;
  private final Tensor registers;
  private final PatchPositions positions;
  private final Conv2d patches;
  private final Layer encoder;
  private final Layer pooler;

  /** A model without a pooling layer. */
  public Vit(Parameters p, VitConfig config) {
    this(p, config, false);
  }

  /**
   * A model with or without a pooling layer.
   *
   * @param addPoolingLayer whether a layer of its own follows the class token: a linear one of ViT,
   *     which DINO's weights lack, or the norm of CLIP, which is there in any case but is not
   *     trained without. The other families have none
   * @throws IllegalArgumentException if a family without such a layer is asked for one
   */
  public Vit(Parameters p, VitConfig config, boolean addPoolingLayer) {
    this.config = config;
    VitFamily family = config.family();
    VitNames names = config.names();
    int width = config.hiddenSize();
    Parameters root = names.prefix().isEmpty() ? p : p.at(names.prefix());
    boolean clip = family == VitFamily.CLIP;
    this.classToken =
        root.parameter(
            names.classToken(), clip ? Shape.of(width) : Shape.of(1, 1, width), INITIALIZER);
    if (config.dinov2().useMaskToken()) { // part of the file, and of no use here
      root.frozen().parameter("embeddings.mask_token", Shape.of(1, width), Initializer.zeros());
    }
    this.positions = new PatchPositions(root, config);
    int registerTokens = config.dinov2().numRegisterTokens();
    this.registers =
        family == VitFamily.DINOV2_WITH_REGISTERS
            ? root.parameter(
                "embeddings.register_tokens",
                Shape.of(1, registerTokens, width),
                Initializer.zeros())
            : null;
    this.patches =
        new Conv2d(
            root.at(names.patches()),
            config.numChannels(),
            width,
            config.patchSize(),
            Window.of(config.patchSize(), 0),
            INITIALIZER,
            clip ? null : Initializer.zeros());
    List<Layer> layers = new ArrayList<>();
    layers.add(this::embed);
    if (clip) {
      layers.add(new LayerNorm(root.at("pre_layrnorm"), width, config.layerNormEps()));
    }
    for (int i = 0; i < config.numHiddenLayers(); i++) {
      layers.add(new VitLayer(root.at(names.layers()).at(i), config, names));
    }
    Parameters last = root.at(names.norm());
    LayerNorm norm =
        new LayerNorm(
            clip && !addPoolingLayer ? last.frozen() : last, width, config.layerNormEps());
    if (!clip) {
      layers.add(norm);
    }
    this.encoder = Sequential.of(layers);
    this.pooler = clip ? norm : addPoolingLayer ? pooler(root, config) : null;
  }

  private static Layer pooler(Parameters p, VitConfig config) {
    if (config.family() != VitFamily.VIT) {
      throw new IllegalArgumentException(config.family().title() + " has no pooling layer");
    }
    int width = config.hiddenSize();
    Linear dense = new Linear(p.at("pooler.dense"), width, width, INITIALIZER, Initializer.zeros());
    return token -> dense.forward(token, Unary.TANH);
  }

  /** The configuration. */
  public VitConfig config() {
    return config;
  }

  /**
   * {@code pixelValues [N, H, W, channels] → last_hidden_state [N, 1 + R + H/patch · W/patch, C]},
   * the class token first, then R registers where the family has them. The caller normalizes the
   * pixels as the weights expect. For images of another size than the configured one the position
   * embeddings are interpolated, as by transformers' {@code interpolate_pos_encoding}; pixels
   * beyond the last whole patch are ignored. MAE sees all patches, as with {@code mask_ratio} 0.
   *
   * @throws IllegalArgumentException if the images are smaller than a patch or of other channels
   */
  @Override
  public Tensor forward(Tensor pixelValues) {
    int patch = config.patchSize();
    if (pixelValues.shape().rank() != 4
        || pixelValues.dim(1) < patch
        || pixelValues.dim(2) < patch
        || pixelValues.dim(3) != config.numChannels()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%s: pixel values are %s, [N, H, W, %d] is wanted with H and W at least %d",
              config.family().title(),
              pixelValues.describe(),
              config.numChannels(),
              patch));
    }
    return encoder.forward(pixelValues);
  }

  /**
   * Prepares for images of another size than the configured one: the interpolation of positions is
   * computed once, and {@link #forward} of such images can be part of a {@linkplain
   * nacre.tensor.CapturedStep captured step}, which takes nothing from the host. What is made
   * belongs to the current scope, which must stay open as long as the model is used.
   *
   * @param height of the images in pixels
   * @param width of the images in pixels
   */
  public void prepare(int height, int width) {
    positions.prepare(height / config.patchSize(), width / config.patchSize());
  }

  /** The patch tokens of {@link #forward} as a map, {@code [N, H/patch, W/patch, C]}. */
  public Tensor features(Tensor pixelValues) {
    return Scope.tidy(
        () -> {
          Tensor tokens = forward(pixelValues);
          int rows = pixelValues.dim(1) / config.patchSize();
          int columns = pixelValues.dim(2) / config.patchSize();
          Tensor map = slice(tokens, 1, config.prefixTokens(), rows * columns);
          return reshape(map, pixelValues.dim(0), rows, columns, config.hiddenSize());
        });
  }

  /**
   * One vector for each image: its class token, after the pooling layer where there is one. {@code
   * lastHiddenState [N, T, C] → [N, C]}.
   *
   * @param lastHiddenState the output of {@link #forward}
   */
  public Tensor pool(Tensor lastHiddenState) {
    return Scope.tidy(
        () -> {
          Tensor first = slice(lastHiddenState, 1, 0, 1);
          Tensor token = reshape(first, lastHiddenState.dim(0), config.hiddenSize());
          return pooler == null ? token : pooler.forward(token);
        });
  }

  /** The tokens with position embeddings, which registers have not: {@code [N, 1 + R + P, C]}. */
  private Tensor embed(Tensor pixelValues) {
    int n = pixelValues.dim(0);
    int width = config.hiddenSize();
    Tensor grid = patches.forward(pixelValues); // [N, rows, columns, C]
    Tensor rows = reshape(grid, n, grid.dim(1) * grid.dim(2), width);
    Tensor first = MixedPrecision.match(reshape(classToken, 1, 1, width), rows);
    Tensor tokens = concat(1, repeat(first, n), rows);
    Tensor placed = add(tokens, MixedPrecision.match(positions.of(grid.dim(1), grid.dim(2)), rows));
    if (registers == null) {
      return placed;
    }
    Tensor between = repeat(MixedPrecision.match(registers, rows), n);
    return concat(1, slice(placed, 1, 0, 1), between, slice(placed, 1, 1, placed.dim(1) - 1));
  }

  /** {@code x [1, T, C] → [n, T, C]}. */
  private static Tensor repeat(Tensor x, int n) {
    return add(Tensor.zeros(x.device(), x.dtype(), x.shape().with(0, n)), x);
  }
}
