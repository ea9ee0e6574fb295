package nacre.evaluation.threedit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import nacre.nn.AdamW;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Tensor;
import nacre.weights.WeightsException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ThreeDitTrainerTest {
  private static final int BATCH = 4;

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  private static ThreeDitTrainer trainer(double rate, double decay, long seed)
      throws WeightsException {
    var settings =
        new ThreeDitTrainer.Settings(BATCH, rate, 10, 0, 0.05, decay, AdamW.Config.defaults());
    return new ThreeDitTrainer(ThreeDitCase.config(), settings, Device.cpu(), seed);
  }

  /** Gradients from left to right: what is drawn follows from the source. */
  private static ThreeDitPairs pairs() {
    int each = 16 * 16 * 3;
    float[] sources = new float[BATCH * each];
    float[] targets = new float[BATCH * each];
    for (int i = 0; i < sources.length; i++) {
      sources[i] = (float) (i % 48) / 48;
      targets[i] = 1 - sources[i];
    }
    int[] ids = new int[BATCH * 7];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = i % 38;
    }
    return new ThreeDitPairs(BATCH, sources, targets, ids, new float[BATCH * 4]);
  }

  @Test
  void ratesAreAsPublished() {
    ThreeDitTrainer.Settings published = ThreeDitTrainer.Settings.published(1024);
    assertEquals(1e-10, published.rate(0), 1e-16);
    assertEquals(0.5e-4, published.rate(50), 1e-9);
    assertEquals(1e-4, published.rate(100), 1e-12);
    assertEquals(1e-4, published.rate(100_000), 1e-12);
    assertEquals(10, published.projectionFactor());
  }

  @Test
  void trainingLowersTheLoss() throws WeightsException {
    try (ThreeDitTrainer trainer = trainer(5e-3, 0, 1)) {
      List<Double> losses = new ArrayList<>();
      for (int i = 0; i < 60; i++) {
        losses.add(trainer.step(pairs()));
      }
      double first = mean(losses.subList(0, 15));
      double last = mean(losses.subList(45, 60));
      assertTrue(last < 0.7 * first, first + " → " + last);
    }
  }

  private static double mean(List<Double> values) {
    return values.stream().mapToDouble(v -> v).average().orElseThrow();
  }

  /** At a rate of zero losses of the same pairs differ by what a step draws alone. */
  @Test
  void everyStepDrawsAnew() throws WeightsException {
    List<Double> once = losses(7);
    assertEquals(4, new HashSet<>(once).size());
    assertEquals(once, losses(7));
    assertNotEquals(once, losses(8));
  }

  private static List<Double> losses(long seed) throws WeightsException {
    try (ThreeDitTrainer trainer = trainer(0, 0, seed)) {
      new ThreeDitFile(ThreeDitCase.path("checkpoint.ckpt"))
          .load(trainer.parameters(), trainer.model().config());
      trainer.begin();
      List<Double> losses = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        losses.add(trainer.step(pairs()));
      }
      return losses;
    }
  }

  /**
   * Only UNet and cc_projection move; the averages are written, and are what another begins with.
   */
  @Test
  void averagesAreWritten(@TempDir Path folder) throws Exception {
    try (ThreeDitTrainer trainer = trainer(1e-3, 0.9, 1);
        ThreeDitTrainer next = trainer(1e-3, 0.9, 2)) {
      float[] vae = values(trainer, "vae.encoder.conv_in.weight");
      float[] unet = values(trainer, "unet.conv_in.weight");
      float[] projection = values(trainer, "cc_projection.weight");
      for (int i = 0; i < 3; i++) {
        trainer.step(pairs());
      }
      assertArrayEquals(vae, values(trainer, "vae.encoder.conv_in.weight"));
      assertTrue(moved(unet, values(trainer, "unet.conv_in.weight")) > 1e-4);
      assertTrue(moved(projection, values(trainer, "cc_projection.weight")) > 1e-3);
      Tensor average = trainer.averagedParameters().get("unet.conv_in.weight");
      assertTrue(moved(average.toFloats(), values(trainer, "unet.conv_in.weight")) > 1e-5);
      trainer.save(folder);
      next.begin(folder);
      assertArrayEquals(average.toFloats(), values(next, "unet.conv_in.weight"));
      assertArrayEquals(
          average.toFloats(), next.averagedParameters().get("unet.conv_in.weight").toFloats());
    }
  }

  private static float[] values(ThreeDitTrainer trainer, String name) {
    return trainer.parameters().all().get(name).toFloats();
  }

  private static double moved(float[] before, float[] after) {
    double most = 0;
    for (int i = 0; i < before.length; i++) {
      most = Math.max(most, Math.abs(before[i] - after[i]));
    }
    return most;
  }

  /** A run that was resumed equals one that never stopped, to the bit. */
  @Test
  void runsGoOn(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("state.safetensors");
    try (ThreeDitTrainer whole = trainer(1e-3, 0.9, 1);
        ThreeDitTrainer part = trainer(1e-3, 0.9, 1)) {
      for (int i = 0; i < 2; i++) {
        whole.step(pairs());
      }
      whole.saveState(file);
      part.resume(file);
      assertEquals(2, part.steps());
      for (int i = 0; i < 2; i++) {
        assertEquals(whole.step(pairs()), part.step(pairs()), "loss of step " + i);
      }
      for (String name : whole.parameters().trainable().keySet()) {
        assertArrayEquals(values(whole, name), values(part, name), name);
        assertArrayEquals(
            whole.averagedParameters().get(name).toFloats(),
            part.averagedParameters().get(name).toFloats(),
            name);
      }
      WeightsException refused =
          assertThrows(
              WeightsException.class, () -> part.resume(ThreeDitCase.path("checkpoint.ckpt")));
      assertTrue(refused.getMessage().contains("no state of a run"), refused.getMessage());
    }
  }

  @Test
  void batchesOfAnotherSizeAreRefused() throws WeightsException {
    try (ThreeDitTrainer trainer = trainer(0, 0, 1)) {
      float[] one = new float[16 * 16 * 3];
      var pair = new ThreeDitPairs(1, one, one, new int[7], new float[4]);
      assertThrows(IllegalArgumentException.class, () -> trainer.step(pair));
    }
  }
}
