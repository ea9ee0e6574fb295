package nacre.diffusion;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class DrawingMemoryTest {
  private static final long GB = 1_000_000_000;

  @Test
  void itIsTooMuchWhereLessCanBeHad() {
    assertTrue(new DrawingMemory(3 * GB, GB, true, OptionalLong.of(4 * GB - 1)).isTooMuch());
    assertFalse(new DrawingMemory(3 * GB, GB, true, OptionalLong.of(4 * GB)).isTooMuch());
    assertFalse(new DrawingMemory(3 * GB, GB, true, OptionalLong.empty()).isTooMuch());
    assertEquals(4 * GB, new DrawingMemory(3 * GB, GB, true, OptionalLong.empty()).total());
  }

  /** A tile of Stable Diffusion's autoencoder in bf16 is decoded in half a gigabyte. */
  @Test
  void workIsThatOfATile() {
    assertEquals(402_653_184, DrawingMemory.decoding(512 * 512, 128, 2));
    assertEquals(
        4 * DrawingMemory.decoding(512 * 512, 128, 2), DrawingMemory.decoding(1024 * 1024, 128, 2));
  }
}
