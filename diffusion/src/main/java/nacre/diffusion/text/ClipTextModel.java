package nacre.diffusion.text;

import static nacre.tensor.ops.Arithmetic.add;
import static nacre.tensor.ops.Cast.cast;
import static nacre.tensor.ops.Slice.slice;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import nacre.nn.Embedding;
import nacre.nn.Layer;
import nacre.nn.LayerNorm;
import nacre.nn.Parameters;
import nacre.nn.Sequential;
import nacre.tensor.DType;
import nacre.tensor.Device;
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
  private final List<Layer> layers = new ArrayList<>();
  private final LayerNorm finalNorm;

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
    finalNorm = new LayerNorm(p.at("final_layer_norm"), width, config.layerNormEps());
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
    requireText("input ids are", inputIds, 2);
    Layer embedding = ids -> place(cast(tokens.forward(ids), dtype));
    return embedding.then(encoder(0)).forward(inputIds);
  }

  /**
   * The vectors of tokens, before their places are added: {@code inputIds [N, T] (i32 or i64) → [N,
   * T, C]}. {@link #forwardVectors} goes on with them, or with others in their place.
   */
  Tensor tokenVectors(Tensor inputIds) {
    return tokens.forward(inputIds);
  }

  /**
   * {@code vectors [N, T, C] → [N, T, C]}, after the final norm.
   *
   * @param skip how many of the last layers are left out, up to all
   * @throws IllegalArgumentException if there are fewer layers, or the texts are longer than the
   *     model allows
   */
  Tensor forwardVectors(Tensor vectors, int skip) {
    requireText("vectors are", vectors, 3);
    Layer embedding = this::place;
    return embedding.then(encoder(skip)).forward(vectors);
  }

  private void requireText(String what, Tensor text, int rank) {
    if (text.shape().rank() != rank || text.dim(1) > config.maxPositionEmbeddings()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "CLIPTextModel: %s %s, [N, T%s] with T up to %d is wanted",
              what,
              text.describe(),
              rank == 2 ? "" : ", C",
              config.maxPositionEmbeddings()));
    }
  }

  /** All layers but the last {@code skip}, and the final norm. */
  private Layer encoder(int skip) {
    if (skip > layers.size()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT, "clip skip is %d, the text encoder has %d layers", skip, layers.size()));
    }
    List<Layer> all = new ArrayList<>(layers.subList(0, layers.size() - skip));
    all.add(finalNorm);
    return Sequential.of(all);
  }

  Device device() {
    return tokens.weight().device();
  }

  /** Adds the vectors of the places, {@code [N, T, C] → [N, T, C]}. */
  private Tensor place(Tensor vectors) {
    Tensor places = slice(positions.weight(), 0, 0, vectors.dim(1)); // [T, C]
    return add(vectors, cast(places, vectors.dtype()));
  }
}
