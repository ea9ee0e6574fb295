package nacre.diffusion.schedule;

import static nacre.diffusion.schedule.NoiseScheduleTest.assertMessage;
import static nacre.diffusion.schedule.NoiseScheduleTest.config;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.util.Arrays;
import java.util.List;
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
import org.junit.jupiter.params.provider.ValueSource;

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
    "DPMSolverMultistepScheduler, v_prediction",
    "DPMSolverSinglestepScheduler, epsilon",
    "UniPCMultistepScheduler, epsilon",
    "HeunDiscreteScheduler, epsilon",
    "LMSDiscreteScheduler, epsilon"
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

  /** A history holds as many steps as its scheduler uses, however many there are. */
  @ParameterizedTest
  @MethodSource("nacre.diffusion.schedule.Schedulers#builtIn")
  void aHistoryDoesNotGrow(SchedulerKind kind) throws JsonProcessingException {
    Scheduler scheduler = Scheduler.of(config("{'skip_prk_steps': true}", kind), 16);
    try (Scope _ = Scope.open()) {
      History history = scheduler.start(0);
      Tensor x = Tensor.of(CPU, Shape.of(1, 2), 1, -2);
      int half = scheduler.steps() / 2;
      long[] most = new long[2];
      for (int i = 0; i < scheduler.steps(); i++) {
        try (Scope _ = Scope.open()) {
          scheduler.step(i, x, x, x, history);
        }
        int part = i < half ? 0 : 1;
        most[part] = Math.max(most[part], Memory.liveTensors());
      }
      assertTrue(most[1] <= most[0], most[1] + " tensors after " + most[0]);
    }
  }

  @ParameterizedTest
  @MethodSource("nacre.diffusion.schedule.Schedulers#builtIn")
  void stepsGoInTheirOrder(SchedulerKind kind) throws JsonProcessingException {
    Scheduler scheduler = Scheduler.of(config("{'skip_prk_steps': true}", kind), 6);
    try (Scope _ = Scope.open()) {
      Tensor x = Tensor.of(CPU, Shape.of(1, 2), 1, -2);
      History history = scheduler.start(2);
      scheduler.step(2, x, x, x, history);
      assertMessage("step 3 comes next", () -> scheduler.step(2, x, x, x, history));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "HeunDiscreteScheduler",
        "KDPM2DiscreteScheduler",
        "KDPM2AncestralDiscreteScheduler",
        "DPMSolverSDEScheduler"
      })
  void secondStagesAreNoBeginning(String kind) throws JsonProcessingException {
    Scheduler scheduler = Scheduler.of(config("{}", Schedulers.ofClass(kind)), 6);
    assertMessage("step 3 is the second stage of one; start at 2", () -> scheduler.start(3));
  }

  @Test
  void etaGoesFromZeroToOne() throws JsonProcessingException {
    for (String name : new String[] {"DDIMScheduler", "TCDScheduler"}) {
      Scheduler scheduler = Scheduler.of(config("{}", Schedulers.ofClass(name)), 4);
      assertFalse(scheduler.withEta(0).isStochastic(1));
      assertTrue(scheduler.withEta(1).isStochastic(1));
      for (double wrong : new double[] {-0.01, 1.01, Double.NaN}) {
        assertMessage("0 to 1 is wanted", () -> scheduler.withEta(wrong));
      }
    }
    Scheduler euler = Scheduler.of(config("{}", Schedulers.ofClass("EulerDiscreteScheduler")), 4);
    assertSame(euler, euler.withEta(0));
    assertMessage("EulerDiscreteScheduler has no eta", () -> euler.withEta(0.5));
  }

  @Test
  void stepsOfDistilledModelsAreLimited() throws JsonProcessingException {
    SchedulerConfig config =
        config("{'original_inference_steps': 10}", Schedulers.ofClass("LCMScheduler"));
    assertEquals(10, Scheduler.of(config, 10).steps());
    assertMessage("so that there are 1 to 10", () -> Scheduler.of(config, 11));
    Scheduler four = Scheduler.of(config, 4);
    assertEquals(4, four.within(0.4).steps());
    assertMessage("so that there are 1 to 3 at a strength of 0.3", () -> four.within(0.3));
    assertMessage("there are 1 to 0 at a strength of 0.0", () -> four.within(0));
  }

  @Test
  void spacingsWithoutTheLowestLeaveFewer() {
    assertArrayEquals(
        new int[] {499, 249}, TimestepSpacing.TRAILING.withoutLowest(1000, 500, 4, 0));
    assertMessage("6 steps", () -> TimestepSpacing.TRAILING.withoutLowest(1000, 5, 6, 0));
    assertEquals(3, TimestepSpacing.linspace(3, 7, 1, 0));
    assertEquals(4, TimestepSpacing.linspace(3, 7, 5, 1));
    assertEquals(7, TimestepSpacing.linspace(3, 7, 5, 4));
  }

  @Test
  void rowsOfProvidersShareNoNames() {
    SchedulerFactory factory = (_, _) -> null;
    SchedulerName mine = new SchedulerName("mine", "What it is");
    SchedulerKind kind = SchedulerKind.of("MyScheduler", factory, mine);
    List<SchedulerKind> all = Schedulers.table(List.of(() -> List.of(kind)));
    assertEquals(Schedulers.builtIn().size() + 1, all.size());
    assertSame(kind, all.getLast());
    assertTaken("the class MyScheduler", kind, SchedulerKind.of("MyScheduler", factory));
    assertTaken("the name mine", kind, SchedulerKind.of("Other", factory, mine));
    assertTaken("the class DDIMScheduler", SchedulerKind.of("DDIMScheduler", factory));
    SchedulerName ddim = new SchedulerName("ddim", "Another");
    assertTaken("the name ddim", SchedulerKind.of("Other", factory, ddim));
  }

  private static void assertTaken(String what, SchedulerKind... kinds) {
    List<SchedulerProvider> providers = List.of(() -> List.of(kinds));
    IllegalStateException e =
        assertThrows(IllegalStateException.class, () -> Schedulers.table(providers));
    assertTrue(e.getMessage().contains("two have " + what), e.getMessage());
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
