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
import nacre.tensor.backend.Window;

/**
 * The vision transformer (Dosovitskiy et al., 2021) under the names of transformers' {@code
 * ViTModel}, without pooler: what DINO's published weights are stored as.
 */
public final class Vit {
  /** As transformers initialises ViT: standard deviation 0.02, biases 0. */
  static final Initialiser INITIALISER = Initialiser.normal(0.02);

  private final VitConfig config;
  private final Tensor classToken;
  private final Tensor positions;
  private final Conv2d patches;
  private final List<VitLayer> layers = new ArrayList<>();
  private final LayerNorm norm;

  /** A model of these numbers. */
  public Vit(Parameters p, VitConfig config) {
    this.config = config;
    int width = config.hiddenSize();
    int tokens = 1 + config.grid() * config.grid();
    Parameters embeddings = p.at("embeddings");
    this.classToken = embeddings.parameter("cls_token", Shape.of(1, 1, width), INITIALISER);
    this.positions =
        embeddings.parameter("position_embeddings", Shape.of(1, tokens, width), INITIALISER);
    this.patches =
        new Conv2d(
            embeddings.at("patch_embeddings.projection"),
            config.numChannels(),
            width,
            config.patchSize(),
            Window.of(config.patchSize(), 0),
            INITIALISER,
            Initialiser.zeros());
    for (int i = 0; i < config.numHiddenLayers(); i++) {
      layers.add(new VitLayer(p.at("encoder.layer").at(i), config));
    }
    this.norm = new LayerNorm(p.at("layernorm"), width, config.layerNormEps());
  }

  /** The numbers. */
  public VitConfig config() {
    return config;
  }

  /**
   * {@code pixelValues [N, H, W, channels] → last_hidden_state [N, 1 + grid², C]}, the class token
   * first. Pixels are normalised by the caller as the weights want it.
   *
   * @throws IllegalArgumentException if the images are not of the configured size
   */
  public Tensor forward(Tensor pixelValues) {
    Shape wanted =
        Shape.of(pixelValues.dim(0), config.imageSize(), config.imageSize(), config.numChannels());
    if (!pixelValues.shape().equals(wanted)) {
      throw new IllegalArgumentException(
          "ViT: pixel values are " + pixelValues + ", " + wanted + " is wanted; resize them first");
    }
    try (Scope scope = Scope.open()) {
      Tensor x = embed(pixelValues); // [N, 1 + grid², C]
      for (VitLayer layer : layers) {
        Tensor y = forward(layer, x);
        x.close();
        x = y;
      }
      return scope.hand(norm.forward(x));
    }
  }

  /** The patch tokens of {@link #forward} as a map, {@code [N, grid, grid, C]}. */
  public Tensor features(Tensor pixelValues) {
    try (Scope scope = Scope.open()) {
      Tensor tokens = forward(pixelValues);
      int grid = config.grid();
      Tensor map = slice(tokens, 1, 1, grid * grid);
      return scope.hand(reshape(map, tokens.dim(0), grid, grid, config.hiddenSize()));
    }
  }

  private Tensor embed(Tensor pixelValues) {
    int n = pixelValues.dim(0);
    int width = config.hiddenSize();
    Tensor grid = patches.forward(pixelValues); // [N, grid, grid, C]
    Tensor rows = reshape(grid, n, config.grid() * config.grid(), width);
    Tensor first = ComputeType.match(classToken, rows);
    Tensor none = Tensor.zeros(rows.device(), rows.dtype(), Shape.of(n, 1, width));
    Tensor tokens = concat(1, add(none, first), rows);
    return add(tokens, ComputeType.match(positions, rows));
  }

  /** Each layer in a scope of its own: where nothing is recorded, memory is one layer's. */
  private static Tensor forward(VitLayer layer, Tensor x) {
    try (Scope scope = Scope.open()) {
      return scope.hand(layer.forward(x));
    }
  }
}
