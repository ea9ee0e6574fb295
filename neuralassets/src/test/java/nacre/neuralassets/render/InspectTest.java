package nacre.neuralassets.render;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.util.List;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Projection;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.Vec3;
import org.junit.jupiter.api.Test;

class InspectTest {
  private static final Scene SCENE =
      SceneRenderer.render(
          new SceneGenerator(SceneConfig.demo().withObjects(1, 1), 2).describe(0), 32, 32, 1);

  /** Half way along each axis from corner 0, the axis' own color must prevail. */
  @Test
  void axesAreDrawnWhereTheyAreInTheirColors() {
    BufferedImage image = Inspect.frame(SCENE, 3, 12);
    Box3 box = SCENE.frames().get(3).views().getFirst().box3();
    int[] ends = {4, 2, 1};
    for (int axis = 0; axis < 3; axis++) {
      Vec3 middle = box.corner(0).plus(box.corner(ends[axis])).times(0.5);
      Projection p = SCENE.frames().get(3).camera().project(middle);
      int rgb = image.getRGB((int) (p.u() * image.getWidth()), (int) (p.v() * image.getHeight()));
      int[] channels = {rgb >> 16 & 0xFF, rgb >> 8 & 0xFF, rgb & 0xFF};
      for (int other = 0; other < 3; other++) {
        assertTrue(
            other == axis || channels[axis] > channels[other] + 40,
            "axis %d shows #%06x".formatted(axis, rgb & 0xFFFFFF));
      }
    }
  }

  @Test
  void sheetsHoldAllFrames() {
    BufferedImage sheet = Inspect.sheet(SCENE, List.of(0, 3, 6, 9, 11), 2, 64);
    assertEquals(2 * (64 + 4) + 4, sheet.getWidth());
    assertEquals(3 * (64 + 4 + 14) + 4, sheet.getHeight());
  }
}
