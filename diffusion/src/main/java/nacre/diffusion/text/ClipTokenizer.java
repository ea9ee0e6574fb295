package nacre.diffusion.text;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import nacre.weights.WeightsException;

/**
 * The tokenizer of CLIP, which turns prompts into token ids. Equal to transformers' {@code
 * CLIPTokenizer} of version 5: canonical composition, lower case, words by kinds of characters,
 * byte pairs. (Version 4 without ftfy also drops control characters and sets CJK characters apart;
 * with ftfy it repairs broken encodings. For prompts without such characters all are the same.)
 */
public final class ClipTokenizer {
  /** Contractions, letters, single digits, and runs of what is neither letter, digit nor space. */
  private static final Pattern WORDS =
      Pattern.compile(
          "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|\\p{L}+|\\p{N}"
              + "|[^\\p{IsWhite_Space}\\p{L}\\p{N}]+");

  /** The second split of words, which only affects a special token in capitals. */
  private static final Pattern PARTS =
      Pattern.compile("'s|'t|'re|'ve|'m|'ll|'d|\\p{L}+|\\p{N}+|[^\\p{IsWhite_Space}\\p{L}\\p{N}]+");

  private static final Pattern SPACES = Pattern.compile("\\p{IsWhite_Space}+");

  private final TokenizerFiles files;
  private final Map<String, Integer> ids;
  private final Map<Integer, String> tokens = new HashMap<>();
  private final BytePairs pairs;
  private final AddedTokens raw;
  private final AddedTokens normalized;
  private final Map<Integer, Map.Entry<String, String>> series;
  private final int start;
  private final int end;
  private final int unknown;
  private final int padding;
  private final int length;

  private ClipTokenizer(TokenizerFiles files) {
    this.files = files;
    Map<String, Integer> vocabulary = files.vocabulary();
    SpecialTokens special = files.special();
    this.ids = AddedTokens.ids(special, vocabulary);
    this.pairs = new BytePairs(vocabulary, files.merges());
    this.raw = AddedTokens.of(special.added(), ids, false, text -> text);
    this.normalized = AddedTokens.of(special.added(), ids, true, ClipTokenizer::normalize);
    this.series = AddedTokens.series(special.added(), ids);
    this.start = ids.get(special.start());
    this.end = ids.get(special.end());
    this.unknown = ids.get(special.unknown());
    this.padding = ids.get(special.padding());
    this.length = files.length();
    vocabulary.forEach((token, id) -> tokens.put(id, token));
    // Tokens of textual inversion end a word.
    ids.forEach((token, id) -> tokens.putIfAbsent(id, token + BytePairs.WORD_END));
  }

  /**
   * Reads a tokenizer's folder: {@code vocab.json} and {@code merges.txt}, or {@code
   * tokenizer.json}, and beside them {@code tokenizer_config.json} and {@code
   * special_tokens_map.json} if they exist.
   *
   * @throws WeightsException if a file is missing or malformed, in one line
   */
  public static ClipTokenizer read(Path folder) throws WeightsException {
    return read(folder, Map.of());
  }

  /**
   * As {@link #read(Path)}, of a folder that is not the model's own: models differ in their padding
   * token where their vocabularies are the same.
   *
   * @param configs the model's {@code tokenizer_config.json} and {@code special_tokens_map.json},
   *     where it has them, which replace the folder's
   */
  public static ClipTokenizer read(Path folder, Map<String, JsonNode> configs)
      throws WeightsException {
    return of(TokenizerFiles.read(folder, configs), folder);
  }

  /**
   * The tokenizer of CLIP's own vocabulary, which comes with Nacre.
   *
   * @param configs a model's {@code tokenizer_config.json} and {@code special_tokens_map.json}, by
   *     these names: models differ in their padding token
   * @throws WeightsException if they are malformed, in one line
   */
  public static ClipTokenizer ofClip(Map<String, JsonNode> configs) throws WeightsException {
    return of(TokenizerFiles.clip(configs), Path.of("tokenizer_config.json"));
  }

