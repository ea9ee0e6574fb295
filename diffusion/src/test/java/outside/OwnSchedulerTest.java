package outside;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import nacre.diffusion.StableDiffusion;
import nacre.diffusion.schedule.Scheduler;
import nacre.diffusion.schedule.SchedulerConfig;
import nacre.diffusion.schedule.SchedulerFactory;
import nacre.diffusion.schedule.Schedulers;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import org.junit.jupiter.api.Test;

/** A scheduler from outside of Nacre, as a user adds one: with nothing but what is exported. */
class OwnSchedulerTest {
  private static final Path MODEL = Path.of("../tools/cli/src/test/resources/tiny-sd/model");

  @Test
  void drawsByNameAndByFactory() throws IOException {
    try (var sd = StableDiffusion.load(MODEL, Device.cpu())) {
      int[] named = pixels(sd.prompt("a fox").size(32).steps(3).scheduler("outside-a").draw());
      int[] made = pixels(sd.prompt("a fox").size(32).steps(3).scheduler(Ancestral::new).draw());
      int[] euler = pixels(sd.prompt("a fox").size(32).steps(3).scheduler("euler").draw());
      assertArrayEquals(named, made);
      assertTrue(!java.util.Arrays.equals(named, euler), "it was not asked");
    }
    assertEquals(0, Memory.liveTensors());
  }

  private static int[] pixels(BufferedImage image) {
    return image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth());
  }

  /** A noise that the model predicts exactly is taken away exactly, whatever noise is added. */
  @Test
  void aPerfectPredictionLeadsToTheCleanSample() throws IOException {
    JsonNode json = new JsonMapper().readTree("{\"beta_schedule\": \"scaled_linear\"}");
    Scheduler scheduler = Scheduler.of(Schedulers.named("outside-a").configure(json), 8);
    try (Scope _ = Scope.open()) {
      Tensor clean = Tensor.of(Device.cpu(), Shape.of(1, 2), 0.5f, -0.25f);
      Tensor noise = Tensor.of(Device.cpu(), Shape.of(1, 2), 1, -2);
      Tensor x = scheduler.addNoise(0, clean, noise);
      var history = scheduler.start(0);
      for (int i = 0; i < scheduler.steps(); i++) {
        double alpha = scheduler.schedule().alphaCumprod((int) scheduler.timestep(i));
        double sigma = Math.sqrt((1 - alpha) / alpha);
        Tensor output = nacre.tensor.ops.Mix.mix(x, 1 / sigma, clean, -1 / sigma);
        x = scheduler.step(i, output, x, noise, history);
      }
      assertArrayEquals(new float[] {0.5f, -0.25f}, x.toFloats(), 1e-4f);
    }
  }

  @Test
  void itsClassIsReadFromAFolderAndItsNameIsListed() throws IOException {
    JsonNode json = new JsonMapper().readTree("{\"_class_name\": \"OutsideAncestralScheduler\"}");
    SchedulerConfig config = SchedulerConfig.of(json);
    assertTrue(Scheduler.of(config, 4) instanceof Ancestral);
    assertEquals(config, SchedulerConfig.of(config.toJson()));
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> Schedulers.named("magic"));
    assertTrue(e.getMessage().endsWith("lcm, tcd, outside-a"), e.getMessage());
  }

  @Test
  void aFactoryIsToldTheModelsNoiseScheduleAndTheSteps() throws IOException {
    try (var sd = StableDiffusion.load(MODEL, Device.cpu())) {
      SchedulerFactory factory =
          (schedule, steps) -> {
            assertEquals(0.012, schedule.config().betaEnd());
            assertEquals(7, steps);
            return new Ancestral(schedule, steps);
          };
      var plan = sd.prompt("a").steps(7).scheduler(factory).plan();
      assertEquals(7, plan.steps());
      assertEquals(List.of(), plan.scheduler().schedule().config().kind().names());
    }
  }
}
