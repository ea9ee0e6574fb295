package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import nacre.evaluation.baseline.Copy;
import nacre.evaluation.study.StudyFile;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.weights.Sha256;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A study of two variants and two seeds, of the smallest preset. */
class StudyTest {
  @TempDir Path folder;

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  private static Path tiny() throws URISyntaxException {
    return Path.of(StudyTest.class.getResource("/study/tiny.json").toURI());
  }

  @Test
  void theStudyThatComesWithNacreCanBeRead() throws Exception {
    StudyFile study = StudyFile.read(Path.of("../../docs/results/study.json"), Baselines.names());
    assertEquals(3, study.seeds().size());
    assertTrue(study.variants().containsKey("neural-assets"));
    assertEquals(300, study.cases());
  }

  /** What a study found, without what it needed to find it. */
  private static Map<String, String> results(Path root) throws IOException {
    Map<String, String> all = new TreeMap<>();
    for (String name : List.of("table.md", "results.json", "plot.svg", "report.html")) {
      all.put(name, Files.readString(root.resolve(name)));
    }
    try (Stream<Path> files = Files.list(root.resolve("results"))) {
      for (Path file : files.sorted().toList()) {
        all.put(file.getFileName().toString(), Files.readString(file));
      }
    }
    return all;
  }

  /** Stopped again and again, after some looks at the signal, it finds the same to the byte. */
  @Test
  void aStudyThatIsStoppedGoesOnToTheSameResults() throws Exception {
    Path whole = folder.resolve("whole");
    CommandLineRun run = CommandLineRun.of("study", tiny(), "--out", whole);
    assertEquals(0, run.status(), run::err);
    assertTrue(run.out().contains("still-camera, seed 1: run 4 of 4"), run::out);
    Path pieces = folder.resolve("pieces");
    StudyFile study = StudyFile.read(tiny(), Baselines.names());
    int starts = 0;
    boolean done = false;
    boolean halfDone = false;
    while (!done) {
      int[] looks = {0};
      done =
          new Study(
                  study,
                  new StudyFolder(pieces),
                  Device.of("cpu"),
                  new PrintStream(new ByteArrayOutputStream(), false, StandardCharsets.UTF_8),
                  () -> ++looks[0] > 16)
              .run();
      starts++;
      halfDone |=
          !done
              && Files.exists(pieces.resolve("table.md"))
              && Files.readString(pieces.resolve("table.md")).contains("Missing: ");
      assertTrue(starts < 30);
    }
    assertTrue(starts > 4, starts + " starts");
    assertTrue(halfDone);
    assertEquals(results(whole), results(pieces));
    assertFalse(results(whole).get("table.md").contains("Missing"));
    Path beside = folder.resolve("beside");
    CommandLineRun two = CommandLineRun.of("study", tiny(), "--out", beside, "--jobs", 2);
    assertEquals(0, two.status(), two::err);
    assertEquals(4, two.out().lines().filter(line -> line.startsWith("done ")).count(), two::out);
    assertEquals(results(whole).keySet(), results(beside).keySet());
    CommandLineRun again = CommandLineRun.of("study", tiny(), "--out", whole);
    assertEquals(0, again.status(), again::err);
    assertFalse(again.out().contains("step "), again::out);
  }

  /** The first case of each kind and two pairs, as everyone drew them, and a plot a metric. */
  @Test
  void theReportHasPicturesOfEveryMethod() throws Exception {
    Path out = folder.resolve("out");
    CommandLineRun run = CommandLineRun.of("study", tiny(), "--out", out);
    assertEquals(0, run.status(), run::err);
    assertTrue(run.out().contains("report  " + out.resolve("report.html")), run::out);
    String page = Files.readString(out.resolve("report.html"));
    for (String what :
        List.of("source", "truth", "drawn by plain", "drawn by still-camera", "drawn by copy")) {
      assertEquals(
          9, count(page, "<img [^>]*alt=\"[^\"]*, " + what + "\" src=\"data:image/png"), what);
    }
    assertEquals(9 * 5, count(page, "data:image/png"));
    assertEquals(
        4, count(page, "alt=\"[^\"]+ over all cases: plain [^\"]+\" src=\"data:image/svg"));
    assertEquals(8, count(page, "<table>"));
    assertEquals(count(page, "<th[ >]"), count(page, "<th scope=\"(col|row)\">"));
    String written = page.replaceAll("base64,[^\"]*", "");
    assertEquals(0, count(written, "(?i)<script|https?:|src=\"(?!data:)|href=\"(?!#)|NaN|null"));
    assertTrue(page.contains("plain − still-camera"), page);
  }

