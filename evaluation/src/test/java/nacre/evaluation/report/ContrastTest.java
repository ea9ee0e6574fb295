package nacre.evaluation.report;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import nacre.evaluation.study.StudyFile;
import nacre.evaluation.study.StudyPlot;
import nacre.evaluation.study.StudyResults;
import nacre.neuralassets.training.RunLength;
import org.junit.jupiter.api.Test;

/** Contrasts of WCAG 2.2, level AA, of both schemes: 4.5 for text, 3 for what plots draw. */
class ContrastTest {
  private static final Pattern COLOR = Pattern.compile("--(\\w+): #([0-9a-f]{3,6})\\b");

  /** The colors of a scheme: those of the dark one stand after the first {@code @media}. */
  private static Map<String, Integer> colors(String style, boolean dark) {
    int from = style.indexOf("@media (prefers-color-scheme: dark)");
    Matcher matcher = COLOR.matcher(dark ? style.substring(from) : style.substring(0, from));
    Map<String, Integer> colors = new HashMap<>();
    while (matcher.find()) {
      String hex = matcher.group(2);
      hex = hex.length() == 3 ? hex.replaceAll("(.)", "$1$1") : hex;
      colors.put(matcher.group(1), Integer.parseInt(hex, 16));
    }
    return colors;
  }

  private static double luminance(int color) {
    double[] share = {0.0722, 0.7152, 0.2126};
    double sum = 0;
    for (int i = 0; i < 3; i++) {
      double value = (color >> 8 * i & 0xFF) / 255.0;
      sum += share[i] * (value <= 0.04045 ? value / 12.92 : Math.pow((value + 0.055) / 1.055, 2.4));
    }
    return sum;
  }

  private static double contrast(int one, int other) {
    double a = luminance(one) + 0.05;
    double b = luminance(other) + 0.05;
    return Math.max(a, b) / Math.min(a, b);
  }

  private static void check(String style, List<String> text, List<String> drawn, List<String> on) {
    for (boolean dark : new boolean[] {false, true}) {
      Map<String, Integer> colors = colors(style, dark);
      for (String page : on) {
        text.forEach(name -> check(colors, name, page, 4.5));
        drawn.forEach(name -> check(colors, name, page, 3));
      }
    }
  }

  private static void check(Map<String, Integer> colors, String name, String page, double least) {
    double contrast = contrast(colors.get(name), colors.get(page));
    assertTrue(contrast >= least, name + " on " + page + ": " + contrast);
  }

  @Test
  void contrastIsThatOfTheGuidelines() {
    assertEquals(21, contrast(0, 0xFFFFFF), 1e-9);
    assertEquals(4.48, contrast(0x777777, 0xFFFFFF), 0.005); // their example of what just fails
  }

  @Test
  void textAndPlotsOfReportsCanBeRead() throws IOException {
    String style;
    try (InputStream in = Page.class.getResourceAsStream("report.css")) {
      style = new String(in.readAllBytes(), UTF_8);
    }
    check(
        style,
        List.of("text", "soft", "m0"),
        List.of("m1", "m2", "m3", "m4", "m5", "line"),
        List.of("page", "panel"));
  }

  @Test
  void textAndMarksOfStudyPlotsCanBeRead() {
    StudyFile study =
        new StudyFile(
            "none",
            new RunLength.Steps(1),
            List.of(0L),
            Map.of(),
            List.of("copy"),
            List.of(),
            2,
            0);
    String plot = StudyPlot.svg(new StudyResults(study, List.of(), List.of()), "");
    check(plot, List.of("ink", "faint"), List.of("trained"), List.of("page"));
  }
}
