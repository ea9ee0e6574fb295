package nacre.neuralassets.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.List;
import nacre.neuralassets.model.AssetTokens.Background;
import nacre.neuralassets.model.AssetTokens.Content;
import nacre.neuralassets.scene.PoseVector;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ConditioningTest {
  private static final int S = 8;
  private static final AssetTokens PLAIN = tokens(0.5, 0.5);

  private static AssetTokens tokens(double mean, double std) {
    PoseFeatures features = new PoseFeatures(1, false, 0);
    List<Double> means = List.of(mean, mean, mean);
    List<Double> stds = List.of(std, std, std);
    return new AssetTokens(
        2,
        4,
        4,
        4,
        4,
        features,
        0,
        4,
        means,
        stds,
        Content.APPEARANCE,
        false,
        new SurfaceFeatures(0),
        Background.FULL,
        true);
  }

  /** One white image for each list of boxes. */
  private static Conditioning white(float[] keep, float... boxes) {
    int batch = keep.length;
    float[] source = new float[batch * S * S * 3];
    Arrays.fill(source, 1);
    int slots = boxes.length / 4 / batch;
    float[] poses = new float[batch * slots * PoseVector.LENGTH];
    Arrays.fill(poses, 3);
    float[] background = new float[batch * PoseVector.LENGTH];
    Arrays.fill(background, 4);
    return new Conditioning(S, slots, source, boxes, poses, background, keep);
  }

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  /** The red channel of the n-th image that the encoder sees, a character a pixel. */
  private static String seen(Conditioning c, AssetTokens config, int n) {
    try (Scope _ = Scope.open()) {
      float[] pixels = ConditioningTensors.of(Device.cpu(), c, config).pixels().toFloats();
      StringBuilder text = new StringBuilder();
      for (int row = 0; row < S; row++) {
        for (int column = 0; column < S; column++) {
          float red = pixels[((n * S + row) * S + column) * 3];
          text.append(red == 1 ? '#' : red == 0 ? '.' : '?');
        }
        text.append('\n');
      }
      return text.toString();
    }
  }

  @Test
  void objectsAndBackgroundPartThePixels() {
    // Edges at 1 to 3 and 2 to 6; the other box, at 4.4 to 8.8 and 5.6 to 8, leaves the image.
    Conditioning c = white(new float[] {1}, 1 / 8f, 2 / 8f, 3 / 8f, 6 / 8f, .55f, .7f, 1.1f, 1);
    String objects = "........\n..####..\n..####..\n........\n" + "......##\n".repeat(4);
    assertEquals(objects, seen(c, PLAIN, 0));
    String swapped = objects.replace('.', '+').replace('#', '.').replace('+', '#');
    assertEquals(swapped, seen(c, PLAIN, 1));
  }

  @Test
  void edgesAreRoundedHalfToEven() {
    // Rows 2.5 to 3.5 become 2 to 4, columns 0.5 to 1.5 become 0 to 2.
    Conditioning c = white(new float[] {1}, 2.5f / 8, 0.5f / 8, 3.5f / 8, 1.5f / 8);
    String wanted = "........\n".repeat(2) + "##......\n".repeat(2) + "........\n".repeat(4);
    assertEquals(wanted, seen(c, PLAIN, 0));
  }

  @Test
  void emptyBoxesAreOutsideAndHideNothing() {
    Conditioning c = white(new float[] {1}, 0, 0, 0, 0, .5f, .5f, .5f, .9f, .25f, .25f, .75f, .75f);
    try (Scope _ = Scope.open()) {
      float[] boxes = ConditioningTensors.of(Device.cpu(), c, PLAIN).boxes().toFloats();
      float[] wanted = {2, 2, 3, 3, 2, 2, 3, 3, .25f, .25f, .75f, .75f};
      assertArrayEquals(wanted, boxes);
    }
  }

  @Test
  void droppedSamplesHaveNothing() {
    Conditioning c = white(new float[] {1, 0}, 0, 0, 1, 1, 0, 0, 1, 1);
    try (Scope _ = Scope.open()) {
      ConditioningTensors in = ConditioningTensors.of(Device.cpu(), c, PLAIN);
      assertArrayEquals(new float[] {0, 0, 1, 1, 2, 2, 3, 3}, in.boxes().toFloats());
      assertArrayEquals(new float[] {0, 0, 1, 1, 2, 2, 3, 3}, in.wholes().toFloats());
      assertArrayEquals(twelveAndTwelveZeros(3), in.features().toFloats());
      assertArrayEquals(twelveAndTwelveZeros(4), in.backgroundPoses().toFloats());
    }
  }

  private static float[] twelveAndTwelveZeros(float value) {
    float[] values = new float[24];
    Arrays.fill(values, 0, 12, value);
    return values;
  }

  @Test
  void grayIsFilledInBeforeNormalizing() {
    // White and gray are 1 and 0.5 of [0, 1].
    Conditioning c = white(new float[] {1}, 0, 0, 1, .5f);
    try (Scope _ = Scope.open()) {
      float[] pixels =
          ConditioningTensors.of(Device.cpu(), c, tokens(0.4, 0.2)).pixels().toFloats();
      assertEquals((1 - 0.4) / 0.2, pixels[0], 1e-6);
      assertEquals((0.5 - 0.4) / 0.2, pixels[S * 3 - 1], 1e-6);
    }
  }

  /** Images of their own colors, boxes and poses, of which the second is dropped. */
  @Test
  void imagesOfABatchAreThoseOfEachAlone() {
    int batch = 3;
    int slots = 2;
    float[] source = new float[batch * S * S * 3];
    float[] poses = new float[batch * slots * PoseVector.LENGTH];
    float[] background = new float[batch * PoseVector.LENGTH];
    for (float[] values : List.of(source, poses, background)) {
      for (int i = 0; i < values.length; i++) {
        values[i] = 1 + i / (float) values.length;
      }
    }
    float[] boxes = new float[batch * slots * 4];
    for (int i = 0; i < batch * slots; i++) {
      System.arraycopy(new float[] {i / 8f, .25f, (i + 1) / 8f, .75f}, 0, boxes, 4 * i, 4);
    }
    float[] keep = {1, 0, 1};
    Conditioning whole = new Conditioning(S, slots, source, boxes, poses, background, keep);
    AssetTokens config = tokens(0.4, 0.2);
    try (Scope _ = Scope.open()) {
      ConditioningTensors all = ConditioningTensors.of(Device.cpu(), whole, config);
      float[] pixels = all.pixels().toFloats();
      for (int i = 0; i < batch; i++) {
        Conditioning own = whole.slice(i, 1);
        assertArrayEquals(new float[] {keep[i]}, own.keep());
        ConditioningTensors alone = ConditioningTensors.of(Device.cpu(), own, config);
        float[] front = Arrays.copyOfRange(pixels, i * S * S * 3, (i + 1) * S * S * 3);
        float[] back =
            Arrays.copyOfRange(pixels, (batch + i) * S * S * 3, (batch + i + 1) * S * S * 3);
        assertArrayEquals(front, alone.pixels().rows(0, 1).toFloats());
        assertArrayEquals(back, alone.pixels().rows(1, 2).toFloats());
        assertArrayEquals(alone.boxes().toFloats(), all.boxes().rows(i, i + 1).toFloats());
        assertArrayEquals(alone.wholes().toFloats(), all.wholes().rows(i, i + 1).toFloats());
        assertArrayEquals(alone.features().toFloats(), all.features().rows(i, i + 1).toFloats());
        assertArrayEquals(
            alone.backgroundPoses().toFloats(), all.backgroundPoses().rows(i, i + 1).toFloats());
      }
      // In the third image the boxes' rows are 4 and 5, their columns 2 to 5.
      int inside = ((2 * S + 4) * S + 2) * 3;
      assertEquals((0.5 * source[inside] + 0.5 - 0.4) / 0.2, pixels[inside], 1e-5);
      assertEquals((0.5 - 0.4) / 0.2, pixels[batch * S * S * 3 + inside], 1e-5);
      assertEquals((0.5 - 0.4) / 0.2, pixels[inside - 3], 1e-5);
    }
  }

  @Test
  void lengthsMustAgree() {
    float[] image = new float[S * S * 3];
    float[] box = new float[4];
    float[] pose = new float[12];
    assertLength("source has 191 values, [1, 8, 8, 3] has 192", new float[191], box, pose, pose);
    assertLength("boxes has 8 values, [1, 1, 4] has 4", image, new float[8], pose, pose);
    assertLength("poses has 11 values, [1, 1, 12] has 12", image, box, new float[11], pose);
    assertLength("backgroundPoses has 13 values, [1, 12] has 12", image, box, pose, new float[13]);
  }

  private static void assertLength(
      String told, float[] source, float[] boxes, float[] poses, float[] background) {
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> Conditioning.of(S, 1, source, boxes, poses, background));
    assertEquals("conditioning: " + told, e.getMessage());
  }
}
