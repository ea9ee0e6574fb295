package nacre.evaluation.study;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import nacre.neuralassets.training.RunLength;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StudyFileTest {
  private static final Set<String> KNOWN = Set.of("copy");
  private static final String GOOD =
      """
      {
        "base": "tiny",
        "budget": {"steps": 12},
        "seeds": [3, 5],
        "variants": {"plain": {}, "slow": {"training": {"learning_rate": 1e-5}}},
        "methods": ["copy"],
        "comparisons": [["plain", "slow"], ["plain", "copy"]]
      }
      """;

  @TempDir Path folder;

  private StudyFile read(String text) throws IOException {
    Path file = folder.resolve("sample.json");
    Files.writeString(file, text);
    return StudyFile.read(file, KNOWN);
  }

  @Test
  void variantsAreTheBaseWithTheirOwnKeys() throws IOException {
    StudyFile study = read(GOOD);
    assertEquals("sample", study.title());
    assertEquals(new RunLength.Steps(12), study.length());
    assertEquals(List.of(3L, 5L), study.seeds());
    assertEquals(List.of("plain", "slow"), List.copyOf(study.variants().keySet()));
    assertEquals(0.002, study.variants().get("plain").preset().training().learningRate());
    assertEquals(1e-5, study.variants().get("slow").preset().training().learningRate());
    assertEquals(8, study.variants().get("slow").preset().training().batchSize());
    assertEquals(new StudyFile.Comparison("plain", "copy"), study.comparisons().getLast());
    assertEquals(300, study.cases());
  }

  @Test
  void baseMayBeAFileBesideTheStudy() throws IOException {
    Files.writeString(
        folder.resolve("own.json"), "{\"extends\": \"tiny\", \"training\": {\"batch_size\": 2}}");
    StudyFile study = read(GOOD.replace("\"tiny\"", "\"own.json\""));
    assertEquals(2, study.variants().get("slow").preset().training().batchSize());
  }

  /** Each is refused in one line that names the file and what is wrong in it. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"base\": | \"bass\": | \"bass\" is no key of a study; did you mean base?",
        "\"tiny\" | \"tinny\" | there is no preset",
        "\"steps\": 12 | \"steps\": 0 | \"budget.steps\" is 0",
        "\"steps\": 12 | \"epochs\": 12 | \"budget\" must be",
        "\"steps\": 12 | \"minutes\": -1 | \"budget\" must be",
        "[3, 5] | [3, 3] | has 3 twice",
        "[3, 5] | [-1] | \"seeds\" is -1",
        "[3, 5] | 3 | \"seeds\" must be an array",
        "\"plain\": {} | \"Plain\": {} | a variant is named \"Plain\"",
        "\"plain\": {} | \"plain\": 3 | variant plain must be an object",
        "\"plain\": {} | \"copy\": {} | copy is the name of a variant and of a method",
        "learning_rate | learning_rat | training.learning_rat",
        "1e-5 | -1 | learning_rate",
        "\"training\" | \"image_size\": 32, \"training\" | does not fit",
        "[\"copy\"] | [\"cope\"] | method \"cope\" is not known; known are copy; did you mean"
            + " copy?",
        "[\"copy\"] | [\"copy\", \"copy\"] | has copy twice",
        "[\"plain\", \"slow\"] | [\"plain\", \"slaw\"] | the study has no slaw",
        "[\"plain\", \"slow\"] | [\"plain\", \"plain\"] | compared with itself",
        "[\"plain\", \"slow\"] | \"plain\" | pairs of names",
        "\"seeds\" | \"cases\": 301, \"seeds\" | \"cases\" is 301",
      })
  void mistakesAreRefusedBeforeAnythingIsTrained(String part, String wrong, String said) {
    assertTrue(GOOD.contains(part), part);
    IOException e = assertThrows(IOException.class, () -> read(GOOD.replace(part, wrong)));
    assertTrue(e.getMessage().contains(said), e.getMessage());
    assertTrue(e.getMessage().contains("sample.json"), e.getMessage());
    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
  }
}
