package nacre.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import nacre.nn.TiledMoments.Core;
import nacre.nn.TiledMoments.Span;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.Ops;
import nacre.tensor.ops.RandomNormal;
import nacre.tensor.ops.Slice;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Tiles of ten rows of an image of sixteen, which have four in common; no layer mixes pixels. */
class TiledMomentsTest {
  private static final Device CPU = Device.cpu();
  private static final int WIDTH = 6;
  private static final int CHANNELS = 8;
  private static final int[] ROWS = {0, 6};
  private static final int TILE = 10;
  private static final int MIDDLE = 8;

  private Scope scope;
  private Tensor image;
  private GroupNorm first;
  private GroupNorm second;

  @BeforeEach
  void open() {
    scope = Scope.open();
    Parameters p = Parameters.create(CPU, DType.F32, 5);
    first = new GroupNorm(p.at("first"), 4, CHANNELS, 1e-6);
    second = new GroupNorm(p.at("second"), 2, CHANNELS, 1e-6);
    p.all().values().forEach(x -> x.copyFrom(RandomNormal.normal(CPU, x.shape(), 2, 0).toFloats()));
    float[] pixels = RandomNormal.normal(CPU, Shape.of(16 * WIDTH * CHANNELS), 1, 0).toFloats();
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = pixels[i] * (1 + i % 7) + i / 100f; // darker above than below
    }
    image = Tensor.of(CPU, Shape.of(1, 16, WIDTH, CHANNELS), pixels);
  }

  @AfterEach
  void nothingIsLeft() {
    scope.close();
    assertEquals(0, Memory.liveTensors());
  }

  private Tensor network(Tensor x) {
    return second.forward(Ops.add(x, Ops.scale(first.forwardSilu(x), 3)));
  }

  private Tensor tile(int i) {
    return Slice.slice(image, 1, ROWS[i], TILE);
  }

  private void measure(TiledMoments moments) {
    for (int i = 0; i < ROWS.length; i++) {
      int at = i;
      int from = i == 0 ? 0 : MIDDLE - ROWS[i];
      int to = i == 0 ? MIDDLE : TILE;
      Core core = new Core(new Span(from, to, TILE), new Span(0, WIDTH, WIDTH));
      moments.measure(core, () -> network(tile(at)));
    }
    moments.settle();
  }

  private float largest(TiledMoments moments) {
    float[] whole = network(image).toFloats();
    float largest = 0;
    for (int i = 0; i < ROWS.length; i++) {
      int at = i;
      float[] part = moments.use(() -> network(tile(at))).toFloats();
      int from = ROWS[i] * WIDTH * CHANNELS;
      for (int k = 0; k < part.length; k++) {
        largest = Math.max(largest, Math.abs(part[k] - whole[from + k]));
      }
    }
    return largest;
  }

  @Test
  void eachPassMakesANormMoreThatOfTheWhole() {
    TiledMoments moments = new TiledMoments();
    float before = largest(moments);
    assertTrue(before > 0.1, "nothing is measured yet");
    measure(moments);
    float once = largest(moments);
    assertTrue(
        once > 1e-3 && once < before / 2,
        "the second norm was measured behind tiles' own: " + once);
    measure(moments);
    assertEquals(0, largest(moments), 2e-5);
  }

  @Test
  void elsewhereANormIsItsOwn() {
    float[] before = network(tile(0)).toFloats();
    TiledMoments moments = new TiledMoments();
    measure(moments);
    assertFalse(Arrays.equals(before, moments.use(() -> network(tile(0))).toFloats()));
    assertArrayEquals(before, network(tile(0)).toFloats());
  }
}