  private static ClipTokenizer of(TokenizerFiles files, Path source) throws WeightsException {
    try {
      return new ClipTokenizer(files);
    } catch (IllegalArgumentException e) {
      throw new WeightsException(source, e.getMessage(), e);
    }
  }

  /**
   * An encoded prompt.
   *
   * @param ids as many as the text encoder takes
   * @param dropped the end of the prompt that did not fit, else empty
   */
  public record Encoded(int[] ids, String dropped) {}

  /** Number of tokens of an encoded prompt, start and end included: 77. */
  public int length() {
    return length;
  }

  /** The same tokenizer with further tokens, whose ids are not taken yet. */
  ClipTokenizer with(List<AddedToken> more) {
    SpecialTokens special = files.special();
    List<AddedToken> added = new ArrayList<>(special.added());
    added.addAll(more);
    return new ClipTokenizer(
        new TokenizerFiles(
            files.vocabulary(),
            files.merges(),
            new SpecialTokens(
                special.start(), special.end(), special.unknown(), special.padding(), added),
            length));
  }

  /** Whether there is a token of this text. */
  boolean knows(String token) {
    return ids.containsKey(token);
  }

  int start() {
    return start;
  }

  int end() {
    return end;
  }

  int padding() {
    return padding;
  }

  /** The comma at the end of a word; −1 if there is none. */
  int comma() {
    return ids.getOrDefault("," + BytePairs.WORD_END, -1);
  }

  /** The prompt between start and end, cut or padded to {@link #length}. */
  public Encoded encode(String prompt) {
    List<Integer> text = tokens(prompt);
    int room = length - 2;
    List<Integer> kept = text.subList(0, Math.min(text.size(), room));
    int[] ids = new int[length];
    Arrays.fill(ids, padding);
    ids[0] = start;
    for (int i = 0; i < kept.size(); i++) {
      ids[i + 1] = kept.get(i);
    }
    ids[kept.size() + 1] = end;
    return new Encoded(ids, decode(text.subList(kept.size(), text.size())));
  }

  /** The text of tokens, words apart by single spaces. */
  private String decode(List<Integer> ids) {
    String letters =
        ids.stream()
            .map(id -> tokens.getOrDefault(id, ""))
            .map(token -> token.replace(BytePairs.WORD_END, " "))
            .collect(Collectors.joining());
    return ByteAlphabet.text(letters).strip();
  }

  /**
   * The tokens of a prompt, without start and end. As in diffusers, a word of several vectors
   * stands for all of them where it is written as it was learned, and for the first in other cases.
   */
  List<Integer> tokens(String prompt) {
    List<Integer> found = split(prompt);
    String whole = prompt;
    for (int id : new LinkedHashSet<>(found)) {
      Map.Entry<String, String> vectors = series.get(id);
      if (vectors != null) {
        whole = whole.replace(vectors.getKey(), vectors.getValue());
      }
    }
    return whole.equals(prompt) ? found : split(whole);
  }

  private List<Integer> split(String prompt) {
    List<Integer> found = new ArrayList<>();
    raw.split(
        prompt,
        found::add,
        text -> normalized.split(normalize(text), found::add, words -> addWords(words, found)));
    return found;
  }

  private void addWords(String text, List<Integer> ids) {
    Matcher words = WORDS.matcher(text);
    while (words.find()) {
      Matcher parts = PARTS.matcher(words.group());
      while (parts.find()) {
        ids.addAll(pairs.encode(ByteAlphabet.letters(parts.group()), unknown));
      }
    }
  }

  /** Canonical composition, single spaces, lower case letter by letter. */
  private static String normalize(String text) {
    String composed = Normalizer.normalize(text, Normalizer.Form.NFC);
    String spaced = SPACES.matcher(composed).replaceAll(" ");
    StringBuilder lower = new StringBuilder(spaced.length());
    // Not String.toLowerCase, which looks at a sigma's neighbors.
    spaced
        .codePoints()
        .forEach(
            c -> {
              lower.appendCodePoint(Character.toLowerCase(c));
              if (c == 'İ') {
                lower.append('\u0307');
              }
            });
    return lower.toString();
  }
}
