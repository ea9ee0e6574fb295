package nacre.cli;

import static nacre.cli.TinySample.TINY;
import static nacre.cli.TinySample.difference;
import static nacre.cli.TinySample.files;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import nacre.cli.output.PngMetadata;
import nacre.tensor.Memory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Seeds of 64 bits, as torch's generators take them. */
class SeedOptionTest {
  @TempDir Path folder;

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
    assertEquals(0, Memory.liveBytes());
  }

  private static JsonNode unguided() throws IOException {
    for (JsonNode each : new JsonMapper().readTree(TINY.resolve("epsilon/cases.json").toFile())) {
      if (each.path("name").asText().equals("unguided")) {
        return each;
      }
    }
    throw new AssertionError("there is no such case");
  }

  /** As torch.Generator().manual_seed takes them; what diffusers drew with 4294967295. */
  @ParameterizedTest
  @CsvSource({"-1", "18446744073709551615", "9223372036854775807", "4294967295"})
  void seedsOf64BitsDrawWhatTorchDraws(String seed) throws IOException {
    JsonNode wanted = unguided();
    CommandLineRun run =
        sample(
            "--prompt",
            wanted.get("prompt").asText(),
            "--scheduler",
            "euler",
            "--steps",
            5,
            "--guidance",
            1,
            "--size",
            "48x32",
            "--seed",
            seed);
    assertEquals(0, run.status(), run::err);
    Path drawn = files(folder.resolve("out")).getFirst();
    assertTrue(drawn.toString().endsWith("-" + seed + ".png"), drawn.toString());
    assertEquals(seed, PngMetadata.read(drawn).get("seed"));
    int difference = difference(TINY.resolve("epsilon/unguided-0.png").toFile(), drawn.toFile());
    assertTrue(difference <= 2, "differs by " + difference);
  }

  @Test
  void seedsGoOnBeyondTheSignAndEndWhereTorchs() throws IOException {
    Object[] two = {"--prompt", "a", "--steps", 1, "--size", 32, "--images", 2, "--seed"};
    for (String first : List.of("9223372036854775807", "-1")) {
      List<Object> words = new ArrayList<>(Arrays.asList(two));
      words.add(first);
      assertEquals(0, sample(words.toArray()).status());
    }
    assertEquals(
        List.of("a--1.png", "a-0.png", "a-9223372036854775807.png", "a-9223372036854775808.png"),
        files(folder.resolve("out")).stream().map(f -> f.getFileName().toString()).toList());
    assertRefused(
        "of 2 pictures the last would have seed 18446744073709551616",
        "--prompt",
        "a",
        "--images",
        2,
        "--seed",
        "18446744073709551615");
    for (String none : List.of("18446744073709551616", "-9223372036854775809", "1.5", "1e9", "x")) {
      assertRefused("whole number from -9223372036854775808", "--prompt", "a", "--seed", none);
    }
  }

  private CommandLineRun sample(Object... words) {
    return TinySample.run(folder, words);
  }

  private void assertRefused(String reason, Object... words) {
    TinySample.assertRefused(folder, reason, words);
  }
}
