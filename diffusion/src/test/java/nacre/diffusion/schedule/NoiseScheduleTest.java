package nacre.diffusion.schedule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.Cast;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Numbers are those of diffusers 0.40. */
class NoiseScheduleTest {
  private static final Device CPU = Device.cpu();

  static SchedulerConfig config(String json) throws JsonProcessingException {
    return config(json, Schedulers.DDIM);
  }

  static SchedulerConfig config(String json, SchedulerKind kind) throws JsonProcessingException {
    return SchedulerConfig.of(json(json), kind);
  }

  static JsonNode json(String json) throws JsonProcessingException {
    return new JsonMapper().readTree(json.replace('\'', '"'));
  }

  private static NoiseSchedule schedule(String json) throws JsonProcessingException {
    return new NoiseSchedule(config(json));
  }

  private static NoiseTable table(String json) throws JsonProcessingException {
    return schedule(json).on(CPU);
  }

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'beta_schedule': 'linear'}"
            + "|0x1.fff2e4p-1|0x1.ffe32cp-1|0x1.41e4b0p-4|0x1.3ea7b4p-4|0x1.59758cp-15|0x1.528cccp-15",
        "{'beta_schedule': 'scaled_linear', 'beta_start': 0.00085, 'beta_end': 0.012}"
            + "|0x1.ff9096p-1|0x1.ff20a8p-1|0x1.1c5560p-2|0x1.1af6e6p-2|0x1.351d06p-8|0x1.31676cp-8",
        "{'beta_schedule': 'squaredcos_cap_v2'}"
            + "|0x1.fffa96p-1|0x1.fff48ap-1|0x1.f9b21ap-2|0x1.f81992p-2|0x1.45fbc6p-19|0x1.4dcd84p-29",
        "{'beta_schedule': 'scaled_linear', 'beta_start': 0.00085, 'beta_end': 0.012,"
            + " 'rescale_betas_zero_snr': true, 'prediction_type': 'v_prediction'}"
            + "|0x1.ff9096p-1|0x1.ff1876p-1|0x1.f059eap-3|0x1.ed9b2ep-3|0x1.a69deep-23|0x0p0"
      })
  void alphasAreThoseOfDiffusers(
      String json, String a0, String a1, String a499, String a500, String a998, String a999)
      throws JsonProcessingException {
    NoiseSchedule schedule = schedule(json);
    String[] wanted = {a0, a1, a499, a500, a998, a999};
    int[] timesteps = {0, 1, 499, 500, 998, 999};
    assertEquals(1000, schedule.timesteps());
    for (int i = 0; i < wanted.length; i++) {
      float expected = Float.parseFloat(wanted[i]);
      float actual = schedule.alphaCumprod(timesteps[i]);
      // PyTorch's square roots, which the rescaled schedule takes, are not always the nearest.
      double tolerance = schedule.config().rescaleBetasZeroSnr() ? 1e-5 * expected : 0;
      assertEquals(expected, actual, tolerance, "timestep " + timesteps[i]);
    }
  }

  @Test
  void noiseIsAddedToEachSampleByItsOwnTimestep() throws JsonProcessingException {
    try (Scope _ = Scope.open()) {
      NoiseTable table = table("{'beta_schedule': 'squaredcos_cap_v2'}");
      Tensor timesteps = table.timesteps(100, 900);
      Tensor clean = Tensor.of(CPU, Shape.of(2, 2), 0.5f, -1.5f, 2, 0.25f);
      Tensor noise = Tensor.of(CPU, Shape.of(2, 2), 1, -2, 0.5f, 0.75f);
      float[] noisy = {0.661438f, -1.8157187f, 0.8014114f, 0.7795098f};
      float[] velocity = {0.9013877f, -1.7184777f, -1.8994051f, -0.13177384f};
      assertArrayEquals(noisy, table.addNoise(clean, noise, timesteps).toFloats(), 1e-6f);
      assertArrayEquals(velocity, table.velocity(clean, noise, timesteps).toFloats(), 1e-6f);
    }
  }

  @Test
  void noiseIsAddedInTheSamplesDtype() throws JsonProcessingException {
    try (Scope _ = Scope.open()) {
      NoiseTable table = table("{}");
      Tensor timestep = table.timesteps(300);
      Tensor clean = Tensor.of(CPU, Shape.of(1, 2, 1, 2), 0.5f, -1.5f, 2, 0.25f);
      Tensor noise = Tensor.of(CPU, Shape.of(1, 2, 1, 2), 1, -2, 0.5f, 0.75f);
      float[] exact = table.addNoise(clean, noise, timestep).toFloats();
      Tensor rounded =
          table.addNoise(Cast.cast(clean, DType.BF16), Cast.cast(noise, DType.BF16), timestep);
      assertEquals(DType.BF16, rounded.dtype());
      assertArrayEquals(exact, rounded.toFloats(), 2e-2f);
    }
  }

  @Test
  void targetFollowsThePredictionType() throws JsonProcessingException {
    try (Scope _ = Scope.open()) {
      Tensor clean = Tensor.of(CPU, Shape.of(1, 2), 0.5f, -1.5f);
      Tensor noise = Tensor.of(CPU, Shape.of(1, 2), 1, -2);
      NoiseTable epsilon = table("{}");
      Tensor seventh = epsilon.timesteps(7);
      assertSame(noise, epsilon.target(clean, noise, seventh));
      assertSame(clean, table("{'prediction_type': 'sample'}").target(clean, noise, seventh));
      NoiseTable velocity = table("{'prediction_type': 'v_prediction'}");
      assertArrayEquals(
          velocity.velocity(clean, noise, seventh).toFloats(),
          velocity.target(clean, noise, seventh).toFloats());
    }
  }

  @Test
  void mistakesAreNamed() throws JsonProcessingException {
    try (Scope _ = Scope.open()) {
      NoiseTable table = table("{'num_train_timesteps': 10}");
      Tensor x = Tensor.zeros(CPU, DType.F32, Shape.of(2, 3));
      Tensor one = table.timesteps(3);
      assertMessage(
          "addNoise: timesteps i32[1]@cpu for f32[2, 3]@cpu", () -> table.addNoise(x, x, one));
      assertMessage("timestep 10 is not one of 0 to 9", () -> table.timesteps(3, 10));
    }
  }

  static void assertMessage(String part, org.junit.jupiter.api.function.Executable mistake) {
    String message = assertThrows(IllegalArgumentException.class, mistake).getMessage();
    assertTrue(message.contains(part), message);
  }
}
