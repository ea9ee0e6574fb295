package nacre.diffusion.text;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import nacre.weights.WeightsException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Against what transformers' CLIPTokenizer makes of the prompts (export_prompts.py). */
class ClipTokenizerTest {
  private static final Path FOLDERS = Path.of("src/test/resources/tokenizer");

  @ParameterizedTest
  @CsvSource({"sd1, sd1", "sd2, sd2", "sd2-whole, sd2"})
  void equalsTransformers(String folder, String prompts) throws IOException {
    ClipTokenizer tokenizer = ClipTokenizer.read(FOLDERS.resolve(folder));
    List<Executable> checks = new ArrayList<>();
    for (JsonNode line :
        new JsonMapper().readTree(FOLDERS.resolve(prompts).resolve("prompts.json").toFile())) {
      String prompt = line.get("prompt").textValue();
      int[] ids = tokenizer.encode(prompt).ids();
      String joined = Arrays.stream(ids).mapToObj(String::valueOf).collect(Collectors.joining(" "));
      checks.add(() -> assertEquals(line.get("ids").textValue(), joined, prompt));
    }
    assertEquals(90, checks.size());
    assertAll(checks);
  }

  @Test
  void theModelsOwnConfigsGoBeforeTheFolders() throws IOException {
    Path first = FOLDERS.resolve("sd1");
    String name = "special_tokens_map.json";
    Map<String, JsonNode> own =
        Map.of(name, new JsonMapper().readTree(first.resolve(name).toFile()));
    int[] ids = ClipTokenizer.read(FOLDERS.resolve("sd2"), own).encode("fox").ids();
    assertArrayEquals(ClipTokenizer.read(first).encode("fox").ids(), ids);
  }

  @Test
  void saysWhatItDropped() throws IOException {
    ClipTokenizer tokenizer = ClipTokenizer.read(FOLDERS.resolve("sd1"));
    assertEquals("", tokenizer.encode("a photo " + "a ".repeat(72)).dropped());
    String prompt = "a ".repeat(75) + "Fox and the CAFÉ 😀 cat";
    assertEquals("fox and the café 😀 cat", tokenizer.encode(prompt).dropped());
  }

  @Test
  void namesTheFileThatIsWrong(@TempDir Path folder) throws IOException {
    assertRefused(folder, "vocab.json: no such file");
    copy(folder, "vocab.json");
    assertRefused(folder, "merges.txt: no such file");
    Files.writeString(folder.resolve("merges.txt"), "#version: 0.2\na b c\n");
    assertRefused(folder, "merge 'a b c' is not two tokens");
    Files.writeString(folder.resolve("merges.txt"), "#version: 0.2\nZ Z</w>\n");
    assertRefused(folder, "merge 'Z Z</w>' makes no token of the vocabulary");
    copy(folder, "merges.txt");
    ClipTokenizer.read(folder);
    Files.writeString(folder.resolve("vocab.json"), "{\"a\": \"b\"}");
    assertRefused(folder, "token a has no whole number");
    Files.writeString(folder.resolve("vocab.json"), "{\"a\": 1}");
    Files.writeString(folder.resolve("merges.txt"), "");
    assertRefused(folder, "special token <|startoftext|> is not in the vocabulary");
  }

  private static void copy(Path folder, String file) throws IOException {
    Files.write(folder.resolve(file), Files.readAllBytes(FOLDERS.resolve("sd1").resolve(file)));
  }

  private static void assertRefused(Path folder, String reason) {
    String message =
        assertThrows(WeightsException.class, () -> ClipTokenizer.read(folder)).getMessage();
    assertEquals(reason, message.substring(Math.max(0, message.length() - reason.length())));
  }
}
