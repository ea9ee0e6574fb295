package nacre.evaluation.baseline;

import static nacre.evaluation.baseline.PaintedScene.FRONT;
import static nacre.evaluation.baseline.PaintedScene.SIZE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import nacre.evaluation.EditCase;
import nacre.evaluation.Rgb;
import nacre.neuralassets.edit.EditException;
import nacre.neuralassets.scene.Vec3;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ChainedTest {
  private static final double[] RED = {1, 0, 0};
  private static final double[] GREEN = {0, 1, 0};
  private static final double[] BLUE = {0, 0, 1};
  private static final double[] CYAN = {0, 1, 1};
  private static final double[] YELLOW = {1, 1, 0};
  private static final double[] BLACK = {0, 0, 0};
  private static final Vec3 CUBE = new Vec3(2, 2, 2);

  private final Chained chained = new Chained();

  private static PaintedScene gray() {
    return PaintedScene.on(0.5, 0.5, 0.5);
  }

  /** Red in front, cyan on the left, green on the right, yellow behind, blue on top. */
  private static PaintedScene dice(PaintedScene scene, Vec3 place) {
    return scene.box("die", place, CUBE, CYAN, GREEN, RED, YELLOW, BLACK, BLUE);
  }

  private float[] draw(EditCase edit) throws IOException {
    return chained.draw(List.of(edit), 0, 1, () -> {});
  }

  /** Sum of the shares of a color in pixels, and the middle of them: amount, x, y in pixels. */
  private static double[] middle(float[] picture, double[] color) {
    double amount = 0;
    double x = 0;
    double y = 0;
    for (int i = 0; i < SIZE * SIZE; i++) {
      double away = 0;
      for (int c = 0; c < 3; c++) {
        away = Math.max(away, Math.abs(picture[3 * i + c] - color[c]));
      }
      double share = Math.max(0, 1 - 2 * away);
      amount += share;
      x += share * (i % SIZE + 0.5);
      y += share * (i / SIZE + 0.5);
    }
    return new double[] {amount, x / amount, y / amount};
  }

  private static void assertSameMiddle(float[] truth, float[] drawn, double[] color, double area) {
    double[] expected = middle(truth, color);
    double[] actual = middle(drawn, color);
    assertTrue(expected[0] > 20, "the truth shows little of the color: " + expected[0]);
    assertEquals(1, actual[0] / expected[0], area, "area");
    assertEquals(expected[1], actual[1], 0.5, "x of the middle");
    assertEquals(expected[2], actual[2], 0.5, "y of the middle");
  }

  private static double difference(float[] truth, float[] drawn) {
    double sum = 0;
    for (int k = 0; k < truth.length; k++) {
      sum += Math.abs(truth[k] - drawn[k]) / truth.length;
    }
    return sum;
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void pixelsOfAMovedBoxLandWhereTheyShould(boolean segmented) throws IOException {
    PaintedScene scene = dice(gray(), new Vec3(-1, 0, 1)).frame(FRONT, segmented);
    EditCase edit = scene.edit("translate die 1.7 1.3 0");
    float[] truth = Rgb.floats(edit.truth());
    float[] drawn = draw(edit);
    assertSameMiddle(truth, drawn, RED, 0.1);
    assertSameMiddle(truth, drawn, BLUE, 0.25); // a narrow face, of which edges are much
    double copied = difference(truth, new Copy().draw(List.of(edit), 0, 1, () -> {}));
    assertTrue(copied > 0.02, "the edit changes little: " + copied);
    assertTrue(difference(truth, drawn) < 0.1 * copied, difference(truth, drawn) + " " + copied);
  }

  @Test
  void aTurnedBoxShowsTheOtherFace() throws IOException {
    PaintedScene scene = dice(gray(), new Vec3(0, 0, 1)).frame(PaintedScene.camera(3, -8, 5), true);
    EditCase edit = scene.edit("rotate die -50"); // the right side comes to the front
    float[] truth = Rgb.floats(edit.truth());
    float[] drawn = draw(edit);
    float[] source = Rgb.floats(edit.view().clip().rgb(0));
    assertTrue(middle(truth, GREEN)[0] > 2 * middle(source, GREEN)[0], "green is turned to us");
    assertSameMiddle(truth, drawn, GREEN, 0.25);
    assertSameMiddle(truth, drawn, RED, 0.25);
  }

  /** What the source does not show is taken from the side that it does. */
  @Test
  void aFaceThatWasNotSeenLooksLikeTheOppositeOne() throws IOException {
    PaintedScene scene = dice(gray(), new Vec3(0, 0, 1)).frame(FRONT, true);
    EditCase edit = scene.edit("rotate die 180");
    float[] truth = Rgb.floats(edit.truth());
    float[] drawn = draw(edit);
    double[] behind = middle(truth, YELLOW);
    double[] front = middle(drawn, RED);
    assertEquals(1, front[0] / behind[0], 0.1);
    assertEquals(behind[1], front[1], 0.5);
    assertEquals(behind[2], front[2], 0.5);
  }

  @Test
  void aGrownBoxIsLarger() throws IOException {
    PaintedScene scene = dice(gray(), new Vec3(0, 0, 1)).frame(FRONT, true);
    EditCase edit = scene.edit("resize die 1.4");
    assertSameMiddle(Rgb.floats(edit.truth()), draw(edit), RED, 0.1);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void nothingIsLeftOfARemovedObject(boolean segmented) throws IOException {
    PaintedScene scene = dice(gray(), new Vec3(0.3, 0.2, 1)).frame(FRONT, segmented);
    float[] drawn = draw(scene.edit("remove die"));
    for (float value : drawn) {
      assertEquals(0.5, value, 1 / 255.0);
    }
  }

  @Test
  void theNearerBoxHidesTheOther() throws IOException {
    PaintedScene scene =
        gray()
            .plain("near", new Vec3(0, -2, 0.7), 1.4, RED)
            .plain("far", new Vec3(2.5, 1.5, 0.7), 1.4, GREEN)
            .frame(FRONT, true);
    for (String edit :
        List.of(
            "translate far -2.2 0.3 0", // behind one that stays
            "translate far -2.2 -5 0", // before one that stays
            "translate near 1.6 4.6 0", // itself behind one that stays
            "translate near 0.5 3 0; translate far -1.6 -3 0")) { // both
      EditCase moved = scene.edit(edit);
      float[] truth = Rgb.floats(moved.truth());
      float[] drawn = draw(moved);
      assertSameMiddle(truth, drawn, RED, 0.1);
      assertSameMiddle(truth, drawn, GREEN, 0.1);
    }
  }

  @Test
  void pixelsThatNothingTouchesStay() throws IOException {
    PaintedScene scene =
        gray()
            .plain("left", new Vec3(-2.5, 0, 0.7), 1.4, RED)
            .plain("right", new Vec3(2.5, 0, 0.7), 1.4, GREEN)
            .frame(FRONT, true);
    EditCase edit = scene.edit("translate left 0 1 0");
    byte[] source = edit.view().clip().rgb(0);
    float[] drawn = draw(edit);
    for (int i = 0; i < SIZE * SIZE; i++) {
      for (int c = 0; i % SIZE >= SIZE / 2 && c < 3; c++) {
        assertEquals((source[3 * i + c] & 0xFF) / 255f, drawn[3 * i + c], 1e-6f);
      }
    }
  }

  @Test
  void anotherScenesObjectTakesTheBox() throws IOException {
    PaintedScene donors =
        PaintedScene.on(0.2, 0.2, 0.2)
            .plain("lamp", new Vec3(1.5, 1, 1), 2, YELLOW)
            .frame(FRONT, true);
    PaintedScene scene =
        gray()
            .plain("box", new Vec3(-1.5, 0, 0.8), 1.6, RED)
            .plain("other", new Vec3(1.5, 0, 0.8), 1.6, GREEN)
            .frame(FRONT, true);
    EditCase edit = scene.edit("replace box 7:lamp", _ -> donors.view(0, 0));
    float[] drawn = draw(edit);
    double[] red = middle(Rgb.floats(edit.truth()), RED);
    double[] yellow = middle(drawn, YELLOW);
    assertEquals(0, middle(drawn, RED)[0], 1e-6);
    assertEquals(1, yellow[0] / red[0], 0.1);
    assertEquals(red[1], yellow[1], 0.5);
    assertEquals(red[2], yellow[2], 0.5);
    EditCase wrong = scene.edit("replace box 7:lmap", _ -> donors.view(0, 0));
    EditException refused = assertThrows(EditException.class, () -> draw(wrong));
    assertTrue(refused.getMessage().contains("lamp"), refused.getMessage());
  }

  @Test
  void anotherScenesBackgroundLiesBehindTheObjects() throws IOException {
    PaintedScene other =
        PaintedScene.on(0.1, 0.6, 0.9)
            .plain("lamp", new Vec3(1.5, 1, 1), 2, YELLOW)
            .frame(FRONT, true);
    PaintedScene scene =
        gray()
            .plain("box", new Vec3(-1.5, 0, 0.8), 1.6, RED)
            .plain("other", new Vec3(1.5, 0, 0.8), 1.6, GREEN)
            .frame(FRONT, true);
    float[] drawn =
        draw(scene.edit("background 7; translate other -0.5 0 0", _ -> other.view(0, 0)));
    float[] truth = Rgb.floats(scene.edit("translate other -0.5 0 0").truth());
    assertSameMiddle(truth, drawn, RED, 0.2);
    assertSameMiddle(truth, drawn, GREEN, 0.2);
    assertEquals(0, middle(drawn, YELLOW)[0], 1e-6);
    assertEquals(0.6, drawn[1], 1 / 255.0);
    assertEquals(0.9, drawn[3 * (SIZE * SIZE - 1) + 2], 1 / 255.0);
  }

  /** The ground and the objects on it move as the camera does. */
  @Test
  void anotherCameraSeesTheGroundElsewhere() throws IOException {
    PaintedScene scene =
        new PaintedScene(
                (x, y) ->
                    new double[] {0.5 + 0.4 * Math.sin(1.5 * x), 0.5 + 0.3 * Math.tanh(y / 5), 0.5})
            .plain("box", new Vec3(-1, 0, 0.8), 1.6, 1, 1, 1)
            .frame(FRONT, true)
            .frame(PaintedScene.camera(2.5, -8.5, 5.2), true);
    EditCase pair =
        new EditCase(
            "pair",
            "pair",
            scene.view(0, 1),
            List.of(),
            _ -> null,
            scene.view(0, 1).clip().rgb(1),
            new float[] {0, 0, 1, 1});
    float[] truth = Rgb.floats(pair.truth());
    float[] drawn = draw(pair);
    double copied = difference(truth, new Copy().draw(List.of(pair), 0, 1, () -> {}));
    double chainedDifference = difference(truth, drawn);
    assertTrue(chainedDifference < 0.15 * copied, chainedDifference + " against " + copied);
    assertSameMiddle(truth, drawn, new double[] {1, 1, 1}, 0.2);
  }

  @Test
  void picturesDoNotDependOnTheOthers() throws IOException {
    PaintedScene scene = dice(gray(), new Vec3(-1, 0, 1)).frame(FRONT, true);
    EditCase one = scene.edit("translate die 1 0 0");
    EditCase two = scene.edit("rotate die 30");
    float[] both = chained.draw(List.of(one, two), 4, 9, () -> {});
    float[] second = chained.draw(List.of(two), 5, 9, () -> {});
    float[] part = new float[second.length];
    System.arraycopy(both, second.length, part, 0, part.length);
    assertArrayEquals(second, part);
  }
}
