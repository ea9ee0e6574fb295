package nacre.diffusion.schedule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Against diffusers' numbers, which tools/lab/reference/export_ddim_inverse.py wrote. */
class DdimInverseTest {
  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  private static float[] floats(JsonNode array) {
    float[] values = new float[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).floatValue();
    }
    return values;
  }

  private static Tensor tensor(JsonNode array) {
    return Tensor.of(Device.cpu(), Shape.of(1, array.size()), floats(array));
  }

  private static JsonNode cases() throws IOException {
    try (InputStream in = DdimInverseTest.class.getResourceAsStream("/ddim-inverse.json")) {
      return new JsonMapper().readTree(in);
    }
  }

  @Test
  void stepsAreThoseOfDiffusers() throws IOException {
    int compared = 0;
    for (JsonNode each : cases()) {
      int steps = each.get("timesteps").size();
      SchedulerConfig config = SchedulerConfig.of(each.get("config"), Schedulers.DDIM);
      DdimInverseScheduler scheduler = DdimInverseScheduler.of(config, steps);
      try (Scope _ = Scope.open()) {
        Tensor x = tensor(each.get("sample"));
        History history = scheduler.start(0);
        for (int i = 0; i < steps; i++) {
          String what = each.get("config") + ", step " + i;
          assertEquals(each.get("timesteps").get(i).intValue(), scheduler.timestep(i), what);
          x = scheduler.step(i, tensor(each.get("outputs").get(i)), x, null, history);
          float[] wanted = floats(each.get("samples").get(i));
          float largest = 1;
          for (float value : wanted) {
            largest = Math.max(largest, Math.abs(value));
          }
          assertArrayEquals(wanted, x.toFloats(), 2e-6f * largest, what);
          compared++;
        }
      }
    }
    assertTrue(compared >= 150, "compared " + compared);
  }

  /** A model whose noise does not depend on the sample is inverted exactly. */
  @Test
  void drawingUndoesIt() throws IOException {
    ObjectNode json = cases().get(0).get("config").deepCopy();
    json.put("clip_sample", false).put("prediction_type", "epsilon");
    for (boolean one : new boolean[] {true, false}) {
      SchedulerConfig config =
          SchedulerConfig.of(json.put("set_alpha_to_one", one), Schedulers.DDIM);
      Scheduler there = DdimInverseScheduler.of(config, 10);
      Scheduler back = Scheduler.of(config, 10);
      try (Scope _ = Scope.open()) {
        Tensor noise = Tensor.of(Device.cpu(), Shape.of(1, 2), -0.3f, 1.7f);
        Tensor x = Tensor.of(Device.cpu(), Shape.of(1, 2), 0.5f, -0.25f);
        for (Scheduler scheduler : new Scheduler[] {there, back}) {
          History history = scheduler.start(0);
          for (int i = 0; i < 10; i++) {
            x = scheduler.step(i, noise, x, null, history);
          }
        }
        assertArrayEquals(new float[] {0.5f, -0.25f}, x.toFloats(), 2e-5f);
      }
    }
  }

  /** Where diffusers divides by zero. */
  @Test
  void theNoiseOfACleanSampleIsFinite() throws IOException {
    ObjectNode json = cases().get(0).get("config").deepCopy();
    json.put("prediction_type", "sample").put("set_alpha_to_one", true);
    SchedulerConfig config = SchedulerConfig.of(json, Schedulers.DDIM);
    DdimInverseScheduler scheduler = DdimInverseScheduler.of(config, 5);
    try (Scope _ = Scope.open()) {
      Tensor x = Tensor.of(Device.cpu(), Shape.of(1, 1), 0.5f);
      Tensor clean = Tensor.of(Device.cpu(), Shape.of(1, 1), 0.4f);
      float got = scheduler.step(0, clean, x, null, scheduler.start(0)).item();
      // At the level of its own timestep, a step changes nothing.
      assertEquals(0.5f, got, 1e-6f);
    }
  }

  @Test
  void otherSchedulersAreRefused() throws IOException {
    SchedulerConfig euler = SchedulerConfig.of(cases().get(0).get("config"), Schedulers.EULER);
    var e = assertThrows(IllegalArgumentException.class, () -> DdimInverseScheduler.of(euler, 5));
    assertTrue(e.getMessage().contains("DDIMScheduler is"), e.getMessage());
  }
}
