package nacre.neuralassets.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.render.SceneConfig;
import nacre.neuralassets.render.SceneGenerator;
import nacre.neuralassets.render.SceneRenderer;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneWriter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClipTest {
  private static Scene scene(int objects, int width, int height) {
    SceneConfig config = SceneConfig.demo().withObjects(objects, objects);
    return SceneRenderer.render(new SceneGenerator(config, 4).describe(0), width, height, 1);
  }

  @Test
  void areaResizingIsTheMeanOfWhatAPixelCovers() {
    byte[] rgb = new byte[4 * 2 * 3];
    for (int i = 0; i < 8; i++) {
      rgb[3 * i] = (byte) (10 * i);
    }
    // Rows 0 … 30 and 40 … 70: pairs of columns, then each row by itself.
    byte[] small = Resize.area(rgb, 4, 2, 2);
    assertArrayEquals(new byte[] {5, 0, 0, 25, 0, 0, 45, 0, 0, 65, 0, 0}, small);
    // 3 to 2 columns: 0, 10, 20 become (0 + 10/2) / 1.5 and (10/2 + 20) / 1.5.
    byte[] line = {0, 0, 0, 10, 0, 0, 20, 0, 0};
    byte[] two = Resize.area(line, 3, 1, 2);
    assertEquals(3, two[0]);
    assertEquals(17, two[3]);
    // Enlarged, pixels are repeated.
    assertEquals(10, Resize.area(line, 3, 1, 6)[3 * 2]);
    assertEquals(10, Resize.area(line, 3, 1, 6)[3 * 3]);
  }

  @Test
  void theLargestObjectsTakeTheSlots() {
    Scene scene = scene(4, 32, 32);
    List<Integer> two = Clip.largest(scene, 2);
    double least = two.stream().mapToDouble(i -> area(scene, i)).min().orElseThrow();
    for (int i = 0; i < 4; i++) {
      assertTrue(two.contains(i) || area(scene, i) <= least);
    }
    assertEquals(List.of(0, 1, 2, 3), Clip.largest(scene, 9));
    assertEquals(2, Clip.of("x", scene, 16, 2).objects());
  }

  private static double area(Scene scene, int object) {
    return scene.frames().stream()
        .map(f -> f.views().get(object).box2())
        .mapToDouble(b -> (b.y1() - b.y0()) * (b.x1() - b.x0()))
        .sum();
  }

  @Test
  void aWideSceneIsSqueezedWithBoxesAndPosesUnchanged() {
    Scene wide = scene(2, 48, 32);
    Clip clip = Clip.of("wide", wide, 16, 4);
    assertEquals(16 * 16 * 3, clip.rgb(0).length);
    var view = wide.frames().get(3).views().get(0);
    assertEquals((float) view.box2().x1(), clip.boxes(3)[3]);
    float u = (float) wide.frames().get(3).camera().project(view.box3().corner(0)).u();
    assertEquals(u, clip.poses(3)[0]);
  }

  @Test
  void framesThatAreEqualDoNotChange() {
    SceneConfig c = SceneConfig.demo();
    SceneConfig still =
        new SceneConfig(
            3,
            2,
            2,
            c.objectRadius(),
            c.spread(),
            0,
            c.travel(),
            c.turn(),
            1,
            c.cameraSweep(),
            c.cameraDistance(),
            c.cameraElevation(),
            c.cameraClimb(),
            c.patternContrast());
    Scene scene = SceneRenderer.render(new SceneGenerator(still, 1).describe(0), 8, 8, 1);
    assertFalse(Clip.of("still", scene, 8, 2).changes(0, 2));
    assertTrue(Clip.of("moving", scene(2, 8, 8), 8, 2).changes(0, 2));
  }

  @Test
  void foldersOfScenesAreClipsInOrder(@TempDir Path root) throws IOException {
    SceneWriter.write(scene(2, 16, 16), root.resolve("b"));
    SceneWriter.write(scene(3, 16, 16), root.resolve("a"));
    DataConfig config = DataConfig.of(Preset.builtin("demo").data().orElseThrow());
    ClipPool clips = new ClipPool(StoredClips.find(root), config, 16);
    assertEquals(2, clips.available(0));
    assertEquals(3, clips.clip(0).objects());
    assertEquals(2, clips.clip(1).objects());
    Scene one = scene(2, 16, 16);
    Scene single = new Scene(16, 16, one.up(), one.entities(), List.of(one.frames().getFirst()));
    SceneWriter.write(single, root.resolve("c"));
    IOException e =
        assertThrows(IOException.class, () -> new ClipPool(StoredClips.find(root), config, 16));
    assertTrue(e.getMessage().contains("single frame"), e::getMessage);
  }

  @Test
  void heldOutScenesAreNoneOfAnyRunsScenes() {
    DataConfig config = DataConfig.of(Preset.builtin("tiny").data().orElseThrow());
    for (long seed : new long[] {0, 1, -1, 77}) {
      assertEquals(0, HeldOut.trainingScenes(seed) % 2);
    }
    PairBatch some = HeldOut.pairs(config, 3, 16);
    PairBatch more = HeldOut.pairs(config, 5, 16);
    assertArrayEquals(
        some.conditioning().source(),
        java.util.Arrays.copyOf(more.conditioning().source(), some.conditioning().source().length));
    assertArrayEquals(
        some.conditioning().poses(),
        java.util.Arrays.copyOf(more.conditioning().poses(), some.conditioning().poses().length));
  }

  @Test
  void ofBytesClipsAreTheSame() {
    Clip one = Clip.of("one", scene(3, 24, 16), 16, 2);
    Clip two = Clip.of("two \u00fc", scene(2, 16, 16), 8, 9);
    List<Clip> read = ClipBytes.read(ClipBytes.of(List.of(one, two)));
    assertEquals(2, read.size());
    for (int i = 0; i < 2; i++) {
      Clip expected = i == 0 ? one : two;
      Clip found = read.get(i);
      assertEquals(expected.name(), found.name());
      assertEquals(expected.size(), found.size());
      assertEquals(expected.sceneIndices(), found.sceneIndices());
      assertEquals(expected.frames(), found.frames());
      assertEquals(expected.bytes(), found.bytes());
      for (int t = 0; t < found.frames(); t++) {
        assertEquals(expected.camera(t), found.camera(t));
        assertArrayEquals(expected.rgb(t), found.rgb(t));
        assertArrayEquals(expected.boxes(t), found.boxes(t));
        assertArrayEquals(expected.poses(t), found.poses(t));
      }
    }
  }
}
