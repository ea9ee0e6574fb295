package nacre.evaluation.study;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StudyResultsTest {
  private static final int CASES = 70;

  @TempDir Path folder;
  private StudyFile file;

  @BeforeEach
  void read() throws IOException {
    Path path = folder.resolve("study.json");
    Files.writeString(
        path,
        """
        {"title": "Less & more", "base": "tiny", "budget": {"steps": 9}, "seeds": [0, 1, 2],
         "cases": 70, "variants": {"a": {}, "b": {}}, "methods": ["copy"],
         "comparisons": [["a", "b"], ["a", "copy"]]}
        """);
    file = StudyFile.read(path, Set.of("copy"));
  }

  private static Measured measured(String name, long seed, IntToDoubleFunction value) {
    double[] values = IntStream.range(0, CASES).mapToDouble(value).toArray();
    double[] errors = IntStream.range(0, CASES).mapToDouble(i -> -values[i]).toArray();
    return new Measured(
        name,
        seed,
        9,
        "model",
        "digest",
        List.of(
            new Measured.Column("PSNR", true, values),
            new Measured.Column("LPIPS", false, errors)));
  }

  @Test
  void meansAreOverCasesAndErrorsOverSeeds() {
    StudyResults results =
        new StudyResults(
            file,
            List.of(
                measured("a", 0, i -> 10 + i % 7),
                measured("a", 1, i -> 12 + i % 7),
                measured("a", 2, i -> 14 + i % 7)),
            List.of());
    Interval all = results.of("a", "PSNR", StudyResults.ALL).orElseThrow();
    assertEquals(15, all.mean(), 1e-12);
    assertEquals(2 / Math.sqrt(3), all.standardError(), 1e-12); // seeds' means are 13, 15, 17
    // The cases have a variance of 4: the interval is about ±1.96 · 2 / √70.
    assertEquals(15 - 0.469, all.low(), 0.06);
    assertEquals(15 + 0.469, all.high(), 0.06);
    Interval remove = results.of("a", "PSNR", "remove").orElseThrow();
    assertEquals(15, remove.mean(), 1e-12); // kind 3 of 7: 12 + 3
    assertEquals(0, remove.high() - remove.low(), 1e-12);
    assertTrue(results.of("b", "PSNR", StudyResults.ALL).isEmpty());
  }

  /** Cases differ much, methods little: only the pairing shows it. */
  @Test
  void differencesArePairedByCaseAndSeed() {
    StudyResults results =
        new StudyResults(
            file,
            List.of(
                measured("a", 0, i -> 10 * i + 0.5),
                measured("a", 2, i -> 10 * i + 0.7),
                measured("b", 0, i -> 10 * i),
                measured("b", 1, i -> 10 * i + 100),
                measured("b", 2, i -> 10 * i + 0.1),
                measured("copy", 0, i -> 10 * i - 1)),
            List.of("a, seed 1"));
    Interval d = results.ahead(file.comparisons().getFirst(), "PSNR", "all").orElseThrow();
    assertEquals(0.55, d.mean(), 1e-9);
    assertEquals(2, d.seeds().length);
    assertEquals(0.5, d.seeds()[0], 1e-9);
    assertEquals(0.6, d.seeds()[1], 1e-9);
    assertTrue(d.isSure());
    Interval copy = results.ahead(file.comparisons().getLast(), "PSNR", "all").orElseThrow();
    assertTrue(copy.isSure());
    assertEquals(1.6, copy.mean(), 1e-9);
    assertEquals(2, copy.seeds().length);
    String table = StudyTable.markdown(results);
    assertTrue(table.contains("**Not complete.** Missing: a, seed 1."), table);
    assertTrue(table.contains("| a | b | PSNR | **+0.55** |"), table);
    assertTrue(table.contains("| a | b | LPIPS | **+0.55** |"), table); // errors are negated
    assertTrue(table.contains("| a − b | **+0.55** (+0.55 to +0.55) | **+0.55**"), table);
  }

  /** One of three trainings was lucky: the cases are sure, the trainings are not. */
  @Test
  void everySeedMustAgree() {
    StudyResults results =
        new StudyResults(
            file,
            List.of(
                measured("a", 0, i -> 5),
                measured("a", 1, i -> -0.1),
                measured("b", 0, i -> 0),
                measured("b", 1, i -> 0)),
            List.of());
    Interval d = results.ahead(file.comparisons().getFirst(), "PSNR", "all").orElseThrow();
    assertTrue(d.low() > 0);
    assertFalse(d.isSure());
    assertTrue(StudyTable.markdown(results).contains("| a | b | PSNR | +2.45 |"));
  }

  @Test
  void equalMethodsAreNotTold() {
    StudyResults results =
        new StudyResults(
            file,
            List.of(
                measured("a", 0, i -> Math.sin(100 * i)), measured("b", 0, i -> Math.cos(77 * i))),
            List.of());
    Interval d = results.ahead(file.comparisons().getFirst(), "PSNR", "all").orElseThrow();
    assertFalse(d.isSure());
    assertTrue(Double.isNaN(d.standardError()));
    assertTrue(StudyTable.markdown(results).contains("| copy | — |"));
  }

  /** A method that cannot replace: kind 4 of 7. */
  @Test
  void casesWithoutAValueDoNotCount() {
    StudyResults results =
        new StudyResults(
            file,
            List.of(
                measured("a", 0, i -> i % 7 == 4 ? Double.NaN : 2),
                measured("b", 0, i -> i % 7 == 4 ? 100 : 1)),
            List.of());
    assertEquals(2, results.of("a", "PSNR", "all").orElseThrow().mean(), 1e-12);
    String table = StudyTable.markdown(results);
    assertTrue(
        table.contains("| a | 2.00 (60) | 2.00 | 2.00 | 2.00 | 2.00 | — | 2.00 | 2.00 |"), table);
    Interval d = results.ahead(file.comparisons().getFirst(), "PSNR", "all").orElseThrow();
    assertEquals(1, d.mean(), 1e-12);
    assertEquals(60, d.cases());
  }

  /** The last ten are pairs, which have a column of their own. */
  @Test
  void pairsAreNoEdits() throws IOException {
    Path path = folder.resolve("study.json");
    Files.writeString(
        path, Files.readString(path).replace("\"cases\": 70", "\"cases\": 60, \"pairs\": 10"));
    StudyResults results =
        new StudyResults(
            StudyFile.read(path, Set.of("copy")),
            List.of(measured("a", 0, i -> i < 60 ? 3 : 7)),
            List.of());
    assertEquals(3, results.of("a", "PSNR", "all").orElseThrow().mean(), 1e-12);
    assertEquals(60, results.of("a", "PSNR", "all").orElseThrow().cases());
    assertEquals(7, results.of("a", "PSNR", "pair").orElseThrow().mean(), 1e-12);
    assertEquals(10, results.cases("pair"));
    assertTrue(StudyTable.markdown(results).contains("10 pairs of frames"));
  }

  @Test
  void whatWasWrittenIsRead() throws IOException {
    Path path = folder.resolve("results").resolve(Measured.file("a", 1));
    measured("a", 1, i -> i == 3 ? Double.NaN : 1.0 / (1 + i)).write(path);
    Measured again = Measured.read(path).orElseThrow();
    assertEquals(1.0 / 70, again.column("PSNR").orElseThrow().at(69));
    assertTrue(Double.isNaN(again.column("PSNR").orElseThrow().at(3)));
    List<String> metrics = List.of("PSNR", "LPIPS");
    assertTrue(again.isOf("digest", CASES, 9, metrics));
    assertFalse(again.isOf("other", CASES, 9, metrics));
    assertFalse(again.isOf("digest", CASES, 8, metrics));
    assertFalse(again.isOf("digest", CASES, 9, List.of("PSNR")));
    Files.writeString(path, "{");
    assertTrue(Measured.read(path).isEmpty());
  }

  @Test
  void thePlotIsAPictureWithWords() throws Exception {
    StudyResults results =
        new StudyResults(
            file,
            List.of(measured("a", 0, i -> i), measured("a", 1, i -> i + 1)),
            List.of("b", "copy"));
    String svg = StudyPlot.svg(results, "PSNR");
    var document =
        DocumentBuilderFactory.newInstance()
            .newDocumentBuilder()
            .parse(new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8)));
    assertEquals(
        "Less & more: PSNR", document.getElementsByTagName("title").item(0).getTextContent());
    assertEquals(8, document.getElementsByTagName("circle").getLength()); // all and seven kinds
    assertTrue(svg.contains("missing"));
    assertTrue(StudyPlot.svg(new StudyResults(file, List.of(), List.of()), "").contains("missing"));
  }
}