  private static int count(String page, String pattern) {
    return (int) Pattern.compile(pattern).matcher(page).results().count();
  }

  /** What fails is told of, and does not keep the others from being done. */
  @Test
  void aRunThatFailsLeavesTheOthersAlone() throws Exception {
    Path out = folder.resolve("out");
    Path file = folder.resolve("own.json");
    Files.writeString(
        file,
        Files.readString(tiny())
            .replace("[0, 1]", "[0]")
            .replace("\"plain\": {}", "\"plain\": {\"training\": {\"learning_rate\": 1000}}"));
    CommandLineRun run = CommandLineRun.of("study", file, "--out", out);
    assertEquals(1, run.status(), run::out);
    assertEquals(1, run.complaints().size(), run::err);
    assertTrue(run.err().contains("1 of 2 runs failed: plain, seed 0: "), run::err);
    String table = Files.readString(out.resolve("table.md"));
    assertTrue(table.contains("Missing: plain, seed 0."), table);
    assertTrue(table.matches("(?s).*\\| still-camera \\| \\d+\\.\\d.*"), table);
  }

  @Test
  void oneRunMayBeDoneAlone() throws Exception {
    Path out = folder.resolve("out");
    CommandLineRun run = CommandLineRun.of("study", tiny(), "--out", out, "--run", "plain-seed1");
    assertEquals(0, run.status(), run::err);
    assertEquals(
        List.of("plain-seed1.json"),
        results(out).keySet().stream().filter(name -> name.contains("seed")).toList());
    CommandLineRun none = CommandLineRun.of("study", tiny(), "--out", out, "--run", "plain-seed2");
    assertEquals(1, none.status());
    assertTrue(none.err().contains("did you mean plain-seed0?"), none::err);
  }

  @Test
  void aDryRunTrainsNothing() throws Exception {
    Path out = folder.resolve("dry");
    CommandLineRun run = CommandLineRun.of("study", tiny(), "--out", out, "--dry-run");
    assertEquals(0, run.status(), run::err);
    assertEquals(4, run.out().lines().filter(line -> line.contains("not begun")).count());
    assertTrue(run.out().contains("4 runs, about "), run::out);
    assertFalse(Files.exists(out));
    assertEquals(2, CommandLineRun.of("study", tiny(), "--dry-run", "--jobs", 2).status());
  }

  @Test
  void runsOfAnotherStudyAreLeftAlone() throws Exception {
    Path out = folder.resolve("out");
    Path file = folder.resolve("own.json");
    Files.writeString(
        file, Files.readString(tiny()).replace("\"seeds\": [0, 1]", "\"seeds\": [0]"));
    assertEquals(0, CommandLineRun.of("study", file, "--out", out).status());
    Map<String, String> before = results(out);
    for (String change :
        List.of("\"steps\": 6|\"steps\": 7", "{}|{\"fold\": 1}", "{}|{\"vae\": 3}")) {
      String[] both = change.split("\\|");
      Files.writeString(
          file,
          Files.readString(tiny())
              .replace("\"seeds\": [0, 1]", "\"seeds\": [0]")
              .replace(both[0], both[1]));
      CommandLineRun run = CommandLineRun.of("study", file, "--out", out);
      assertEquals(1, run.status(), change);
      assertEquals(1, run.complaints().size(), run::err);
    }
    assertEquals(before, results(out));
  }

