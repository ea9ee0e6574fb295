package nacre.diffusion.text;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import nacre.weights.WeightsException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Tokens of textual inversion in a folder, against transformers (export_added_tokens.py). */
class AddedTokensTest {
  private static final Path FOLDERS = Path.of("src/test/resources/tokenizer");
  private static final JsonMapper JSON = new JsonMapper();

  @TempDir Path folder;

  /** A folder, and what transformers made of prompts with it. */
  record Case(JsonNode json) {
    @Override
    public String toString() {
      return json.get("name").textValue();
    }
  }

  static List<Case> cases() throws IOException {
    List<Case> cases = new ArrayList<>();
    JSON.readTree(FOLDERS.resolve("added-tokens.json").toFile())
        .forEach(json -> cases.add(new Case(json)));
    assertEquals(5, cases.size());
    return cases;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void equalTransformers(Case wanted) throws IOException {
    copy(wanted.json.get("folder").textValue());
    for (Map.Entry<String, JsonNode> file : wanted.json.get("files").properties()) {
      overlay(folder.resolve(file.getKey()), file.getValue());
    }
    ClipTokenizer tokenizer = ClipTokenizer.read(folder);
    List<Executable> checks = new ArrayList<>();
    for (JsonNode line : wanted.json.get("prompts")) {
      String prompt = line.get("prompt").textValue();
      checks.add(() -> assertEquals(line.get("ids").textValue(), ids(tokenizer, prompt), prompt));
    }
    assertEquals(8, checks.size());
    assertAll(checks);
  }

  private static String ids(ClipTokenizer tokenizer, String prompt) {
    return Arrays.stream(tokenizer.encode(prompt).ids())
        .mapToObj(String::valueOf)
        .collect(Collectors.joining(" "));
  }

  private void copy(String name) throws IOException {
    try (Stream<Path> files = Files.list(FOLDERS.resolve(name))) {
      for (Path file : (Iterable<Path>) files::iterator) {
        Files.write(folder.resolve(file.getFileName()), Files.readAllBytes(file));
      }
    }
  }

  private static void overlay(Path file, JsonNode more) throws IOException {
    ObjectNode json =
        Files.exists(file) ? (ObjectNode) JSON.readTree(file.toFile()) : JSON.createObjectNode();
    more.properties()
        .forEach(
            entry -> {
              if (entry.getValue().isArray() && json.path(entry.getKey()).isArray()) {
                ((ArrayNode) json.get(entry.getKey())).addAll((ArrayNode) entry.getValue());
              } else {
                json.set(entry.getKey(), entry.getValue());
              }
            });
    Files.writeString(file, json.toString());
  }

  /** Transformers numbers tokens anew where ids have gaps; the folder's own weights do not. */
  @Test
  void anIdIsTheFilesOwn() throws IOException {
    copy("sd1");
    Files.writeString(folder.resolve("added_tokens.json"), "{\"<a>\": 900, \"<b>\": 800}");
    String ids = ids(ClipTokenizer.read(folder), "<a> <b>");
    assertTrue(ids.startsWith("732 900 800 733 "), ids);
  }

  @Test
  void theEndOfAPromptNamesThem() throws IOException {
    copy("sd1");
    Files.writeString(folder.resolve("added_tokens.json"), "{\"<a>\": 900}");
    assertEquals(
        "<a> fox <a>", ClipTokenizer.read(folder).encode("a ".repeat(75) + "<a>fox<a>").dropped());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "added_tokens.json | {'<a>': null} | added token <a> has no id",
        "added_tokens.json | {'<a>': 1.5} | added token <a> has the id 1.5, a whole number",
        "added_tokens.json | {'<a>': -1} | added token <a> has the id -1, a whole number",
        "added_tokens.json | {'<a>': 5} | added token <a> has the id 5, which is that of &",
        "added_tokens.json | {'<a>': 900, '<b>': 900} | has the id 900, which is that of <",
        "tokenizer_config.json | {'added_tokens_decoder': {'x': {'content': '<a>'}}} | has the id"
            + " \"x\"",
        "special_tokens_map.json | {'additional_special_tokens': ['<a>']} | added token <a> has no"
            + " id",
        "tokenizer_config.json | {'pad_token': '[PAD]'} | special token [PAD] is not in the"
            + " vocabulary",
      })
  void refusesTokensWithoutAPlaceOfTheirOwn(String file, String text, String reason)
      throws IOException {
    copy("sd1");
    Files.delete(folder.resolve("special_tokens_map.json"));
    Files.writeString(folder.resolve(file), text.replace('\'', '"'));
    String message =
        assertThrows(WeightsException.class, () -> ClipTokenizer.read(folder)).getMessage();
    assertTrue(message.contains(reason), message);
  }
}
