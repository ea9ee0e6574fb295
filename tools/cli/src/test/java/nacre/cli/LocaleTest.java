package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Commands print the same in every language: Turkish has other letters, Arabic other digits. */
class LocaleTest {
  private static final Path JAVA = Path.of(System.getProperty("java.home"), "bin", "java");

  private static Shell.Outcome run(String language, String country, String words)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(JAVA.toString()));
    command.add("--enable-native-access=ALL-UNNAMED");
    command.add("-Duser.language=" + language);
    command.add("-Duser.country=" + country);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), "nacre.cli.Nacre"));
    command.addAll(List.of(words.split(" ")));
    return Shell.run(new File(".").toPath(), Map.of("LC_ALL", "C.UTF-8"), command);
  }

  @ParameterizedTest
  @CsvSource({
    "verify src/test/resources/bundles/silu",
    "weights inspect --brief ../../models/demo",
    "train --steps 0",
    "data render --out x --min-objects 5 --max-objects 3",
    "eval --model ../../models/demo --pairs 2 --steps 1 --json"
  })
  void aCommandPrintsTheSameInEveryLanguage(String words) throws Exception {
    Shell.Outcome english = run("en", "US", words);
    assertFalse(english.out().isEmpty() && english.err().isEmpty());
    for (String place : List.of("tr TR", "ar EG")) {
      Shell.Outcome other = run(place.split(" ")[0], place.split(" ")[1], words);
      assertEquals(english, other, place);
    }
  }
}
