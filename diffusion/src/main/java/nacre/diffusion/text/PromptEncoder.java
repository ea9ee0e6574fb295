package nacre.diffusion.text;

import static nacre.tensor.ops.Reshape.reshape;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.weights.WeightsException;

/**
 * The encoder of prompts: from text to what conditions the UNet. It knows the words of textual
 * inversion, which lie behind the text encoder's own table of tokens.
 */
public final class PromptEncoder {
  /** An embedding as stable-diffusion-webui finds it: by the tokens of its name. */
  private record Named(String word, List<Integer> name, int first, int count) {
    boolean isAt(List<Integer> tokens, int place) {
      int end = place + name.size();
      return end <= tokens.size() && tokens.subList(place, end).equals(name);
    }
  }

  private final ClipTokenizer words;
  private final ClipTokenizer tokenizer;
  private final int tokens;
  private final List<float[]> vectors = new ArrayList<>();
  private final List<Named> named = new ArrayList<>();

  /**
   * An encoder.
   *
   * @param words the model's tokenizer
   * @param config of its text encoder
   * @throws WeightsException if an embedding is of another width, or its name is taken, in one line
   */
  public PromptEncoder(
      ClipTokenizer words, List<TextualInversion> embeddings, ClipTextConfig config)
      throws WeightsException {
    this.words = words;
    this.tokens = config.vocabSize();
    List<AddedToken> added = new ArrayList<>();
    for (TextualInversion embedding : embeddings) {
      if (embedding.width() != config.hiddenSize()) {
        throw new WeightsException(
            embedding.file(),
            String.format(
                Locale.ROOT,
                "its vectors are %d wide, the model's %d: it was trained for another version of"
                    + " Stable Diffusion (1.x has 768, 2.x 1024)",
                embedding.width(),
                config.hiddenSize()));
      }
      int first = tokens + vectors.size();
      for (String name : embedding.names()) {
        if (words.knows(name) || added.stream().anyMatch(token -> token.text().equals(name))) {
          throw new WeightsException(
              embedding.file(),
              String.format(
                  Locale.ROOT,
                  "the tokenizer has a token %s already; give the embedding another name:"
                      + " FILE=NAME",
                  name));
        }
        added.add(new AddedToken(name, OptionalInt.of(tokens + added.size()), true, false));
      }
      vectors.addAll(embedding.vectors());
      String word = embedding.name();
      named.add(new Named(word, words.tokens(word), first, embedding.vectors().size()));
    }
    named.sort(Comparator.comparing((Named each) -> each.name.size()).reversed());
    this.tokenizer = added.isEmpty() ? words : words.with(added);
  }

  /** The tokenizer of plain prompts, which knows the names of embeddings. */
  public ClipTokenizer tokenizer() {
    return tokenizer;
  }

  /**
   * Checks that a prompt can be encoded.
   *
   * @throws IllegalArgumentException if it uses what the syntax has and Nacre does not
   */
  public void check(String prompt, PromptOptions options, boolean negative) {
    chunks(prompt, options.syntax(), negative);
  }

  /** The words of the embeddings that neither prompt names, which therefore change nothing. */
  public List<String> unused(String prompt, String negative, PromptSyntax syntax) {
    Set<Integer> used =
        Stream.concat(
                chunks(prompt, syntax, false).stream(), chunks(negative, syntax, true).stream())
            .flatMapToInt(chunk -> IntStream.of(chunk.ids()))
            .boxed()
            .collect(Collectors.toSet());
    return named.stream()
        .filter(each -> !used.contains(each.first))
        .map(Named::word)
        .sorted()
        .toList();
  }

