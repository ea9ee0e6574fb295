package nacre.neuralassets.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.render.SceneConfig;
import org.junit.jupiter.api.Test;

class PairSamplerTest {
  private static final int SIZE = 8;

  private final DataConfig config = DataConfig.of(Preset.builtin("tiny").data().orElseThrow());

  private PairSampler sampler(DataConfig data, double drop, double power, long seed) {
    var diffusion = new PairSampler.Diffusion(drop, 1000, power);
    return new PairSampler(pool(data, seed), data, diffusion, seed, SIZE);
  }

  private static ClipPool pool(DataConfig data, long seed) {
    return assertDoesNotThrow(() -> new ClipPool(new RenderedClips(data, seed, SIZE), data, SIZE));
  }

  private static DataConfig with(DataConfig c, int minGap, int maxGap, double flip, SceneConfig s) {
    return new DataConfig(
        c.slots(),
        minGap,
        maxGap,
        flip,
        0,
        0,
        c.stream(),
        Optional.of(new DataConfig.Rendering(1, s)),
        0,
        1);
  }

  @Test
  void aBatchDependsOnSeedAndStepAloneNotOnWhatCameBefore() {
    PairSampler inOrder = sampler(config, 0.1, 1, 5);
    PairBatch last = null;
    for (int step = 0; step <= 40; step++) {
      last = inOrder.batch(step, 4);
    }
    PairBatch alone = sampler(config, 0.1, 1, 5).batch(40, 4);
    assertArrayEquals(last.conditioning().source(), alone.conditioning().source());
    assertArrayEquals(last.target(), alone.target());
    assertArrayEquals(last.conditioning().boxes(), alone.conditioning().boxes());
    assertArrayEquals(last.conditioning().poses(), alone.conditioning().poses());
    assertArrayEquals(
        last.conditioning().backgroundPoses(), alone.conditioning().backgroundPoses());
    assertArrayEquals(last.conditioning().keep(), alone.conditioning().keep());
    assertArrayEquals(last.timesteps(), alone.timesteps());
    assertFalse(
        Arrays.equals(
            alone.conditioning().poses(),
            sampler(config, 0.1, 1, 6).batch(40, 4).conditioning().poses()));
    assertFalse(
        Arrays.equals(
            alone.conditioning().poses(),
            sampler(config, 0.1, 1, 5).batch(41, 4).conditioning().poses()));
  }

  @Test
  void thePoolGrowsWithTheStepsToItsEnd() {
    ClipPool pool = pool(config, 1);
    assertEquals(config.stream().initialClips(), pool.available(0));
    assertEquals(config.stream().initialClips() + 5, pool.available(10));
    assertEquals(config.stream().maxClips(), pool.available(1_000_000));
  }

  @Test
  void somethingMovesInEveryPair() {
    PairSampler sampler = sampler(config, 0, 1, 3);
    for (int step = 0; step < 20; step++) {
      PairBatch batch = sampler.batch(step, 8);
      int pixels = SIZE * SIZE * 3;
      for (int i = 0; i < 8; i++) {
        assertFalse(
            Arrays.equals(
                batch.conditioning().source(),
                i * pixels,
                (i + 1) * pixels,
                batch.target(),
                i * pixels,
                (i + 1) * pixels));
      }
    }
  }

  @Test
  void sharesOfDroppedAndTimestepsAreAsConfigured() {
    PairSampler sampler = sampler(config, 0.25, 2, 3);
    int dropped = 0;
    double timesteps = 0;
    int count = 4000;
    for (int step = 0; step < count / 100; step++) {
      PairBatch batch = sampler.batch(step, 100);
      for (int i = 0; i < 100; i++) {
        dropped += batch.conditioning().keep()[i] == 0 ? 1 : 0;
        timesteps += batch.timesteps()[i];
        assertTrue(batch.timesteps()[i] >= 0 && batch.timesteps()[i] < 1000);
      }
    }
    // Four standard deviations of the mean.
    assertEquals(0.25, dropped / (double) count, 4 * Math.sqrt(0.25 * 0.75 / count));
    // √u has mean 2/3 and variance 1/18.
    assertEquals(666.2, timesteps / count, 4 * 1000 * Math.sqrt(1.0 / 18 / count));
  }

