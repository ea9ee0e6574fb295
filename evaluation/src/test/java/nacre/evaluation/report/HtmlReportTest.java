package nacre.evaluation.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import nacre.evaluation.EditCase;
import nacre.evaluation.EditCases;
import nacre.evaluation.baseline.Chained;
import nacre.evaluation.baseline.Copy;
import nacre.evaluation.benchmark.EditBenchmark;
import nacre.evaluation.metric.Psnr;
import nacre.evaluation.run.CaseMetric;
import nacre.evaluation.run.Contender;
import nacre.evaluation.run.EvaluationFolder;
import nacre.evaluation.run.EvaluationResults;
import nacre.evaluation.run.Evaluator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HtmlReportTest {
  private static final String EVIL = "<script>alert('1')</script>\"&";

  @TempDir Path root;
  private String page;

  @BeforeEach
  void write() throws IOException {
    List<EditCase> named = new ArrayList<>();
    for (EditCase one : EditBenchmark.cases(8, 16, 3, 1)) {
      named.add(
          new EditCase(
              EVIL + one.id(),
              one.kind() + EVIL,
              one.view(),
              one.edits(),
              one.library(),
              one.truth(),
              one.boxes()));
    }
    EditCases cases = EditCases.of(named, "digest", EVIL);
    EvaluationFolder folder = new EvaluationFolder(root.resolve("out"));
    List<CaseMetric> metrics = List.of(CaseMetric.ofImages(new Psnr()), CaseMetric.ssimInBoxes());
    List<Contender> contenders =
        List.of(
            new Contender("chained" + EVIL, "1", false, Chained::new),
            new Contender("copy", "2", false, Copy::new));
    Evaluator evaluator = new Evaluator(cases, metrics, folder, true, Evaluator.Progress.NONE);
    List<EvaluationResults.Method> methods = new ArrayList<>();
    for (Contender one : contenders) {
      methods.add(
          new EvaluationResults.Method(
              one.name(), List.of(evaluator.run(one, 0)), List.of(Map.of())));
    }
    EvaluationResults results =
        new EvaluationResults(
            8, metrics.stream().map(EvaluationResults.Column::of).toList(), methods);
    Path file = root.resolve("report.html");
    new HtmlReport(results, cases, contenders, folder, "nacre " + EVIL, Map.of("Nacre", EVIL))
        .write(file);
    page = Files.readString(file);
  }

  private int count(String pattern) {
    return (int) Pattern.compile(pattern).matcher(page).results().count();
  }

  @Test
  void whatUsersNamedIsText() {
    assertEquals(0, count("(?i)<script"));
    assertTrue(page.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&amp;"));
  }

  @Test
  void itNeedsNothingFromElsewhere() {
    assertEquals(0, count("(?i)https?:|@import|url\\(|<link|<iframe|src=\"(?!data:)|href=\"(?!#)"));
    assertEquals(count("<img "), count("src=\"data:image/png;base64,"));
  }

  @Test
  void picturesHaveTheirSizeAndSayWhatTheyShow() {
    // 4 worst and 4 best, of each source, truth and two methods
    assertEquals(8 * 4, count("<img width=\"16\" height=\"16\" alt=\"[^\"]+\" src="));
    assertEquals(8 * 4, count("<img "));
    assertEquals(2, count("<svg [^>]*role=\"img\"[^>]*><title id=\"t[01]\">[^<]+</title><desc"));
    assertEquals(2, count("<svg "));
  }

  @Test
  void headingsFollowEachOther() {
    Matcher heading = Pattern.compile("<h([1-6])").matcher(page);
    int before = 0;
    while (heading.find()) {
      int level = Integer.parseInt(heading.group(1));
      assertTrue(level <= before + 1, "a heading of level " + level + " after " + before);
      before = level;
    }
    assertEquals(1, count("<h1"));
    assertTrue(page.startsWith("<!DOCTYPE html>\n<html lang=\"en\">"));
  }

  @Test
  void tablesHaveCaptionsAndScopes() {
    assertEquals(count("<table"), count("<caption>"));
    assertEquals(count("<th[ >]"), count("<th scope=\"(col|row)\">"));
    Matcher link = Pattern.compile("href=\"#([a-z]+)\"").matcher(page);
    while (link.find()) {
      assertEquals(1, count("id=\"" + link.group(1) + "\""), link.group(1));
    }
  }

  /** One of each, so that who jumps between them is not stopped by every table and plot. */
  @Test
  void landmarksAreFew() {
    for (String landmark : List.of("header", "nav", "main")) {
      assertEquals(1, count("<" + landmark + "[ >]"), landmark);
    }
    assertEquals(0, count("role=\"region\"|<section [^>]*aria-label"));
    assertEquals(
        count("<table"), count("tabindex=\"0\" role=\"group\" aria-label=\"[^\"]+\"><table"));
  }

  /** What is bold is so in words, too. */
  @Test
  void whatIsBoldIsMarked() {
    assertEquals(
        count("<td class=\"best\">"), count("role=\"img\" aria-label=\"(best|better)\">★"));
    assertTrue(count("aria-label=\"better\"") > 0 && count("aria-label=\"best\"") > 0);
  }

  @Test
  void elementsAreClosed() {
    for (String element :
        List.of("table", "tr", "td", "th", "section", "figure", "svg", "dl", "div", "details")) {
      assertEquals(count("<" + element + "[ >]"), count("</" + element + ">"), element);
    }
    assertFalse(page.contains("null") || page.contains("NaN"));
  }

  @Test
  void axesHoldTheirValues() {
    Axis axis = Axis.of(0.123, 0.871, 0, 100);
    assertEquals(
        List.of("0.0", "0.2", "0.4", "0.6", "0.8", "1.0"),
        axis.ticks().stream().map(axis::label).toList());
    assertEquals(50, axis.at(0.5), 1e-9);
    assertEquals(List.of("−20", "−15", "−10", "−5", "0", "5", "10"), labels(Axis.of(-17, 8, 0, 1)));
    assertTrue(Axis.of(3, 3, 0, 1).high() > 3);
  }

  private static List<String> labels(Axis axis) {
    return axis.ticks().stream().map(axis::label).toList();
  }
}
