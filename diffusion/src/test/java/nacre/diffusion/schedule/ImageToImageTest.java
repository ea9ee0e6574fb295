package nacre.diffusion.schedule;

import static nacre.diffusion.schedule.NoiseScheduleTest.assertMessage;
import static nacre.diffusion.schedule.NoiseScheduleTest.json;
import static nacre.tensor.ops.Affine.affine;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.core.JsonProcessingException;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Image to image, against numbers of diffusers 0.40 and its pipeline. */
class ImageToImageTest {
  private static final Device CPU = Device.cpu();
  private static final String LATENT =
      "'beta_schedule': 'scaled_linear', 'beta_start': 0.00085, 'beta_end': 0.012,"
          + " 'clip_sample': false, 'set_alpha_to_one': false, 'steps_offset': 1";

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  @ParameterizedTest
  @CsvSource({
    "ddim, epsilon, 0.6, 4, 1.072889 -2.486156 1.727764, 1.437983 -2.569719 2.175411",
    "ddpm, epsilon, 0.6, 4, 1.072889 -2.486156 1.727764, 2.146263 -3.62835 2.427801",
    "pndm, epsilon, 0.6, 4, 1.113672 -2.489545 1.474542, 1.548076 -2.730347 1.976569",
    "pndm, epsilon, 1.0, 0, 1.058134 -2.183479 0.7643024, 6.001837 -4.693213 5.032398",
    "euler, epsilon, 0.6, 4, 1.776834 -4.053668 2.638417, 1.618771 -2.662525 2.251425",
    "euler-karras, v_prediction, 0.6, 4, 1.328872 -3.157743 2.414436, 0.8572866 -1.642097 1.462028",
    "dpm++, epsilon, 0.6, 4, 1.113523 -2.489883 1.47669, 1.827056 -2.871884 2.300635",
    "dpm++-karras, epsilon, 0.6, 4, 1.023109 -2.431172 1.858893, 1.172387 -2.412507 2.039774",
    "dpm++-2m-sde, v_prediction, 0.75, 2, 1.090254 -2.299487 0.9615515, 1.742828 -2.565614 1.083179"
  })
  void goesFromTheImageByTheStepsLeft(
      String name, String type, double strength, int begin, String noisy, String last)
      throws JsonProcessingException {
    int order = name.equals("dpm++-2m-sde") ? 3 : 2;
    String config =
        "{%s, 'prediction_type': '%s', 'solver_order': %d}".formatted(LATENT, type, order);
    SchedulerConfig chosen = Schedulers.named(name).configure(json(config));
    Scheduler scheduler = Scheduler.of(chosen, 8);
    assertEquals(begin, scheduler.beginIndex(strength));
    try (Scope _ = Scope.open()) {
      Tensor clean = Tensor.of(CPU, Shape.of(1, 1, 1, 3), 0.5f, -1.5f, 2);
      Tensor noise = Tensor.of(CPU, Shape.of(1, 1, 1, 3), 1, -2, 0.5f);
      Tensor x = scheduler.addNoise(begin, clean, noise);
      assertArrayEquals(floats(noisy), x.toFloats(), 2e-6f);
      History history = scheduler.start(begin);
      for (int i = begin; i < scheduler.steps(); i++) {
        Tensor seen = scheduler.scaleModelInput(i, x);
        Tensor output = affine(seen, 0.3, -scheduler.timestep(i) / 1000);
        x = scheduler.step(i, output, x, noise, history);
      }
      assertArrayEquals(floats(last), x.toFloats(), 2e-6f);
    }
  }

  private static float[] floats(String text) {
    String[] words = text.split(" ");
    float[] values = new float[words.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = Float.parseFloat(words[i]);
    }
    return values;
  }

  @Test
  void aStrengthThatLeavesNothingIsRefused() throws JsonProcessingException {
    Scheduler scheduler = Scheduler.of(Schedulers.named("ddim").configure(json("{}")), 8);
    assertEquals(7, scheduler.beginIndex(0.125));
    assertMessage("goes from 0.125 to 1", () -> scheduler.beginIndex(0.12));
    assertMessage("goes from 0.125 to 1", () -> scheduler.beginIndex(1.01));
    assertMessage("goes from 0.125 to 1", () -> scheduler.beginIndex(Double.NaN));
  }

  @Test
  void rungeKuttaBeginsAtTheBeginning() throws JsonProcessingException {
    SchedulerConfig config = SchedulerConfig.of(json("{'skip_prk_steps': false}"), Schedulers.PNDM);
    Scheduler scheduler = Scheduler.of(config, 8);
    assertMessage("skip_prk_steps", () -> scheduler.start(3));
  }
}
