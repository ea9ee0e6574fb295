package nacre.diffusion.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import nacre.diffusion.checkpoint.Family;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** CLIP's own vocabulary, against transformers' CLIPTokenizer (export_prompts.py) and the hub. */
class ClipVocabularyTest {
  private static final int END = 49407;

  /** Stable Diffusion 1 pads with the end of the text, 2 with "!", which is 0. */
  @ParameterizedTest
  @CsvSource({"SD_1_5, sd1, 49407", "SD_2_1_BASE, sd2, 0", "SD_2_1, sd2, 0"})
  void idsEqualTransformersAndPaddingBelongsToTheFamily(Family family, String key, int padding)
      throws IOException {
    Map<String, JsonNode> configs = new HashMap<>();
    family
        .configs()
        .forEach((name, json) -> configs.put(name.replaceFirst("^tokenizer/", ""), json));
    ClipTokenizer tokenizer = ClipTokenizer.ofClip(configs);
    int prompts = 0;
    Path file = Path.of("src/test/resources/tokenizer/clip/prompts.json");
    for (JsonNode line : new JsonMapper().readTree(file.toFile())) {
      String wanted = line.path(key).asText(line.get("sd1").textValue());
      int[] ids = Arrays.stream(wanted.split(" ")).mapToInt(Integer::valueOf).toArray();
      int[] padded = Arrays.copyOf(ids, 77);
      Arrays.fill(padded, ids.length, 77, padding);
      String prompt = line.get("prompt").textValue();
      assertArrayEquals(padded, tokenizer.encode(prompt).ids(), prompt);
      prompts++;
    }
    assertEquals(400, prompts);
  }

  @Test
  void withoutConfigsItPadsWithTheEndOfTheText() throws IOException {
    int[] ids = ClipTokenizer.ofClip(Map.of()).encode("a photo of an astronaut").ids();
    int[] begin = {49406, 320, 1125, 539, 550, 18376, END, END};
    assertArrayEquals(begin, Arrays.copyOf(ids, begin.length));
    assertEquals(END, ids[76]);
  }

  /** Digests of the files in the models' folders on the hub. */
  @Test
  void itsFilesAreThoseOfTheHubByteForByte(@TempDir Path folder) throws Exception {
    ClipVocabulary.write(folder);
    assertEquals(
        "5047b556ce86ccaf6aa22b3ffccfc52d391ea4accdab9c2f2407da5b742d4363",
        digest(folder.resolve("vocab.json")));
    assertEquals(
        "9fd691f7c8039210e0fced15865466c65820d09b63988b0174bfe25de299051a",
        digest(folder.resolve("merges.txt")));
    assertEquals(ClipVocabulary.SIZE, ClipVocabulary.tokens().size());
  }

  private static String digest(Path file) throws Exception {
    byte[] hash = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file));
    return HexFormat.of().formatHex(hash);
  }
}
