package nacre.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import nacre.nn.TiledMoments.Rows;
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

  /** Rows of the first tile as far as the middle, and those of the second behind it. */
  private static Rows own(int i) {
    return i == 0 ? new Rows(0, MIDDLE, TILE) : new Rows(MIDDLE - ROWS[i], TILE, TILE);
  }

  private boolean pass(TiledMoments moments, List<Tensor> made) {
    for (int i = 0; i < ROWS.length; i++) {
      int at = i;
      moments.compute(own(i), () -> network(tile(at))).ifPresent(y -> made.add(own(at).of(y)));
    }
    return moments.settle();
  }

  @Test
  void aPassForEachNormAndTheTilesAreTheWhole() {
    TiledMoments moments = new TiledMoments();
    List<Tensor> made = new ArrayList<>();
    assertTrue(pass(moments, made), "measures the first norm");
    assertTrue(pass(moments, made), "measures the second");
    assertEquals(List.of(), made);
    assertFalse(pass(moments, made));
    Tensor tiled = Ops.concat(1, made.toArray(Tensor[]::new));
    assertEquals(image.shape(), tiled.shape());
    assertArrayEquals(network(image).toFloats(), tiled.toFloats(), 2e-5f);
    float[] first = network(tile(0)).toFloats();
    float[] whole = tiled.toFloats();
    assertNotEquals(whole[0], first[0], 0.01f, "elsewhere a norm is its tile's own");
  }

  @Test
  void rowsAreInTheSamePlaceInWhatIsSmaller() {
    Tensor small = Tensor.of(CPU, Shape.of(1, 4, 1, 1), 0, 1, 2, 3);
    assertArrayEquals(new float[] {1, 2}, new Rows(2, 6, 8).of(small).toFloats());
  }
}
