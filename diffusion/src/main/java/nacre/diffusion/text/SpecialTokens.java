package nacre.diffusion.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import nacre.weights.JsonFile;
import nacre.weights.WeightsException;

/**
 * The special tokens, as {@code tokenizer_config.json}, {@code special_tokens_map.json} or {@code
 * tokenizer.json} name them.
 *
 * @param start before the text
 * @param end after it
 * @param unknown for characters without a token
 * @param padding up to the maximum length
 * @param normalized by text, those that a prompt may contain: whether they are matched after
 *     lower-casing
 */
record SpecialTokens(
    String start, String end, String unknown, String padding, Map<String, Boolean> normalized) {
  static final String START = "<|startoftext|>";
  static final String END = "<|endoftext|>";
  private static final List<String> ROLES =
      List.of("bos_token", "eos_token", "unk_token", "pad_token");

  /**
   * Reads them as transformers does: an old folder's {@code special_tokens_map.json} goes before
   * its {@code tokenizer_config.json}, and what is named last is kept.
   *
   * @param folder of the tokenizer
   * @param config its tokenizer_config.json
   * @param map its special_tokens_map.json
   */
  static SpecialTokens read(Path folder, JsonNode config, JsonNode map) throws WeightsException {
    Path whole = folder.resolve("tokenizer.json");
    JsonNode added =
        Files.exists(whole) ? JsonFile.read(whole).path("added_tokens") : MissingNode.getInstance();
    return of(config, map, added);
  }

  /**
   * As {@link #read}, of files that were read already.
   *
   * @param added the added tokens of tokenizer.json
   */
  static SpecialTokens of(JsonNode config, JsonNode map, JsonNode added) {
    Map<String, JsonNode> roles = new LinkedHashMap<>();
    ROLES.forEach(role -> roles.put(role, config.path(role)));
    Map<String, Boolean> normalized = new LinkedHashMap<>();
    JsonNode decoder = config.path("added_tokens_decoder");
    if (decoder.isObject()) {
      decoder.forEach(token -> add(normalized, token));
    } else {
      roles.replaceAll((role, node) -> map.has(role) ? map.path(role) : node);
    }
    if (normalized.isEmpty()) {
      added.forEach(token -> add(normalized, token));
    }
    if (normalized.isEmpty()) {
      roles.values().forEach(token -> add(normalized, token));
    }
    return new SpecialTokens(
        content(roles.get("bos_token")).orElse(START),
        content(roles.get("eos_token")).orElse(END),
        content(roles.get("unk_token")).orElse(END),
        content(roles.get("pad_token")).orElse(END),
        normalized);
  }

  private static void add(Map<String, Boolean> normalized, JsonNode token) {
    content(token)
        .ifPresent(text -> normalized.put(text, token.path("normalized").asBoolean(false)));
  }

  /** A token is written as a text, or as an object with its content. */
  private static Optional<String> content(JsonNode token) {
    JsonNode text = token.isObject() ? token.path("content") : token;
    return text.isTextual() ? Optional.of(text.textValue()) : Optional.empty();
  }
}
