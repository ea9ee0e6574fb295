package nacre.diffusion.text;

import static nacre.tensor.ops.Arithmetic.add;
import static nacre.tensor.ops.Cast.cast;
import static nacre.tensor.ops.Slice.slice;

import java.util.ArrayList;
import java.util.List;
import nacre.nn.Embedding;
import nacre.nn.LayerNorm;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * The text encoder of CLIP (Radford et al., 2021), which tells Stable Diffusion what a prompt says:
 * a causal transformer. Built from transformers' {@code config.json}, under the names of its {@code
 * CLIPTextModel}.
 */
public final class ClipTextModel {
  private static final String PREFIX = "text_model.";

  private final ClipTextConfig config;
  private final Embedding tokens;
  private final Embedding positions;
  private final List<ClipTextLayer> layers = new ArrayList<>();
  private final LayerNorm norm;

  /** Builds the model on parameters whose names begin where {@code p} stands. */
  public ClipTextModel(Parameters p, ClipTextConfig config) {
    this.config = config;
    int width = config.hiddenSize();
    Parameters embeddings = p.at("embeddings");
    tokens = new Embedding(embeddings.at("token_embedding"), config.vocabSize(), width);
    positions =
        new Embedding(embeddings.at("position_embedding"), config.maxPositionEmbeddings(), width);
    for (int i = 0; i < config.numHiddenLayers(); i++) {
      layers.add(new ClipTextLayer(p.at("encoder.layers").at(i), config));
    }
    norm = new LayerNorm(p.at("final_layer_norm"), width, config.layerNormEps());
  }

  /** The name in this model of a parameter in a checkpoint, most of which begin text_model. */
  public static String currentName(String name) {
    return name.startsWith(PREFIX) ? name.substring(PREFIX.length()) : name;
  }

  /**
   * Whether a checkpoint's tensor of this {@linkplain #currentName name} is no parameter: a table
   * of the whole numbers, or the projection that contrastive training used.
   */
  public static boolean isIgnorable(String name) {
    return name.equals("embeddings.position_ids") || name.equals("text_projection.weight");
  }

  /** What the model was built from. */
  public ClipTextConfig config() {
    return config;
  }

  /** {@link #forward(Tensor, DType)} in the dtype that the parameters are stored in. */
  public Tensor forward(Tensor inputIds) {
    return forward(inputIds, tokens.weight().dtype());
  }

  /**
   * {@code inputIds [N, T] (i32 or i64) → last_hidden_state [N, T, C]}, behind the last norm.
   *
   * @param dtype what to compute in
   * @throws IllegalArgumentException if the texts are longer than the model allows
   */
  public Tensor forward(Tensor inputIds, DType dtype) {
    if (inputIds.shape().rank() != 2 || inputIds.dim(1) > config.maxPositionEmbeddings()) {
      throw new IllegalArgumentException(
          "CLIPTextModel: input ids are %s, [N, T] with T up to %d is wanted"
              .formatted(inputIds.describe(), config.maxPositionEmbeddings()));
    }
    try (Scope scope = Scope.open()) {
      Tensor x = cast(tokens.forward(inputIds), dtype); // [N, T, C]
      x = add(x, cast(slice(positions.weight(), 0, 0, inputIds.dim(1)), dtype));
      for (ClipTextLayer layer : layers) {
        Tensor y = layer.forward(x);
        x.close();
        x = y;
      }
      return scope.keep(norm.forward(x));
    }
  }
}
