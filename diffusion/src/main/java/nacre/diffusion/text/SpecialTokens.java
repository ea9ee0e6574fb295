package nacre.diffusion.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import nacre.weights.JsonFile;
import nacre.weights.WeightsException;

/**
 * The special tokens and the added ones, as {@code tokenizer_config.json}, {@code
 * special_tokens_map.json}, {@code added_tokens.json} or {@code tokenizer.json} name them.
 *
 * @param start before the text
 * @param end after it
 * @param unknown for characters without a token
 * @param padding up to the maximum length
 * @param added those that a prompt may contain
 */
record SpecialTokens(
    String start, String end, String unknown, String padding, Collection<AddedToken> added) {
  static final String START = "<|startoftext|>";
  static final String END = "<|endoftext|>";

  private static final List<String> ROLES =
      List.of("bos_token", "eos_token", "unk_token", "pad_token");

  /** Lists of further special tokens, by their names before and since transformers 5. */
  private static final String OLD_LIST = "additional_special_tokens";

  private static final String LIST = "extra_special_tokens";

  /**
   * Reads them as transformers does: a config with {@code added_tokens_decoder} is complete. An
   * older folder's {@code special_tokens_map.json} goes before its config, and its added tokens are
   * in {@code added_tokens.json} or {@code tokenizer.json}. What is named last is kept.
   *
   * @param folder of the tokenizer; null if the two configs are all that there is
   * @param config its tokenizer_config.json
   * @param map its special_tokens_map.json
   */
  static SpecialTokens read(Path folder, JsonNode config, JsonNode map) throws WeightsException {
    JsonNode decoder = config.path("added_tokens_decoder");
    JsonNode first = decoder.isObject() ? MissingNode.getInstance() : map;
    Map<String, AddedToken> special = new LinkedHashMap<>();
    List<String> texts = new ArrayList<>();
    for (String role : ROLES) {
      JsonNode value = first.has(role) ? first.path(role) : config.path(role);
      AddedToken token =
          unnumbered(value).orElse(AddedToken.special(role.equals(ROLES.getFirst()) ? START : END));
      special.put(token.text(), token);
      texts.add(token.text());
    }
    List.of(config.path(OLD_LIST), config.path(LIST), first.path(LIST))
        .forEach(list -> putAll(special, list));
    Map<String, AddedToken> added =
        decoder.isObject() ? numbered(folder, decoder) : addedApart(folder, special);
    // To transformers 5 these do not make a token of added_tokens.json special.
    putAll(special, first.path(OLD_LIST));
    special.forEach(added::putIfAbsent);
    return new SpecialTokens(
        texts.get(0), texts.get(1), texts.get(2), texts.get(3), List.copyOf(added.values()));
  }

  private static Optional<AddedToken> unnumbered(JsonNode token) {
    return AddedToken.of(token, MissingNode.getInstance(), true);
  }

  private static void putAll(Map<String, AddedToken> tokens, JsonNode list) {
    list.forEach(
        element -> unnumbered(element).ifPresent(token -> tokens.put(token.text(), token)));
  }

  /** The texts of the four tokens that the tokenizer itself needs. */
  List<String> roles() {
    return List.of(start, end, unknown, padding);
  }

  /** The tokens of {@code added_tokens_decoder}, whose keys are their numbers. */
  private static Map<String, AddedToken> numbered(Path folder, JsonNode decoder)
      throws WeightsException {
    Map<String, AddedToken> added = new LinkedHashMap<>();
    try {
      for (Map.Entry<String, JsonNode> entry : decoder.properties()) {
        AddedToken.of(entry.getValue(), TextNode.valueOf(entry.getKey()), false)
            .ifPresent(token -> added.put(token.text(), token));
      }
    } catch (IllegalArgumentException e) {
      Path file = Path.of("tokenizer_config.json");
      throw new WeightsException(
          folder == null ? file : folder.resolve(file),
          "added_tokens_decoder: " + e.getMessage(),
          e);
    }
    return added;
  }

  /** The tokens of {@code added_tokens.json}, then those of {@code tokenizer.json}. */
  private static Map<String, AddedToken> addedApart(Path folder, Map<String, AddedToken> special)
      throws WeightsException {
    Map<String, AddedToken> added = new LinkedHashMap<>();
    if (folder == null) {
      return added;
    }
    Path plain = folder.resolve("added_tokens.json");
    if (Files.exists(plain)) {
      JsonFile.read(
          plain,
          json -> {
            for (Map.Entry<String, JsonNode> entry : json.properties()) {
              String text = entry.getKey();
              AddedToken.of(TextNode.valueOf(text), entry.getValue(), special.containsKey(text))
                  .ifPresent(token -> added.put(text, token));
            }
            return added;
          });
    }
    Path whole = folder.resolve("tokenizer.json");
    if (Files.exists(whole)) {
      JsonFile.read(
          whole,
          json -> {
            for (JsonNode token : json.path("added_tokens")) {
              AddedToken.of(token, token.path("id"), false).ifPresent(t -> added.put(t.text(), t));
            }
            return added;
          });
    }
    return added;
  }
}
