package nacre.diffusion.schedule;

import static nacre.diffusion.schedule.NoiseScheduleTest.assertMessage;
import static nacre.diffusion.schedule.NoiseScheduleTest.config;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.util.Arrays;
import java.util.stream.IntStream;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Numbers are those of diffusers 0.40; whole runs are compared by the bundles of verify. */
class SchedulerTest {
  private static final Device CPU = Device.cpu();

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  @ParameterizedTest
  @CsvSource({
    "LEADING, 1, 1",
    "LEADING, 3, 667 334 1",
    "LEADING, 7, 853 711 569 427 285 143 1",
    "TRAILING, 1, 999",
    "TRAILING, 3, 999 666 332",
    "TRAILING, 7, 999 856 713 570 428 285 142",
    "LINSPACE, 1, 0",
    "LINSPACE, 3, 999 500 0",
    "LINSPACE, 7, 999 832 666 500 333 166 0"
  })
  void timestepsAreThoseOfDiffusers(TimestepSpacing spacing, int steps, String wanted) {
    assertArrayEquals(
        Arrays.stream(wanted.split(" ")).mapToInt(Integer::parseInt).toArray(),
        spacing.timesteps(1000, steps, 1));
  }

  /** In diffusers some numbers of steps get one more step, at a timestep of −1. */
  @ParameterizedTest
  @EnumSource(TimestepSpacing.class)
  void anyNumberOfStepsIsWhatIsAskedFor(TimestepSpacing spacing) {
    for (int steps = 1; steps <= 1000; steps++) {
      int[] timesteps = spacing.timesteps(1000, steps, 0);
      assertEquals(steps, timesteps.length);
      assertTrue(IntStream.range(1, steps).allMatch(i -> timesteps[i] < timesteps[i - 1]));
    }
  }

  @Test
  void tooFewStepsAreRefused() throws JsonProcessingException {
    SchedulerConfig config = config("{'skip_prk_steps': false}", Schedulers.PNDM);
    assertMessage("at least 4 steps, not 3", () -> Scheduler.of(config, 3));
  }

  @Test
  void tooManyStepsAreRefused() {
    assertMessage("11 steps", () -> TimestepSpacing.LEADING.timesteps(10, 11, 0));
    assertMessage("0 steps", () -> TimestepSpacing.LEADING.timesteps(10, 0, 0));
    assertMessage("steps_offset 1", () -> TimestepSpacing.LEADING.timesteps(10, 10, 1));
  }

  @ParameterizedTest
  @CsvSource({
    "epsilon, true, 1.15684319, -0.779775381, 0.433120012",
    "epsilon, false, 1.15684319, -6.42717743, 6.7534318",
    "sample, true, 0.784633517, -1.06641817, 1.02046275",
    "v_prediction, true, 0.593246698, -2.09138727, 1.92670095",
    "v_prediction, false, 0.593246698, -2.36484146, 2.1274991"
  })
  void ddimAddsNoiseByEta(String type, boolean clip, float a, float b, float c)
      throws JsonProcessingException {
    String json = "{'prediction_type': '%s', 'clip_sample': %s}".formatted(type, clip);
    DdimScheduler plain = (DdimScheduler) Scheduler.of(config(json), 4);
    DdimScheduler scheduler = plain.withEta(0.5);
    assertEquals(500, scheduler.timestep(1));
    assertFalse(plain.isStochastic(1));
    assertTrue(scheduler.isStochastic(1));
    try (Scope _ = Scope.open()) {
      Tensor sample = Tensor.of(CPU, Shape.of(1, 1, 1, 3), 0.5f, -1.5f, 2);
      Tensor output = Tensor.of(CPU, Shape.of(1, 1, 1, 3), 0.25f, 1, -0.75f);
      Tensor noise = Tensor.of(CPU, Shape.of(1, 1, 1, 3), 1, -2, 0.5f);
      float[] after = scheduler.step(1, output, sample, noise, scheduler.start(1)).toFloats();
      assertArrayEquals(new float[] {a, b, c}, after, 5e-6f);
    }
  }

