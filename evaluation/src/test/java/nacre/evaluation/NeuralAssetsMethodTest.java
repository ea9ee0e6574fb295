package nacre.evaluation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import nacre.evaluation.benchmark.EditBenchmark;
import nacre.neuralassets.data.BoxMask;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.edit.EditException;
import nacre.neuralassets.edit.EditRegion;
import nacre.neuralassets.model.NeuralAssets;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.Sampler;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class NeuralAssetsMethodTest {
  private static final Runnable NOTHING = () -> {};

  private final Preset preset = Preset.builtin("tiny");
  private final DataConfig data = DataConfig.of(preset.data().orElseThrow());
  private final int size = preset.imageSize();
  private Scope scope;
  private Sampler sampler;

  @BeforeEach
  void open() {
    scope = Scope.open();
    NeuralAssets model = new NeuralAssets(Parameters.create(Device.cpu(), DType.F32, 1), preset);
    sampler = new Sampler(model, 3, 2);
  }

  @AfterEach
  void nothingIsLeft() {
    scope.close();
    assertEquals(0, Memory.liveTensors());
  }

  private NeuralAssetsMethod method(Double margin) {
    return new NeuralAssetsMethod("model", sampler, data.slots(), margin);
  }

  private List<EditCase> edits(int count) {
    return EditBenchmark.cases(count, size, data.slots(), 1);
  }

  @Test
  void picturesDoNotDependOnHowCasesAreBatched() throws IOException {
    List<EditCase> cases = edits(8);
    NeuralAssetsMethod method = method(null);
    float[] together = method.draw(cases, 40, 7, NOTHING);
    int each = size * size * 3;
    assertEquals(8 * each, together.length);
    for (int i = 0; i < 8; i++) {
      float[] alone = method.draw(cases.subList(i, i + 1), 40 + i, 7, NOTHING);
      assertArrayEquals(alone, Arrays.copyOfRange(together, i * each, (i + 1) * each), 2e-5f);
    }
    float[] other = method.draw(cases.subList(0, 1), 40, 8, NOTHING);
    assertFalse(Arrays.equals(other, Arrays.copyOf(together, each)), "another seed");
    float[] next = method.draw(cases.subList(0, 1), 41, 7, NOTHING);
    assertFalse(Arrays.equals(next, Arrays.copyOf(together, each)), "another number");
  }

  @Test
  void eachStepIsToldAndCanEndTheDrawing() throws IOException {
    int[] steps = {0};
    method(null).draw(edits(2), 0, 0, () -> steps[0]++);
    assertEquals(3, steps[0]);
    Runnable stop =
        () -> {
          throw new IllegalStateException("stopped");
        };
    assertThrows(IllegalStateException.class, () -> method(null).draw(edits(2), 0, 0, stop));
  }

  @Test
  void theBackgroundIsKeptToTheBit() throws IOException {
    EditCase rotate = edits(2).get(1);
    float[] kept = method(0.1).draw(List.of(rotate), 1, 0, NOTHING);
    byte[] source = rotate.view().clip().rgb(rotate.view().source());
    byte[] drawn = Rgb.bytes(kept);
    EditRegion region = EditRegion.of(rotate.view(), rotate.edits(), 0.1);
    int outside = 0;
    int changed = 0;
    for (int k = 0; k < drawn.length; k++) {
      if (region.share()[k / 3] == 0) {
        assertEquals(source[k], drawn[k]);
        outside++;
      } else if (source[k] != drawn[k]) {
        changed++;
      }
    }
    assertFalse(outside == 0 || changed == 0, outside + " outside, " + changed + " changed");
  }

  @Test
  void twoFramesHaveNoBackgroundInCommon() throws IOException {
    EditCase pair = PairCases.heldOut(1, data, data.slots(), size).get(0).orElseThrow();
    EditException e =
        assertThrows(EditException.class, () -> method(0.1).draw(List.of(pair), 0, 0, NOTHING));
    assertEquals(
        "case held-out 0: source and target are two frames; only edits of one keep its background",
        e.getMessage());
  }

  /** The same frames as those of the table that eval prints by default. */
  @Test
  void pairsAreThoseOfHeldOutScenes() throws IOException {
    PairCases cases = PairCases.heldOut(3, data, data.slots(), size);
    PairBatch batch = HeldOut.pairs(data, 3, size);
    int each = size * size * 3;
    List<EditCase> all = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      EditCase one = cases.get(i).orElseThrow();
      all.add(one);
      float[] target = new float[each];
      PairBatch.pixels(one.truth(), target, 0);
      assertArrayEquals(Arrays.copyOfRange(batch.target(), i * each, (i + 1) * each), target);
      float[] source = new float[each];
      PairBatch.pixels(one.view().clip().rgb(one.view().source()), source, 0);
      assertArrayEquals(
          Arrays.copyOfRange(batch.conditioning().source(), i * each, (i + 1) * each), source);
      boolean[] mask = BoxMask.of(one.boxes(), 0, one.boxes().length / 4, size);
      assertArrayEquals(batch.targetMask(i), mask);
    }
    assertEquals(3 * each, method(null).draw(all, 0, 0, NOTHING).length);
  }
}
