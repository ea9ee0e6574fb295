package nacre.diffusion.text;

import static nacre.tensor.ops.Arithmetic.add;
import static nacre.tensor.ops.Cast.cast;
import static nacre.tensor.ops.Slice.slice;

import java.util.ArrayList;
import java.util.List;
import nacre.nn.Embedding;
import nacre.nn.Layer;
import nacre.nn.LayerNorm;
import nacre.nn.Parameters;
import nacre.nn.Sequential;
import nacre.tensor.DType;
import nacre.tensor.Tensor;

/**
 * The text encoder of CLIP (Radford et al., 2021), a causal transformer whose output conditions
 * Stable Diffusion. Built from transformers' {@code config.json}, under the names of its {@code
 * CLIPTextModel}.
 */
public final class ClipTextModel {
  private static final String PREFIX = "text_model.";

  private final ClipTextConfig config;
  private final Embedding tokens;
  private final Embedding positions;
  private final Layer encoder;

  /** Builds the model on parameters whose names begin where {@code p} stands. */
  public ClipTextModel(Parameters p, ClipTextConfig config) {
    this.config = config;
    int width = config.hiddenSize();
    Parameters embeddings = p.at("embeddings");
    tokens = new Embedding(embeddings.at("token_embedding"), config.vocabSize(), width);
    positions =
        new Embedding(embeddings.at("position_embedding"), config.maxPositionEmbeddings(), width);
    List<Layer> layers = new ArrayList<>();
    for (int i = 0; i < config.numHiddenLayers(); i++) {
      layers.add(new ClipTextLayer(p.at("encoder.layers").at(i), config));
    }
    layers.add(new LayerNorm(p.at("final_layer_norm"), width, config.layerNormEps()));
    encoder = Sequential.of(layers);
  }

  /**
   * The name in this model of a parameter in a checkpoint, where most names begin with text_model.
   */
  public static String currentName(String name) {
    return name.startsWith(PREFIX) ? name.substring(PREFIX.length()) : name;
  }

  /**
   * Whether a checkpoint's tensor of this {@linkplain #currentName name} is not a parameter: the
   * position ids, or the projection of contrastive training.
   */
  public static boolean isIgnorable(String name) {
    return name.equals("embeddings.position_ids") || name.equals("text_projection.weight");
  }

  /** The configuration of the model. */
  public ClipTextConfig config() {
    return config;
  }

  /** {@link #forward(Tensor, DType)} in the dtype that the parameters are stored in. */
  public Tensor forward(Tensor inputIds) {
    return forward(inputIds, tokens.weight().dtype());
  }

  /**
   * {@code inputIds [N, T] (i32 or i64) → last_hidden_state [N, T, C]}, after the final norm.
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
    Layer embedding = ids -> embed(ids, dtype);
    return embedding.then(encoder).forward(inputIds);
  }

  /** {@code inputIds [N, T] → [N, T, C]}. */
  private Tensor embed(Tensor inputIds, DType dtype) {
    Tensor places = slice(positions.weight(), 0, 0, inputIds.dim(1)); // [T, C]
    return add(cast(tokens.forward(inputIds), dtype), cast(places, dtype));
  }
}
