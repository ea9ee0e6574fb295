package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import nacre.distributed.Mpirun;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/** Other commands than {@code train} as two processes, which divide their work. */
@EnabledIf("nacre.distributed.Mpirun#isHere")
class RankedCommandsTest {
  @TempDir private static Path folder;

  @BeforeAll
  static void aModelAndScenes() throws Exception {
    run(
        1,
        "train --preset tiny --steps 2 --no-sheet --eval-pairs 0 --out " + folder.resolve("run"));
    run(1, "data render --clips 3 --size 16 --samples 1 --out " + folder.resolve("scenes"));
  }

  private static String run(int ranks, String words) throws Exception {
    Mpirun.Outcome outcome =
        RankedRuns.of(ranks).run(Nacre.class.getName(), List.of(words.split(" ")));
    assertEquals(0, outcome.status(), outcome.text());
    return outcome.text();
  }

  private static JsonNode json(String text) throws Exception {
    return new JsonMapper().readTree(text.substring(text.indexOf('{')));
  }

  @Test
  void evalDividesPictures() throws Exception {
    String words = "eval --pairs 5 --steps 2 --json --model " + folder.resolve("run");
    JsonNode one = json(run(1, words));
    JsonNode two = json(run(2, words));
    assertEquals(one.get("pairs"), two.get("pairs"));
    for (String method : List.of("model", "copy", "foreign_poses")) {
      for (String value : List.of("psnr", "ssim")) {
        assertEquals(
            one.get(method).get(value).doubleValue(),
            two.get(method).get(value).doubleValue(),
            1e-4,
            method + " " + value);
      }
    }
  }

  @Test
  void aComparisonDividesCases() throws Exception {
    String words = "eval --pairs 3 --steps 2 --json --baseline copy --metrics psnr --model ";
    String one = json(run(1, words + folder.resolve("run"))).toString();
    String two = json(run(2, words + folder.resolve("run"))).toString();
    assertEquals(untimed(one), untimed(two));
    assertTrue(one.contains("\"cases\":3"), one);
  }

  private static String untimed(String json) {
    return json.replaceAll("\"[a-z]*_per_second\":[-0-9.E]+,", "");
  }

  @Test
  void packsOfBothAreOneDataSet() throws Exception {
    Path packs = folder.resolve("packs");
    run(2, "data pack " + folder.resolve("scenes") + " --size 16 --out " + packs);
    try (Stream<Path> parts = Files.list(packs)) {
      assertEquals(
          List.of("1-of-2", "2-of-2"),
          parts.map(part -> part.getFileName().toString()).sorted().toList());
    }
    String words = "eval --pairs 9 --steps 1 --json --data " + packs + " --model ";
    assertEquals(3, json(run(1, words + folder.resolve("run"))).get("pairs").intValue());
  }

  @Test
  void cachedLatentsAreDivided() throws Exception {
    Path run = folder.resolve("latents");
    LatentModel.begin(run, LatentModel.preset(16), folder.resolve("scenes").toString(), 4);
    String words = "train --resume --no-sheet --eval-pairs 0 --cache-latents ";
    words += folder.resolve("cache") + " --out " + run;
    String text = run(2, words);
    assertTrue(
        Pattern.compile("latents ([0-9]+) frames in .*, \\1 of them encoded now")
            .matcher(text)
            .find(),
        text);
    assertTrue(text.contains("saved   " + run), text);
  }
}
