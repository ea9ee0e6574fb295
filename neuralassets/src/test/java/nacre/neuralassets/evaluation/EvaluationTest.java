package nacre.neuralassets.evaluation;

import static nacre.tensor.ops.Ops.slice;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.model.Conditioning;
import nacre.neuralassets.model.NeuralAssets;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.Sampler;
import nacre.neuralassets.scene.PoseVector;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.RandomNormal;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** An evaluation beside its definition, a picture at a time. */
class EvaluationTest {
  private static final Preset TINY = Preset.builtin("tiny");

  /** More than are drawn at a time. */
  private static final int PAIRS = Evaluation.BATCH + 2;

  private static final int PIXELS = TINY.imageSize() * TINY.imageSize() * 3;

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  @Test
  void itIsTheMeanOverPairsWhoseTargetShowsAnObject() {
    PairBatch pairs =
        HeldOut.pairs(DataConfig.of(TINY.data().orElseThrow()), PAIRS, TINY.imageSize());
    int boxes = 4 * pairs.slots();
    java.util.Arrays.fill(pairs.targetBoxes(), boxes, 2 * boxes, 0); // the second shows none
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.create(Device.cpu(), DType.F32, 3);
      Sampler sampler = new Sampler(new NeuralAssets(p, TINY), 1, 1);
      List<Integer> told = new ArrayList<>();
      Evaluation evaluation = Evaluation.of(sampler, pairs, told::add);
      assertEquals(List.of(40, 80, 82, 84), told);
      assertEquals(PAIRS - 1, evaluation.pairs());

      Conditioning own = pairs.conditioning();
      List<Similarity> copies = new ArrayList<>();
      for (int i = 0; i < PAIRS; i++) {
        if (i != 1) {
          copies.add(similarity(own.source(), i, pairs, i));
        }
      }
      assertEquals(mean(copies).psnr(), evaluation.copy().psnr(), 1e-9);
      assertEquals(mean(copies).ssim(), evaluation.copy().ssim(), 1e-9);
    }
  }

  /** Where pictures are large few are drawn at a time, and each step may be the last. */
  @Test
  void whatAStepThrowsEndsIt() {
    PairBatch pairs = HeldOut.pairs(DataConfig.of(TINY.data().orElseThrow()), 3, TINY.imageSize());
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.create(Device.cpu(), DType.F32, 3);
      Sampler sampler = new Sampler(new NeuralAssets(p, TINY), 4, 1);
      List<Integer> told = new ArrayList<>();
      int[] steps = {0};
      Evaluation.of(sampler, pairs, told::add, () -> steps[0]++);
      assertEquals(2 * 4, steps[0]);
      assertEquals(List.of(3, 6), told);
      Runnable sixth =
          () -> {
            if (++steps[0] == 8 + 6) {
              throw new IllegalStateException("enough");
            }
          };
      told.clear();
      assertThrows(
          IllegalStateException.class, () -> Evaluation.of(sampler, pairs, told::add, sixth));
      assertEquals(List.of(3), told);
    }
  }

  @Test
  void picturesAreDrawnWithTheirOwnPosesAndWithThoseOfTheNextPair() {
    PairBatch pairs = HeldOut.pairs(DataConfig.of(TINY.data().orElseThrow()), 3, TINY.imageSize());
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.create(Device.cpu(), DType.F32, 3);
      NeuralAssets model = new NeuralAssets(p, TINY);
      Sampler sampler = new Sampler(model, 1, 1);
      Conditioning own = pairs.conditioning();
      List<Similarity> drawn = new ArrayList<>();
      List<Similarity> misled = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        Conditioning one = own.slice(i, 1);
        drawn.add(similarity(sampler, pairs, i, one));
        Conditioning next = own.slice((i + 1) % 3, 1);
        System.arraycopy(next.poses(), 0, one.poses(), 0, next.poses().length);
        System.arraycopy(next.backgroundPoses(), 0, one.backgroundPoses(), 0, PoseVector.LENGTH);
        misled.add(similarity(sampler, pairs, i, one));
      }
      Evaluation evaluation = Evaluation.of(sampler, pairs, _ -> {});
      assertEquals(mean(drawn).psnr(), evaluation.model().psnr(), 1e-4);
      assertEquals(mean(drawn).ssim(), evaluation.model().ssim(), 1e-4);
      assertEquals(mean(misled).psnr(), evaluation.foreign().psnr(), 1e-4);
      assertEquals(mean(misled).ssim(), evaluation.foreign().ssim(), 1e-4);
    }
  }

  private static Similarity similarity(
      Sampler sampler, PairBatch pairs, int i, Conditioning conditioning) {
    int side = TINY.sampleSize();
    Shape shape = Shape.of(pairs.count(), side, side, TINY.sampleChannels());
    try (Scope _ = Scope.open()) {
      Tensor noise = slice(RandomNormal.normal(Device.cpu(), shape, 3, 0), 0, i, 1);
      return similarity(sampler.sample(conditioning, noise).toFloats(), 0, pairs, i);
    }
  }

  /** Of picture {@code at} of a batch and the target of pair {@code i}. */
  private static Similarity similarity(float[] batch, int at, PairBatch pairs, int i) {
    return Similarity.of(
        picture(batch, at), picture(pairs.target(), i), pairs.targetMask(i), TINY.imageSize());
  }

  private static double[] picture(float[] batch, int at) {
    double[] picture = new double[PIXELS];
    for (int k = 0; k < PIXELS; k++) {
      picture[k] = Math.min(1, Math.max(0, 0.5 + 0.5 * (double) batch[at * PIXELS + k]));
    }
    return picture;
  }

  private static Similarity mean(List<Similarity> all) {
    return new Similarity(
        all.stream().mapToDouble(Similarity::psnr).average().orElseThrow(),
        all.stream().mapToDouble(Similarity::ssim).average().orElseThrow());
  }
}
