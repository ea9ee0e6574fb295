package nacre.evaluation.baseline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import nacre.diffusion.text.ClipTokenizer;
import nacre.evaluation.threedit.ThreeDitPairs;
import nacre.evaluation.threedit.ThreeDitTrainer;
import nacre.neuralassets.data.Clip;
import nacre.neuralassets.edit.SceneView;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.Quaternion;
import nacre.neuralassets.scene.RigidPose;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;
import nacre.neuralassets.scene.Vec3;
import nacre.nn.AdamW;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** 3DIT on pairs as OBJect has them: clips of two frames, before and after an edit. */
class PairTrainingTest {
  private static final int SIZE = 16;
  private static final Box3 BOX =
      Box3.of(new RigidPose(Quaternion.IDENTITY, new Vec3(0, 0, 0.5)), new Vec3(0.5, 0.5, 0.5));

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  private static SceneView pair(Box3 after) {
    Scene scene =
        new Scene(
            SIZE,
            SIZE,
            Vec3.UNIT_Z,
            List.of(new Scene.Entity("edited", true)),
            List.of(frame(BOX, 40), frame(after, 90)));
    return new SceneView("pair", scene, Clip.of("pair", scene, SIZE, 4), 0, 1);
  }

  private static SceneFrame frame(Box3 box, int gray) {
    byte[] rgb = new byte[SIZE * SIZE * 3];
    Arrays.fill(rgb, (byte) gray);
    ObjectView view =
        box == null ? ObjectView.ABSENT : new ObjectView(box, box.extent(PaintedScene.FRONT), -1);
    return SceneFrame.of(PaintedScene.FRONT, List.of(view), rgb, null);
  }

  @Test
  void pairsOfEachTaskAreLearned() throws IOException {
    ClipTokenizer tokenizer = ClipTokenizer.ofClip(Map.of());
    Box3 turned = BOX.rotated(Quaternion.about(Vec3.UNIT_Z, Math.toRadians(30)));
    ThreeDitPairs pairs =
        ThreeDitPairs.of(
            List.of(pair(turned), pair(BOX.translated(new Vec3(1, 0, 0))), pair(null)),
            List.of("rotate the lamp", "move the lamp", "remove the lamp"),
            tokenizer);
    assertEquals(3, pairs.count());
    assertEquals(40 / 255f, pairs.sources()[0]);
    assertEquals(90 / 255f, pairs.targets()[0]);
    float[] numbers = pairs.numbers();
    assertEquals(0.5, numbers[1], 1e-6); // sin 30°
    double u = PaintedScene.FRONT.project(new Vec3(1, 0, 0.5)).u();
    assertEquals(u, numbers[5], 1e-6);
    assertEquals(0, numbers[9]);
    assertEquals(3 * 77, pairs.ids().length);
    assertEquals(tokenizer.encode("move the lamp").ids()[1], pairs.ids()[78]);
    var settings = new ThreeDitTrainer.Settings(3, 1e-3, 10, 0, 0.05, 0, AdamW.Config.defaults());
    try (ThreeDitTrainer trainer =
        new ThreeDitTrainer(TinyThreeDit.config(), settings, Device.cpu(), 1)) {
      double loss = trainer.step(pairs);
      assertTrue(loss > 0.5 && loss < 3, "a loss of " + loss);
    }
  }

  @Test
  void pairsWithoutAnEditAreRefused() throws IOException {
    ClipTokenizer tokenizer = ClipTokenizer.ofClip(Map.of());
    assertThrows(
        IllegalArgumentException.class,
        () -> ThreeDitPairs.of(List.of(pair(BOX)), List.of("move the lamp"), tokenizer));
  }
}