  /** As in 3DIT: tokens alone, both, the source frame alone, each half of the probability. */
  @Test
  void sourceFramesAreDroppedAsOftenAsTokensAndHalfOfTheTimeWithThem() {
    PairSampler sampler = sampler(config, 0.25, 2, 3);
    int[] counts = new int[4];
    int count = 4000;
    for (int step = 0; step < count / 100; step++) {
      PairBatch batch = sampler.batch(step, 100);
      for (int i = 0; i < 100; i++) {
        boolean tokens = batch.conditioning().keep()[i] == 0;
        boolean source = batch.conditioning().keepSource()[i] == 0;
        counts[(tokens ? 2 : 0) + (source ? 1 : 0)]++;
      }
    }
    double[] wanted = {0.625, 0.125, 0.125, 0.125};
    for (int kind = 0; kind < 4; kind++) {
      double p = wanted[kind];
      assertEquals(p, counts[kind] / (double) count, 4 * Math.sqrt(p * (1 - p) / count));
    }
  }

  @Test
  void objectsTakeEverySlotAndUnusedOnesAreZero() {
    DataConfig two = with(config, 1, 11, 0, config.scene().withObjects(2, 2));
    PairBatch batch = sampler(two, 0, 1, 9).batch(0, 60);
    Set<Integer> free = new HashSet<>();
    for (int i = 0; i < 60; i++) {
      int used = 0;
      for (int slot = 0; slot < two.slots(); slot++) {
        int at = (i * two.slots() + slot) * 12;
        boolean full = batch.conditioning().poses()[at + 2] != 0;
        used += full ? 1 : 0;
        if (!full) {
          free.add(slot);
          for (int k = 0; k < 12; k++) {
            assertEquals(0, batch.conditioning().poses()[at + k]);
          }
          for (int k = 0; k < 4; k++) {
            assertEquals(0, batch.conditioning().boxes()[(i * two.slots() + slot) * 4 + k]);
          }
        }
      }
      assertEquals(2, used);
    }
    assertEquals(Set.of(0, 1, 2), free);
  }

  @Test
  void posesAreThoseOfTheTargetFrameAndTheBackgroundTheRelativeCamera() {
    DataConfig data = with(config, 11, 11, 0, config.scene());
    PairBatch batch = sampler(data, 0, 1, 2).batch(0, 20);
    ClipPool pool = pool(data, 2);
    pool.prepare(0);
    for (int i = 0; i < 20; i++) {
      boolean found = false;
      for (int c = 0; c < pool.available(0); c++) {
        Clip clip = pool.clip(c);
        for (int[] pair : new int[][] {{0, 11}, {11, 0}}) {
          FramePair ends = FramePair.of(clip, pair[0], pair[1]);
          PairBatch one = PairBatch.of(List.of(ends), SIZE, data.slots());
          found |=
              sameSet(one, batch, i, data.slots())
                  && Arrays.equals(
                      one.conditioning().backgroundPoses(),
                      0,
                      12,
                      batch.conditioning().backgroundPoses(),
                      12 * i,
                      12 * i + 12);
        }
      }
      assertTrue(found, "pair " + i + " is no pair of the first and last frame of any clip");
    }
  }

  @Test
  void errorsAtObjectsWeighMoreAndTheMeanIsKept() {
    PairBatch batch = sampler(config, 0, 1, 2).batch(0, 5);
    float[] factors = batch.errorWeights(4);
    int each = SIZE * SIZE * 3;
    for (int i = 0; i < 5; i++) {
      boolean[] inside = BoxMask.of(batch.targetBoxes(), 4 * config.slots() * i, 3, SIZE);
      double squares = 0;
      float in = 0;
      float out = 0;
      for (int k = 0; k < each; k++) {
        float factor = factors[i * each + k];
        squares += factor * factor;
        in = inside[k / 3] ? factor : in;
        out = inside[k / 3] ? out : factor;
      }
      assertEquals(1, squares / each, 1e-6);
      assertEquals(2, in / out, 1e-6);
    }
  }

  /** Whether the slots hold the same boxes and poses, in whatever order. */
  private static boolean sameSet(PairBatch one, PairBatch batch, int at, int slots) {
    Set<String> first = new HashSet<>();
    Set<String> second = new HashSet<>();
    for (int slot = 0; slot < slots; slot++) {
      first.add(slot(one, slot));
      second.add(slot(batch, at * slots + slot));
    }
    return first.equals(second);
  }

  private static String slot(PairBatch batch, int slot) {
    return Arrays.toString(
            Arrays.copyOfRange(batch.conditioning().poses(), 12 * slot, 12 * slot + 12))
        + Arrays.toString(Arrays.copyOfRange(batch.conditioning().boxes(), 4 * slot, 4 * slot + 4));
  }
}
