package nacre.evaluation.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import nacre.evaluation.EditCase;
import nacre.evaluation.EditCases;
import nacre.evaluation.EditingMethod;
import nacre.evaluation.Rgb;
import nacre.evaluation.benchmark.EditBenchmark;
import nacre.evaluation.metric.Psnr;
import nacre.evaluation.metric.Ssim;
import nacre.neuralassets.edit.Edit;
import nacre.neuralassets.edit.EditException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvaluatorTest {
  private static final List<EditCase> CASES = EditBenchmark.cases(130, 16, 3, 1);
  private static final EditCases ALL = EditCases.of(CASES, "digest-of-cases", "edits");
  private static final CaseMetric PSNR = CaseMetric.ofImages(new Psnr());
  private static final List<CaseMetric> METRICS = List.of(PSNR, CaseMetric.psnrInBoxes());

  @TempDir Path root;

  /** How often each case was drawn, by its number. */
  private final Map<Integer, Integer> drawn = new HashMap<>();

  private int opened;
  private int closed;

  /** The truth, darkened by an amount that number and seed determine; it replaces nothing. */
  private final class Darkened implements EditingMethod {
    @Override
    public String name() {
      return "darkened";
    }

    @Override
    public int batch() {
      return 7;
    }

    @Override
    public float[] draw(List<EditCase> cases, int firstNumber, long seed, Runnable eachStep) {
      eachStep.run();
      int each = cases.getFirst().truth().length;
      float[] all = new float[each * cases.size()];
      for (int i = 0; i < cases.size(); i++) {
        if (replaces(cases.get(i))) {
          throw new EditException("cannot replace");
        }
      }
      for (int i = 0; i < cases.size(); i++) {
        drawn.merge(firstNumber + i, 1, Integer::sum);
        assertEquals(CASES.get(firstNumber + i).id(), cases.get(i).id());
        float[] truth = Rgb.floats(cases.get(i).truth());
        for (int k = 0; k < each; k++) {
          all[i * each + k] = truth[k] * darkness(firstNumber + i, seed);
        }
      }
      return all;
    }

    @Override
    public void close() {
      closed++;
    }
  }

  private static float darkness(int number, long seed) {
    return 1 - 0.05f * (1 + number % 5) - 0.2f * seed;
  }

  private Contender contender(String digest) {
    return new Contender(
        "the darkened/one",
        digest,
        true,
        () -> {
          opened++;
          return new Darkened();
        });
  }

  private Evaluator evaluator(List<CaseMetric> metrics, boolean pictures, Runnable eachStep) {
    return new Evaluator(
        ALL,
        metrics,
        new EvaluationFolder(root),
        pictures,
        new Evaluator.Progress() {
          @Override
          public void done(int done, int drawn) {}

          @Override
          public void eachStep() {
            eachStep.run();
          }
        });
  }

  private MethodValues run(List<CaseMetric> metrics, boolean pictures) throws IOException {
    return evaluator(metrics, pictures, () -> {}).run(contender("weights"), 0);
  }

  private static boolean replaces(EditCase one) {
    return one.edits().stream().anyMatch(e -> e instanceof Edit.Replace);
  }

  private static long replacements() {
    return CASES.stream().filter(EvaluatorTest::replaces).count();
  }

  @Test
  void eachPictureHasTheValueOfItsFile() throws IOException {
    MethodValues values = run(METRICS, true);
    assertEquals(130, values.values().size());
    double[] psnr = values.of("PSNR", 130);
    Shard.Key key = new Shard.Key("the darkened/one", "weights", "digest-of-cases", 0);
    EvaluationFolder folder = new EvaluationFolder(root);
    for (int i = 0; i < 130; i++) {
      EditCase one = CASES.get(i);
      if (replaces(one)) {
        assertTrue(Double.isNaN(psnr[i]));
        assertEquals("cannot replace", values.values().get(i).refusal());
        continue;
      }
      byte[] picture = folder.readPicture(key, i, 16).orElseThrow();
      double squares = 0;
      for (int k = 0; k < picture.length; k++) {
        double wanted = Math.round((one.truth()[k] & 0xFF) * darkness(i, 0));
        assertEquals(wanted, picture[k] & 0xFF, 1);
        double d = ((one.truth()[k] & 0xFF) - (picture[k] & 0xFF)) / 255.0;
        squares += d * d / picture.length;
      }
      assertEquals(-10 * Math.log10(squares), psnr[i], 1e-4);
      assertEquals(one.kind(), values.values().get(i).kind());
    }
    assertEquals(replacements(), values.refused());
    assertEquals(130 - replacements(), values.work().drawn());
    assertEquals(1, opened);
    assertEquals(1, closed);
  }

  @Test
  void whatWasKilledGoesOnAndNothingIsDrawnTwice() throws IOException {
    int[] left = {9};
    Runnable dies =
        () -> {
          if (--left[0] < 0) {
            throw new IllegalStateException("killed");
          }
        };
    Evaluator dying = evaluator(METRICS, true, dies);
    assertThrows(IllegalStateException.class, () -> dying.run(contender("weights"), 0));
    assertEquals(1, closed);
    int before = drawn.size();
    assertTrue(before > 0 && before < 100, before + " drawn");
    MethodValues resumed = run(METRICS, true);
    Map<Integer, Integer> once = new HashMap<>(drawn);
    once.values().removeIf(times -> times == 1);
    assertTrue(once.size() <= 7, "only the batch that was killed is drawn again: " + once);
    drawn.clear();
    assertEquals(resumed.values(), run(METRICS, true).values());
    assertEquals(Map.of(), drawn);
    assertEquals(2, opened, "where nothing is left the method is not even opened");
    delete();
    assertEquals(resumed.values(), run(METRICS, true).values());
  }

  @Test
  void aFurtherMetricIsMeasuredOfThePicturesThatThereAre() throws IOException {
    run(METRICS, true);
    drawn.clear();
    List<CaseMetric> more = new ArrayList<>(METRICS);
    more.add(CaseMetric.ofImages(new Ssim(Ssim.Variant.TORCHMETRICS)));
    MethodValues resumed = run(more, true);
    assertEquals(Map.of(), drawn);
    delete();
    assertEquals(run(more, true).values(), resumed.values());
  }

  @Test
  void picturesThatAreMissingAreDrawnAgain() throws IOException {
    MethodValues before = run(METRICS, true);
    drawn.clear();
    Shard.Key key = new Shard.Key("the darkened/one", "weights", "digest-of-cases", 0);
    Files.delete(new EvaluationFolder(root).picture(key, 101));
    assertEquals(before.values(), run(METRICS, true).values());
    assertEquals(Map.of(101, 1), drawn);
  }

  /** Pictures whose values are gone are not taken for those of other weights. */
  @Test
  void picturesOfOtherWeightsAreNotMeasured() throws IOException {
    run(METRICS, true);
    try (Stream<Path> files = Files.walk(root)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".json")).toList()) {
        Files.delete(file);
      }
    }
    drawn.clear();
    evaluator(METRICS, true, () -> {}).run(contender("other weights"), 0);
    assertEquals(130 - (int) replacements(), drawn.size());
  }

  /** A metric through other weights is measured anew, of the same pictures. */
  @Test
  void weightsOfAMetricAreTold() throws IOException {
    int[] measured = {0};
    CaseMetric psnr = METRICS.getFirst();
    CaseMetric counted =
        new CaseMetric() {
          @Override
          public String name() {
            return "counted";
          }

          @Override
          public boolean higherIsBetter() {
            return true;
          }

          @Override
          public double[] of(List<EditCase> cases, List<byte[]> pictures) {
            measured[0] += cases.size();
            return psnr.of(cases, pictures);
          }
        };
    run(List.of(counted.through("one")), true);
    int once = measured[0];
    drawn.clear();
    run(List.of(counted.through("one")), true);
    assertEquals(once, measured[0]);
    MethodValues other = run(List.of(counted.through("two")), true);
    assertEquals(2 * once, measured[0]);
    assertEquals(Map.of(), drawn);
    assertEquals("counted", counted.through("two").name());
    assertTrue(Double.isFinite(other.of(counted.through("two").key(), 130)[0]));
  }

  @Test
  void withoutPicturesThereAreValuesOnly() throws IOException {
    MethodValues values = run(METRICS, false);
    try (Stream<Path> files = Files.walk(root)) {
      assertTrue(files.noneMatch(file -> file.toString().endsWith(".png")));
    }
    drawn.clear();
    assertEquals(values.values(), run(METRICS, false).values());
    assertEquals(Map.of(), drawn);
  }

  @Test
  void seedsHaveValuesOfTheirOwn() throws IOException {
    Evaluator evaluator = evaluator(METRICS, true, () -> {});
    double[] first = evaluator.run(contender("weights"), 0).of("PSNR", 130);
    double[] second = evaluator.run(contender("weights"), 1).of("PSNR", 130);
    for (int i = 0; i < 130; i++) {
      assertTrue(Double.isNaN(first[i]) || second[i] < first[i]);
    }
    assertArrayEquals(first, evaluator.run(contender("weights"), 0).of("PSNR", 130));
  }

  @Test
  void valuesOfSomethingElseAreRefused() throws IOException {
    run(METRICS, false);
    Evaluator evaluator = evaluator(METRICS, false, () -> {});
    IOException e =
        assertThrows(IOException.class, () -> evaluator.run(contender("other weights"), 0));
    assertTrue(
        e.getMessage().contains("has values of the darkened/one as it was: other weights"),
        e.getMessage());
    assertEquals(1, e.getMessage().lines().count());
    EditCases others = EditCases.of(CASES, "digest-of-others", "edits");
    Evaluator of =
        new Evaluator(others, METRICS, new EvaluationFolder(root), false, Evaluator.Progress.NONE);
    e = assertThrows(IOException.class, () -> of.run(contender("weights"), 0));
    assertTrue(e.getMessage().contains("has values of other cases"), e.getMessage());
  }

  @Test
  void aDamagedFileIsNamed() throws IOException {
    run(METRICS, false);
    Path file;
    try (Stream<Path> files = Files.walk(root)) {
      file = files.filter(f -> f.toString().endsWith("000100.json")).findFirst().orElseThrow();
    }
    Files.writeString(file, Files.readString(file).substring(0, 300));
    IOException e = assertThrows(IOException.class, () -> run(METRICS, false));
    assertTrue(e.getMessage().contains("values-000100.json"), e.getMessage());
    assertTrue(e.getMessage().endsWith("delete it to have it made again"), e.getMessage());
  }

  @Test
  void valuesAreTheSameAsJson() {
    Map<String, Double> values = new HashMap<>();
    values.put("PSNR", Double.POSITIVE_INFINITY);
    values.put("SSIM", 0.1234567890123456);
    values.put("PSNR in the boxes", Double.NaN);
    CaseValues one = new CaseValues(3, "<script>", "rotate", values, null);
    assertEquals(one, CaseValues.of(one.json()));
    CaseValues refused = new CaseValues(4, "b", "replace", Map.of(), "cannot");
    assertEquals(refused, CaseValues.of(refused.json()));
  }

  private void delete() throws IOException {
    try (Stream<Path> files = Files.walk(root)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        if (!file.equals(root)) {
          Files.delete(file);
        }
      }
    }
  }
}
