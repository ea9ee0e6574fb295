package nacre.nn;

import static nacre.tensor.ops.Arithmetic.add;
import static nacre.tensor.ops.Concat.concat;
import static nacre.tensor.ops.Reshape.reshape;
import static nacre.tensor.ops.Slice.slice;

import java.util.ArrayList;
import java.util.List;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Unary;
import nacre.tensor.spi.Window;

/**
 * The vision transformer (Dosovitskiy et al., 2021) under the names of transformers' {@code
 * ViTModel}, as which DINO's weights are published (Caron et al., 2021).
 */
public final class Vit implements Layer {
  /** As transformers initializes ViT: standard deviation 0.02, biases 0. */
  static final Initializer INITIALIZER = Initializer.normal(0.02);

  private final VitConfig config;
  private final Tensor classToken;
  private final PatchPositions positions;
  private final Conv2d patches;
  private final Layer encoder;
  private final Linear pooler;

  /** A model without a pooling layer. */
  public Vit(Parameters p, VitConfig config) {
    this(p, config, false);
  }

  /**
   * A model with or without a pooling layer.
   *
   * @param addPoolingLayer whether a layer follows the class token, which DINO's weights lack
   */
  public Vit(Parameters p, VitConfig config, boolean addPoolingLayer) {
    this.config = config;
    int width = config.hiddenSize();
    Parameters embeddings = p.at("embeddings");
    this.classToken = embeddings.parameter("cls_token", Shape.of(1, 1, width), INITIALIZER);
    this.positions = new PatchPositions(embeddings, config.grid(), width);
    this.patches =
        new Conv2d(
            embeddings.at("patch_embeddings.projection"),
            config.numChannels(),
            width,
            config.patchSize(),
            Window.of(config.patchSize(), 0),
            INITIALIZER,
            Initializer.zeros());
    List<Layer> layers = new ArrayList<>();
    layers.add(this::embed);
    for (int i = 0; i < config.numHiddenLayers(); i++) {
      layers.add(new VitLayer(p.at("encoder.layer").at(i), config));
    }
    layers.add(new LayerNorm(p.at("layernorm"), width, config.layerNormEps()));
    this.encoder = Sequential.of(layers);
    this.pooler =
        addPoolingLayer
            ? new Linear(p.at("pooler.dense"), width, width, INITIALIZER, Initializer.zeros())
            : null;
  }

  /** The configuration. */
  public VitConfig config() {
    return config;
  }

  /**
   * {@code pixelValues [N, H, W, channels] → last_hidden_state [N, 1 + H/patch · W/patch, C]}, the
   * class token first. The caller normalizes the pixels as the weights expect. For images of
   * another size than the configured one the position embeddings are interpolated, as by
   * transformers' {@code interpolate_pos_encoding}; pixels beyond the last whole patch are ignored.
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
          "ViT: pixel values are %s, [N, H, W, %d] is wanted with H and W at least %d"
              .formatted(pixelValues.describe(), config.numChannels(), patch));
    }
    return encoder.forward(pixelValues);
  }

  /** The patch tokens of {@link #forward} as a map, {@code [N, H/patch, W/patch, C]}. */
  public Tensor features(Tensor pixelValues) {
    return Scope.tidy(
        () -> {
          Tensor tokens = forward(pixelValues);
          int rows = pixelValues.dim(1) / config.patchSize();
          int columns = pixelValues.dim(2) / config.patchSize();
          Tensor map = slice(tokens, 1, 1, rows * columns);
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
          return pooler == null ? token : pooler.forward(token, Unary.TANH);
        });
  }

  /** The patches as tokens with position embeddings, {@code [N, 1 + H/patch · W/patch, C]}. */
  private Tensor embed(Tensor pixelValues) {
    int n = pixelValues.dim(0);
    int width = config.hiddenSize();
    Tensor grid = patches.forward(pixelValues); // [N, rows, columns, C]
    Tensor rows = reshape(grid, n, grid.dim(1) * grid.dim(2), width);
    Tensor first = MixedPrecision.match(classToken, rows);
    Tensor none = Tensor.zeros(rows.device(), rows.dtype(), Shape.of(n, 1, width));
    Tensor tokens = concat(1, add(none, first), rows);
    return add(tokens, MixedPrecision.match(positions.of(grid.dim(1), grid.dim(2)), rows));
  }
}