  /**
   * Values of other cases, or of a run that was trained anew, are not taken for those asked for.
   */
  @Test
  void whatIsChangedIsMeasuredAnew() throws Exception {
    Path out = folder.resolve("out");
    Path file = folder.resolve("own.json");
    String text = Files.readString(tiny()).replaceAll("\"pairs\": \\d+,", "");
    Files.writeString(file, text);
    assertEquals(0, CommandLineRun.of("study", file, "--out", out).status());
    String before = Files.readString(out.resolve("results/plain-seed0.json"));

    text = text.replace("\"cases\"", "\"pairs\": 6, \"cases\"");
    Files.writeString(file, text);
    CommandLineRun more = CommandLineRun.of("study", file, "--out", out);
    assertEquals(0, more.status(), more::err);
    assertTrue(Files.readString(out.resolve("table.md")).contains("6 pairs"), more::out);

    Files.writeString(
        file,
        text.replace("\"plain\": {}", "\"plain\": {\"training\": {\"learning_rate\": 0.01}}"));
    for (int seed = 0; seed < 2; seed++) {
      Path run = out.resolve("runs/plain-seed" + seed);
      Files.move(run, folder.resolve("old-run" + seed));
    }
    for (String drawn : List.of("drawn", "drawn-pairs")) {
      Files.move(out.resolve(drawn + "/plain"), folder.resolve("old-" + drawn));
    }
    CommandLineRun other = CommandLineRun.of("study", file, "--out", out);
    assertEquals(0, other.status(), other::err);
    String after = Files.readString(out.resolve("results/plain-seed0.json"));
    assertNotEquals(model(before), model(after));
  }

  /** What an earlier version drew and measured is kept aside, and not taken for this one's. */
  @Test
  void anotherVersionOfABaselineIsDrawnAnew() throws Exception {
    Path out = folder.resolve("out");
    Path file = folder.resolve("copy.json");
    Files.writeString(
        file, "{\"budget\": {\"steps\": 1}, \"cases\": 7, \"pairs\": 2, \"methods\": [\"copy\"]}");
    assertEquals(0, CommandLineRun.of("study", file, "--out", out).status());
    String now = results(out).get("copy-seed0.json");
    assertTrue(now.contains("\"copy " + Copy.VERSION + "\""), now);
    for (String written :
        List.of(
            "results/copy-seed0.json",
            "drawn/copy/seed-0/values-000000.json",
            "drawn-pairs/copy/seed-0/values-000000.json")) {
      Path path = out.resolve(written);
      String text = Files.readString(path);
      assertTrue(text.contains("copy " + Copy.VERSION), text);
      Files.writeString(path, text.replace("copy " + Copy.VERSION, "copy 0"));
    }
    CommandLineRun again = CommandLineRun.of("study", file, "--out", out);
    assertEquals(0, again.status(), again::err);
    assertEquals(now, results(out).get("copy-seed0.json"));
    assertTrue(Files.isDirectory(out.resolve("drawn/copy.aside")), again::out);
    assertFalse(CommandLineRun.of("study", file, "--out", out).out().contains("aside"));
  }

  /** The paper's ablation: an encoder that is pretrained, tuned or frozen. */
  @Test
  void aVariantBeginsWithAPretrainedEncoder() throws Exception {
    Path encoder = folder.resolve("encoder");
    Path given = Path.of("../../nn/src/test/resources/encoders/dinov2-classifier");
    Files.createDirectories(encoder);
    for (String name : List.of("config.json", "model.safetensors")) {
      Files.copy(given.resolve(name), encoder.resolve(name));
    }
    Path file = folder.resolve("encoders.json");
    String from = "\"image_encoder_from\": \"encoder\"";
    Files.writeString(
        file,
        """
        {
          "base": "tiny",
          "budget": {"steps": 2},
          "cases": 7,
          "variants": {
            "tuned": {%s},
            "frozen": {%s, "training": {"encoder_learning_rate_factor": 0}}
          },
          "comparisons": [["tuned", "frozen"]]
        }
        """
            .formatted(from, from));
    Path out = folder.resolve("out");
    CommandLineRun run = CommandLineRun.of("study", file, "--out", out);
    assertEquals(0, run.status(), run::err);
    assertTrue(run.out().contains("encoder " + encoder + ", dinov2"), run::out);
    assertEquals(encoder(out, "tuned", 0), encoder(out, "frozen", 0));
    assertNotEquals(encoder(out, "tuned", 0), encoder(out, "tuned", 2));
    assertEquals(encoder(out, "frozen", 0), encoder(out, "frozen", 2));
    CommandLineRun again = CommandLineRun.of("study", file, "--out", out);
    assertEquals(0, again.status(), again::err);
    assertFalse(again.out().contains("step "), again::out);
  }

  /** The digest of the encoder's weights that a variant has after some steps. */
  private static String encoder(Path out, String variant, int step) throws IOException {
    String model = "runs/%s-seed0/checkpoints/step-%09d/ema".formatted(variant, step);
    return Sha256.of(out.resolve(model).resolve("image_encoder/model.safetensors"));
  }

  private static String model(String results) throws IOException {
    return new JsonMapper().readTree(results).get("model").asText();
  }
}
