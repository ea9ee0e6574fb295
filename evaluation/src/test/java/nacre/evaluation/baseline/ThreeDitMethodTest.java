package nacre.evaluation.baseline;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import nacre.diffusion.text.ClipTokenizer;
import nacre.evaluation.EditCase;
import nacre.evaluation.threedit.ObjectEdit;
import nacre.evaluation.threedit.ThreeDit;
import nacre.evaluation.threedit.ThreeDitFolder;
import nacre.evaluation.threedit.ThreeDitSampler;
import nacre.neuralassets.edit.EditException;
import nacre.neuralassets.scene.Projection;
import nacre.neuralassets.scene.Vec3;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.weights.WeightsException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ThreeDitMethodTest {
  private final PaintedScene scene =
      PaintedScene.on(0.5, 0.5, 0.5)
          .plain("red-box", new Vec3(-1.5, 0, 0.8), 1.6, 1, 0, 0)
          .plain("other", new Vec3(1.5, 0, 0.8), 1.6, 0, 1, 0)
          .frame(PaintedScene.FRONT, true);

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  @Test
  void drawingsDependOnSeedNumberAndEdit() throws IOException {
    try (Scope _ = Scope.open()) {
      ThreeDit model =
          new ThreeDit(Parameters.create(Device.cpu(), DType.F32, 5), TinyThreeDit.config());
      ThreeDitMethod method =
          new ThreeDitMethod(new ThreeDitSampler(model, 3, 3, 1), ClipTokenizer.ofClip(Map.of()));
      EditCase one = scene.edit("translate red-box 0.5 0 0");
      EditCase two = scene.edit("rotate other 45; remove red-box");
      float[] both = method.draw(List.of(one, two), 4, 9, () -> {});
      int each = PaintedScene.SIZE * PaintedScene.SIZE * 3;
      assertEquals(2 * each, both.length);
      for (float value : both) {
        assertTrue(value >= 0 && value <= 1, "a color of " + value);
      }
      float[] second = method.draw(List.of(two), 5, 9, () -> {});
      assertArrayEquals(Arrays.copyOfRange(both, each, 2 * each), second);
      assertFalse(Arrays.equals(second, method.draw(List.of(two), 5, 10, () -> {})), "the seed");
      assertFalse(Arrays.equals(second, method.draw(List.of(two), 6, 9, () -> {})), "the number");
      EditCase first = scene.edit("rotate other 45");
      assertFalse(Arrays.equals(second, method.draw(List.of(first), 5, 9, () -> {})), "the edit");
    }
  }

  @Test
  void editsAreTranslated() {
    List<ObjectEdit> edits =
        ThreeDitMethod.edits(
            scene.edit("translate red-box 0.5 0.2 0; rotate other 90 0 0 -2; remove red-box"));
    assertEquals("move the red box", edits.get(0).sentence());
    Projection at = PaintedScene.FRONT.project(new Vec3(-1, 0.2, 0.8));
    assertEquals(at.u(), edits.get(0).numbers().get(1), 1e-6);
    assertEquals(at.v(), edits.get(0).numbers().get(2), 1e-6);
    assertEquals("rotate the other", edits.get(1).sentence());
    assertEquals(-1, edits.get(1).numbers().get(1), 1e-6); // the axis points down
    assertEquals("remove the red box", edits.get(2).sentence());
  }

  @Test
  void whatItCannotDoIsRefused() {
    for (String edit :
        List.of(
            "resize red-box 2", "replace red-box 1:x", "background 1", "rotate other 9 1 0 0")) {
      EditException refused =
          assertThrows(
              EditException.class, () -> ThreeDitMethod.edits(scene.edit(edit, _ -> null)), edit);
      assertTrue(refused.getMessage().contains("3DIT"), refused.getMessage());
    }
  }

  @Test
  void foldersAreLoadedWithoutLeaks(@TempDir Path folder) throws IOException {
    EditCase edit = scene.edit("remove red-box");
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.create(Device.cpu(), DType.F32, 5);
      new ThreeDit(p, TinyThreeDit.config());
      ThreeDitFolder.save(folder, p.all(), TinyThreeDit.config());
    }
    try (ThreeDitMethod loaded = ThreeDitMethod.load(folder, Device.cpu())) {
      assertEquals("3DIT", loaded.name());
      assertEquals(
          PaintedScene.SIZE * PaintedScene.SIZE * 3,
          loaded.draw(List.of(edit), 0, 1, () -> {}).length);
    }
    assertThrows(
        WeightsException.class,
        () -> ThreeDitMethod.load(folder.resolve("none.safetensors"), Device.cpu()));
  }
}
