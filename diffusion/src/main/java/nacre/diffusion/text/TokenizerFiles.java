package nacre.diffusion.text;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import nacre.weights.JsonFile;
import nacre.weights.TextFile;
import nacre.weights.WeightsException;

/**
 * The contents of a CLIP tokenizer's files.
 *
 * @param vocabulary the numbers of the tokens
 * @param merges pairs of tokens, a space between, in the order in which they were learned
 * @param length tokens per prompt, start and end included
 */
record TokenizerFiles(
    Map<String, Integer> vocabulary, List<String> merges, SpecialTokens special, int length) {
  private static final int DEFAULT_LENGTH = 77;

  private static final String CONFIG = "tokenizer_config.json";
  private static final String SPECIAL = "special_tokens_map.json";

  /**
   * Reads {@code tokenizer.json}, or where it is not there {@code vocab.json} and {@code
   * merges.txt}; this is transformers' order.
   *
   * @param configs by name, the files that replace the folder's of these names
   */
  static TokenizerFiles read(Path folder, Map<String, JsonNode> configs) throws WeightsException {
    JsonNode config = config(folder, configs, CONFIG);
    SpecialTokens special = SpecialTokens.read(folder, config, config(folder, configs, SPECIAL));
    int length = length(config, configs.containsKey(CONFIG) ? null : folder);
    Path whole = folder.resolve("tokenizer.json");
    if (Files.exists(whole)) {
      return JsonFile.read(
          whole,
          json -> {
            JsonNode model = json.path("model");
            return new TokenizerFiles(
                vocabulary(model.path("vocab")), merges(model.path("merges")), special, length);
          });
    }
    Map<String, Integer> tokens =
        JsonFile.read(folder.resolve("vocab.json"), TokenizerFiles::vocabulary);
    return new TokenizerFiles(tokens, merges(folder.resolve("merges.txt")), special, length);
  }

  /**
   * CLIP's own vocabulary with a model's special tokens.
   *
   * @param configs by name, {@code tokenizer_config.json} and {@code special_tokens_map.json};
   *     those that are missing say what Stable Diffusion 1 has
   */
  static TokenizerFiles clip(Map<String, JsonNode> configs) throws WeightsException {
    JsonNode none = MissingNode.getInstance();
    JsonNode config = configs.getOrDefault(CONFIG, none);
    SpecialTokens special = SpecialTokens.read(null, config, configs.getOrDefault(SPECIAL, none));
    return new TokenizerFiles(
        ClipVocabulary.tokens(), ClipVocabulary.merges(), special, length(config, null));
  }

  /**
   * Tokens per prompt.
   *
   * @param folder where the config lies, null if in no folder
   */
  private static int length(JsonNode config, Path folder) throws WeightsException {
    JsonNode longest = config.path("model_max_length");
    // Where no length is known, transformers writes 10³⁰.
    int length = longest.canConvertToInt() ? longest.intValue() : DEFAULT_LENGTH;
    if (length < 2) {
      throw new WeightsException(
          folder == null ? Path.of(CONFIG) : folder.resolve(CONFIG),
          "model_max_length is " + longest + ", at least 2 is wanted");
    }
    return length;
  }

  private static JsonNode config(Path folder, Map<String, JsonNode> configs, String name)
      throws WeightsException {
    if (configs.containsKey(name)) {
      return configs.get(name);
    }
    Path file = folder.resolve(name);
    return Files.exists(file) ? JsonFile.read(file) : MissingNode.getInstance();
  }

  private static Map<String, Integer> vocabulary(JsonNode json) {
    Map<String, Integer> vocabulary = new HashMap<>();
    for (Map.Entry<String, JsonNode> entry : json.properties()) {
      if (!entry.getValue().isInt()) {
        throw new IllegalArgumentException("token " + entry.getKey() + " has no whole number");
      }
      vocabulary.put(entry.getKey(), entry.getValue().intValue());
    }
    return vocabulary;
  }

  /** A merge is written as one text, or as a pair. */
  private static List<String> merges(JsonNode json) {
    List<String> merges = new ArrayList<>();
    for (JsonNode merge : json) {
      merges.add(
          merge.isArray() ? merge.path(0).asText() + " " + merge.path(1).asText() : merge.asText());
    }
    return merges;
  }

  private static List<String> merges(Path file) throws WeightsException {
    return TextFile.read(file)
        .lines()
        .filter(line -> !line.startsWith("#version") && !line.isBlank())
        .toList();
  }
}