  List<PromptChunk> chunks(String prompt, PromptSyntax syntax, boolean negative) {
    if (syntax == PromptSyntax.PLAIN) {
      return List.of(PromptChunk.plain(tokenizer, prompt));
    }
    PromptChunk.Filler filler = new PromptChunk.Filler(words);
    for (WeightedText piece : WeightedText.parse(WebuiSyntax.plain(prompt, negative))) {
      if (piece.isBreak()) {
        filler.next();
      } else {
        fill(filler, words.tokens(piece.text()), (float) piece.weight());
      }
    }
    return filler.chunks();
  }

  private void fill(PromptChunk.Filler filler, List<Integer> ids, float weight) {
    for (int i = 0; i < ids.size(); ) {
      int place = i;
      Named found = named.stream().filter(each -> each.isAt(ids, place)).findFirst().orElse(null);
      if (found == null) {
        filler.token(ids.get(i), weight);
        i++;
      } else {
        filler.vectors(found.first, found.count, weight);
        i += found.name.size();
      }
    }
  }

  /**
   * The encoding of a prompt {@code [1, chunks · T, C]}, in the dtype that the model's parameters
   * are stored in.
   *
   * @param negative whether it is the negative prompt
   * @throws IllegalArgumentException if it uses what the syntax has and Nacre does not, or if more
   *     layers are to be left out than there are
   */
  public Tensor encode(
      ClipTextModel model, String prompt, PromptOptions options, boolean negative) {
    List<PromptChunk> chunks = chunks(prompt, options.syntax(), negative);
    try (Scope scope = Scope.open()) {
      Tensor encoded = model.forwardVectors(look(model, chunks), options.skipped(negative));
      int length = chunks.size() * encoded.dim(1);
      Tensor weighted =
          chunks.stream().anyMatch(PromptChunk::isWeighted) ? weigh(encoded, chunks) : encoded;
      return scope.keep(reshape(weighted, 1, length, encoded.dim(2)));
    }
  }

  /** The vectors of the chunks' tokens {@code [chunks, T, C]}. */
  private Tensor look(ClipTextModel model, List<PromptChunk> chunks) {
    int[] ids = chunks.stream().flatMapToInt(chunk -> IntStream.of(chunk.ids())).toArray();
    int[] known = IntStream.of(ids).map(id -> id < tokens ? id : 0).toArray();
    Shape shape = Shape.of(chunks.size(), words.length());
    Tensor looked = model.tokenVectors(Tensor.ofInts(model.device(), shape, known));
    if (IntStream.of(ids).allMatch(id -> id < tokens)) {
      return looked;
    }
    float[] values = looked.toFloats();
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] >= tokens) {
        float[] vector = vectors.get(ids[i] - tokens);
        System.arraycopy(vector, 0, values, i * vector.length, vector.length);
      }
    }
    return Tensor.empty(looked.device(), looked.dtype(), looked.shape()).copyFrom(values);
  }

  /**
   * Multiplies each token's vector by its weight, and then each chunk by what brings its mean back
   * to what it was.
   */
  private static Tensor weigh(Tensor encoded, List<PromptChunk> chunks) {
    float[] values = encoded.toFloats();
    int width = encoded.dim(2);
    int size = values.length / chunks.size();
    for (int i = 0; i < chunks.size(); i++) {
      PromptChunk chunk = chunks.get(i);
      if (chunk.isWeighted()) {
        double before = mean(values, i * size, size);
        for (int j = 0; j < size; j++) {
          values[i * size + j] *= chunk.weights()[j / width];
        }
        float restore = (float) (before / mean(values, i * size, size));
        if (!Float.isFinite(restore)) {
          throw new IllegalArgumentException("the weights of the prompt bring its mean to zero");
        }
        for (int j = 0; j < size; j++) {
          values[i * size + j] *= restore;
        }
      }
    }
    return Tensor.empty(encoded.device(), encoded.dtype(), encoded.shape()).copyFrom(values);
  }

  private static double mean(float[] values, int from, int count) {
    double sum = 0;
    for (int i = from; i < from + count; i++) {
      sum += values[i];
    }
    return sum / count;
  }
}