  /** A perfect model leads to its sample, with every prediction type. */
  @ParameterizedTest
  @CsvSource({
    "DDIMScheduler, epsilon",
    "DDIMScheduler, sample",
    "DDIMScheduler, v_prediction",
    "PNDMScheduler, epsilon",
    "EulerDiscreteScheduler, epsilon",
    "EulerDiscreteScheduler, sample",
    "EulerDiscreteScheduler, v_prediction",
    "DPMSolverMultistepScheduler, epsilon",
    "DPMSolverMultistepScheduler, sample",
    "DPMSolverMultistepScheduler, v_prediction"
  })
  void perfectPredictionsLeadToTheCleanSample(String kind, String type)
      throws JsonProcessingException {
    String json =
        ("{'prediction_type': '%s', 'timestep_spacing': 'trailing', 'clip_sample': false,"
                + " 'skip_prk_steps': true, 'set_alpha_to_one': true}")
            .formatted(type);
    Scheduler scheduler = Scheduler.of(config(json, Schedulers.ofClass(kind)), 10);
    float[] wanted = {0.5f, -0.25f, 0.75f, -1};
    try (Scope _ = Scope.open()) {
      Tensor clean = Tensor.of(CPU, Shape.of(1, 4), wanted);
      Tensor noise = Tensor.of(CPU, Shape.of(1, 4), 1, -2, 0.5f, 0.1f);
      NoiseTable table = scheduler.schedule().on(CPU);
      Tensor x = scheduler.addNoise(0, clean, noise);
      History history = scheduler.start(0);
      for (int i = 0; i < scheduler.steps(); i++) {
        assertFalse(scheduler.isStochastic(i));
        Tensor answer = table.target(clean, noise, table.timesteps((int) scheduler.timestep(i)));
        x = scheduler.step(i, answer, x, null, history);
      }
      assertArrayEquals(wanted, x.toFloats(), 1e-3f);
    }
  }

  /** Steps in scopes of their own, whose tensors are gone by the next. */
  @ParameterizedTest
  @MethodSource("nacre.diffusion.schedule.Schedulers#builtIn")
  void whatIsRememberedOutlivesItsStep(SchedulerKind kind) throws JsonProcessingException {
    Scheduler scheduler = Scheduler.of(config("{'skip_prk_steps': false}", kind), 6);
    try (Scope outer = Scope.open()) {
      History history = scheduler.start(0);
      Tensor x = Tensor.of(CPU, Shape.of(1, 2), 1, -2);
      for (int i = 0; i < scheduler.steps(); i++) {
        try (Scope scope = Scope.open()) {
          Tensor output = Tensor.of(CPU, Shape.of(1, 2), 0.5f, i);
          Tensor noise = Tensor.of(CPU, Shape.of(1, 2), 0.25f, -1);
          Tensor before = x;
          x = scope.keep(scheduler.step(i, output, x, noise, history));
          before.close();
        }
      }
      assertTrue(Float.isFinite(x.toFloats()[1]));
      outer.adopt(x);
    }
  }

  @Test
  void stepsGoInTheirOrder() throws JsonProcessingException {
    Scheduler scheduler = Scheduler.of(config("{}"), 6);
    try (Scope _ = Scope.open()) {
      Tensor x = Tensor.of(CPU, Shape.of(1, 2), 1, -2);
      History history = scheduler.start(2);
      scheduler.step(2, x, x, null, history);
      assertMessage("step 3 comes next", () -> scheduler.step(2, x, x, null, history));
    }
  }

  @Test
  void guidanceGoesBeyondTheCondition() {
    try (Scope _ = Scope.open()) {
      Tensor without = Tensor.of(CPU, Shape.of(2), 1, 2);
      Tensor with = Tensor.of(CPU, Shape.of(2), 2, 0);
      assertArrayEquals(new float[] {2, 0}, Guidance.guide(without, with, 1).toFloats());
      assertArrayEquals(new float[] {4, -4}, Guidance.guide(without, with, 3).toFloats(), 1e-6f);
    }
  }
}
