package nacre.diffusion.schedule;

import static nacre.diffusion.schedule.NoiseScheduleTest.assertMessage;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Numbers worked out by hand from the definition of Saharia et al., 2022, section 2.3. */
class SampleClippingTest {

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  private static float[] apply(SampleClipping clipping, float... values) {
    try (Scope _ = Scope.open()) {
      int[] dims = {values.length / 3, 3, 1, 1};
      return clipping.apply(Tensor.of(Device.cpu(), Shape.of(dims), values)).toFloats();
    }
  }

  /** The quantile lies between the two smallest of three magnitudes. */
  @Test
  void eachSampleIsDividedByAQuantileOfItsOwn() {
    SampleClipping clipping = new SampleClipping(false, 1, true, 0.25, 5);
    float[] values = {
      3,
      0.5f,
      -2, // between 0.5 and 2: 1.25
      0.2f,
      -4,
      0.4f, // between 0.2 and 0.4: at least 1
      20,
      -2,
      10 // between 2 and 10: 6, cut off at 5
    };
    float[] wanted = {1, 0.4f, -1, 0.2f, -1, 0.4f, 1, -0.4f, 1};
    assertArrayEquals(wanted, apply(clipping, values), 1e-6f);
  }

  @Test
  void theWholeRangeIsTheLargestMagnitude() {
    SampleClipping clipping = new SampleClipping(false, 1, true, 1, 100);
    assertArrayEquals(new float[] {-1, 0.25f, 0.5f}, apply(clipping, -8, 2, 4), 1e-6f);
    SampleClipping smallest = new SampleClipping(false, 1, true, 0, 100);
    assertArrayEquals(new float[] {-1, 1, 1}, apply(smallest, -8, 2, 4), 1e-6f);
  }

  @Test
  void aRangeClips() {
    SampleClipping clipping = new SampleClipping(true, 1.5, false, 0.995, 1);
    assertArrayEquals(new float[] {-1.5f, 1, 1.5f}, apply(clipping, -8, 1, 4));
    assertArrayEquals(new float[] {-8, 1, 4}, apply(SampleClipping.NONE, -8, 1, 4));
    assertMessage("clip_sample_range", () -> new SampleClipping(true, 0, false, 0.995, 1));
  }
}
