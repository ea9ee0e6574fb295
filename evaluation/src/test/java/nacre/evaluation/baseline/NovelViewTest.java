package nacre.evaluation.baseline;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import nacre.evaluation.EditCase;
import nacre.evaluation.threedit.ThreeDit;
import nacre.evaluation.threedit.ThreeDitSampler;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.Quaternion;
import nacre.neuralassets.scene.RigidPose;
import nacre.neuralassets.scene.Vec3;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class NovelViewTest {
  private static final int SIZE = PaintedScene.SIZE;
  private static final Box3 BOX =
      Box3.of(new RigidPose(Quaternion.IDENTITY, Vec3.ZERO), new Vec3(1, 0.7, 0.5));

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  private static NovelView.Turn turn(Box3 box, Camera camera) {
    return NovelView.Turn.between(
        new NovelView.Seen(BOX, PaintedScene.camera(0, -8, 6), Vec3.UNIT_Z),
        new NovelView.Seen(box, camera, Vec3.UNIT_Z));
  }

  /** A camera that goes to the right about a still object sees what it sees of a turned one. */
  @Test
  void turnsAreThoseOfTheCameraAboutTheObject() {
    double turned = Math.toRadians(40);
    Camera camera = PaintedScene.camera(0, -8, 6);
    Box3 clockwise = BOX.rotated(Quaternion.about(Vec3.UNIT_Z, -turned));
    Camera right = PaintedScene.camera(8 * Math.sin(turned), -8 * Math.cos(turned), 6);
    for (NovelView.Turn turn : List.of(turn(clockwise, camera), turn(BOX, right))) {
      assertEquals(turned, turn.azimuth(), 1e-9);
      assertEquals(0, turn.polar(), 1e-9);
      float[] numbers = {0, (float) Math.sin(turned), (float) Math.cos(turned), 0};
      assertArrayEquals(numbers, turn.numbers(), 1e-6f);
    }
    NovelView.Turn higher = turn(BOX, PaintedScene.camera(0, -6, 8));
    assertEquals(Math.atan2(6, 8) - Math.atan2(8, 6), higher.polar(), 1e-9);
    assertEquals(0, higher.azimuth(), 1e-9);
    assertEquals(0, turn(BOX.translated(Vec3.ZERO), camera).degrees(), 1e-9);
  }

  /** The object lies in the middle of white and fills 200 of 256 pixels along its longer side. */
  @Test
  void theModelSeesTheObjectOnWhite() {
    float[] picture = new float[SIZE * SIZE * 3];
    float[] share = new float[SIZE * SIZE];
    for (int i = 0; i < share.length; i++) {
      boolean object = i % SIZE >= 10 && i % SIZE < 30 && i / SIZE >= 40 && i / SIZE < 50;
      share[i] = object ? 1 : 0;
      picture[3 * i + 1] = object ? 0 : 1;
    }
    NovelView.Frame shown = NovelView.Frame.around(share, SIZE);
    float[] white = NovelView.onWhite(picture, share, SIZE, shown, 256);
    float[] black = new float[256 * 256];
    for (int i = 0; i < black.length; i++) {
      black[i] = 1 - white[3 * i + 1];
      assertEquals(white[3 * i], white[3 * i + 1], 1e-6, "only white and black");
    }
    NovelView.Frame object = NovelView.Frame.around(black, 256);
    assertEquals(28 / 256.0, object.u0(), 2 / 256.0);
    assertEquals(228 / 256.0, object.u1(), 2 / 256.0);
    assertEquals(78 / 256.0, object.v0(), 2 / 256.0);
    assertEquals(178 / 256.0, object.v1(), 2 / 256.0);
    assertEquals(1, white[0], 1e-6);
  }

  @Test
  void whatIsDrawnTakesThePlaceOfTheNewBox() throws IOException {
    PaintedScene scene =
        PaintedScene.on(0.5, 0.5, 0.5)
            .plain("box", new Vec3(-1.5, 0, 0.8), 1.6, 1, 0, 0)
            .frame(PaintedScene.FRONT, true);
    EditCase turned = scene.edit("translate box 2 0 0; rotate box 50");
    EditCase moved = scene.edit("translate box 0.3 0 0");
    try (Scope _ = Scope.open()) {
      ThreeDit model =
          new ThreeDit(Parameters.create(Device.cpu(), DType.F32, 5), TinyThreeDit.zero123());
      NovelView views = new NovelView(new ThreeDitSampler(model, 3, 3, 1));
      Chained chained = new Chained(new HarmonicFill(), views);
      assertEquals("Chained (harmonic, Zero-1-to-3)", chained.name());
      float[] drawn = chained.draw(List.of(turned), 0, 1, () -> {});
      assertArrayEquals(drawn, chained.draw(List.of(turned), 0, 1, () -> {}));
      assertFalse(Arrays.equals(drawn, chained.draw(List.of(turned), 0, 2, () -> {})), "seed");
      Box3 place = turned.edited().slots().getFirst().box();
      NovelView.Frame frame = NovelView.Frame.of(place, PaintedScene.FRONT);
      int inside = 0;
      for (int i = 0; i < SIZE * SIZE; i++) {
        double u = (i % SIZE + 0.5) / SIZE;
        double v = (i / SIZE + 0.5) / SIZE;
        double pixel = 1.0 / SIZE;
        boolean outside =
            u < frame.u0() - pixel
                || u > frame.u1() + pixel
                || v < frame.v0() - pixel
                || v > frame.v1() + pixel;
        boolean changed = false;
        for (int c = 0; c < 3; c++) {
          changed |= Math.abs(drawn[3 * i + c] - 0.5) > 2 / 255.0;
        }
        assertFalse(outside && changed, "pixel " + i);
        inside += changed ? 1 : 0;
      }
      assertTrue(inside > 100, inside + " pixels are pasted");
      // What is seen from nearly the same side needs no model.
      assertArrayEquals(
          new Chained().draw(List.of(moved), 0, 1, () -> {}),
          chained.draw(List.of(moved), 0, 1, () -> {}));
    }
  }

  @Test
  void modelsWithTextAreRefused() throws IOException {
    try (Scope _ = Scope.open()) {
      ThreeDit model =
          new ThreeDit(Parameters.create(Device.cpu(), DType.F32, 5), TinyThreeDit.config());
      ThreeDitSampler sampler = new ThreeDitSampler(model, 3, 3, 1);
      assertThrows(IllegalArgumentException.class, () -> new NovelView(sampler));
    }
  }
}
