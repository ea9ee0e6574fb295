package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code nacre eval} with methods that are compared picture by picture. */
class ComparisonTest {
  private static final String MODEL = "../../models/demo";

  @TempDir Path folder;

  private final StringWriter err = new StringWriter();
  private String out;

  private int run(Object... words) {
    List<String> args = new ArrayList<>(List.of("eval", "--model", MODEL, "--steps", "1"));
    for (Object word : words) {
      args.add(word.toString());
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    PrintStream before = System.out;
    System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    try {
      return Nacre.run(args.toArray(String[]::new), new PrintWriter(err, true));
    } finally {
      System.setOut(before);
      out = bytes.toString(StandardCharsets.UTF_8);
    }
  }

  private void assertMeaningless(String told, Object... words) {
    err.getBuffer().setLength(0);
    assertEquals(2, run(words), err.toString());
    assertTrue(err.toString().contains(told), err.toString());
    assertEquals(1, err.toString().lines().count(), err.toString());
  }

  @Test
  void comparedMethodsHaveValuesAndAReport() throws IOException {
    Path report = folder.resolve("report.html");
    Object[] words = {
      "--benchmark",
      3,
      "--baseline",
      "copy",
      "--seeds",
      2,
      "--guidance",
      1,
      "--out",
      folder.resolve("out"),
      "--report",
      report,
      "--json"
    };
    assertEquals(0, run(words), err.toString());
    JsonNode first = new JsonMapper().readTree(out);
    assertEquals(3, first.path("cases").asInt());
    assertEquals(2, first.path("methods").size());
    JsonNode copy = first.path("methods").get(1);
    assertEquals("copy", copy.path("name").asText());
    assertEquals(1, copy.path("seeds").asInt());
    assertEquals(2, first.path("methods").get(0).path("seeds").asInt());
    assertEquals("PSNR", copy.path("metrics").get(0).path("name").asText());
    assertTrue(copy.path("metrics").get(0).path("mean").asDouble() > 10);
    assertTrue(Files.readString(report).contains("Evaluation of ../../models/demo"));
    assertEquals(0, run(words), err.toString());
    assertEquals(first, new JsonMapper().readTree(out), "nothing is drawn or measured again");
    words[7] = 0.5;
    assertEquals(1, run(words));
    assertTrue(err.toString().contains("other weights, settings or version"), err.toString());
  }

  @Test
  void theDefaultKeepsItsKeys() throws IOException {
    assertEquals(0, run("--pairs", 2, "--json"), err.toString());
    JsonNode json = new JsonMapper().readTree(out);
    for (String key : List.of("model", "copy", "foreign_poses")) {
      assertTrue(json.path(key).has("psnr"), out);
    }
    assertFalse(json.has("methods"));
  }

  @Test
  void whatDoesNotFitIsRefused() {
    assertMeaningless("leave out --data", "--benchmark", "--data", folder);
    assertMeaningless("leave out --pairs", "--benchmark", 3, "--pairs", 2);
    assertMeaningless("no metric looks through it", "--weights", "vgg=x");
    assertMeaningless("give --benchmark", "--keep-background", "0.2");
    assertMeaningless(
        "--baseline is chain, must be copy or chained or 3dit", "--baseline", "chain");
    assertMeaningless("--level is pixel, must be image or object", "--level", "pixel");
    assertMeaningless("metric snr is not known; known are psnr", "--metrics", "snr");
    assertMeaningless("give --weights vgg=PATH", "--metrics", "lpips-vgg");
    assertMeaningless("metric network resnet is not known", "--weights", "resnet=x");
    assertMeaningless("copy is given twice", "--baseline", "copy,copy", "--pairs", 2);
    assertMeaningless("add one of single pictures", "--metrics", "fid", "--weights", "inception=x");
  }
}
