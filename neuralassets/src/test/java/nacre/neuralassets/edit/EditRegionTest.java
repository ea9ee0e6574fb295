package nacre.neuralassets.edit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.scene.Box2;
import nacre.neuralassets.scene.SceneFrame;
import nacre.neuralassets.scene.Vec3;
import org.junit.jupiter.api.Test;

/** Where edits change a picture: the objects' old and new places, with a margin. */
class EditRegionTest {
  private static final int SIZE = 64;
  private static final double MARGIN = 0.2;

  private final DataConfig data = DataConfig.of(Preset.builtin("tiny").data().orElseThrow());
  private final SceneView view = view();
  private final SceneFrame frame = view.scene().frames().get(view.source());
  private final String object = ShowEdits.clearest(view).orElseThrow();
  private final int index = view.scene().indexOf(object);

  private SceneView view() {
    SceneView any = SceneView.of("0", HeldOut.scene(data, 0, SIZE), SIZE, data.slots());
    return any.withFrames(4, 4);
  }

  private float[] share(double margin, Edit... edits) {
    return EditRegion.of(view, List.of(edits), margin).share();
  }

  /** 1 in the pixels that boxes touch. */
  private static float[] boxes(List<Box2> boxes, double margin) {
    float[] mask = new float[SIZE * SIZE];
    for (Box2 box : boxes) {
      double around = margin * Math.max(box.y1() - box.y0(), box.x1() - box.x0()) * SIZE;
      for (int i = 0; i < mask.length; i++) {
        int y = i / SIZE;
        int x = i % SIZE;
        boolean in =
            y + 1 > box.y0() * SIZE - around
                && y < box.y1() * SIZE + around
                && x + 1 > box.x0() * SIZE - around
                && x < box.x1() * SIZE + around;
        mask[i] = in ? 1 : mask[i];
      }
    }
    return mask;
  }

  private List<Box2> old() {
    return List.of(
        frame.views().get(index).box2(), frame.views().get(index).box3().extent(frame.camera()));
  }

  private static int count(float[] share) {
    int count = 0;
    for (float of : share) {
      count += of > 0 ? 1 : 0;
    }
    return count;
  }

  @Test
  void aRemovedObjectIsDrawnWhereItWas() {
    float[] region = share(0, new Edit.Remove(object));
    assertArrayEquals(boxes(old(), 0), region);
    assertTrue(count(region) > 20 && count(region) < SIZE * SIZE / 2, "" + count(region));
  }

  @Test
  void aMovedObjectIsDrawnWhereItWasAndWhereItIs() {
    Vec3 by = new Vec3(0.7, -0.4, 0);
    List<Box2> boxes = new ArrayList<>(old());
    boxes.add(frame.views().get(index).box3().translated(by).extent(frame.camera()));
    float[] region = share(0, new Edit.Translate(object, by));
    assertArrayEquals(boxes(boxes, 0), region);
    assertTrue(count(region) > count(share(0, new Edit.Remove(object))));
  }

  @Test
  void severalEditsAreDrawnTogether() {
    String other =
        view.scene().names().stream().filter(name -> !name.equals(object)).findFirst().get();
    Edit one = new Edit.Rotate(object, 30, null);
    Edit two = new Edit.Remove(other);
    float[] both = share(MARGIN, one, two);
    float[] first = share(MARGIN, one);
    float[] second = share(MARGIN, two);
    for (int i = 0; i < both.length; i++) {
      assertEquals(Math.max(first[i], second[i]), both[i]);
    }
  }

  /** From the edge inwards more and more of a pixel is drawn; an object's own box is all drawn. */
  @Test
  void theMarginIsBlended() {
    float[] region = share(MARGIN, new Edit.Remove(object));
    float[] inner = boxes(old(), 0);
    float[] outer = boxes(old(), MARGIN);
    boolean partly = false;
    for (int i = 0; i < region.length; i++) {
      assertEquals(outer[i] > 0, region[i] > 0);
      assertTrue(region[i] >= inner[i] && region[i] <= 1);
      partly |= region[i] > 0 && region[i] < 1;
    }
    assertTrue(partly);
  }

  @Test
  void anotherBackgroundIsDrawnEverywhereAndNoEditNowhere() {
    assertEquals(SIZE * SIZE, count(share(MARGIN, new Edit.Background("1"))));
    assertEquals(0, count(share(MARGIN)));
    assertThrows(EditException.class, () -> share(MARGIN, new Edit.Remove("nothing")));
  }

  /** A sample that stands for 8 × 8 pixels is drawn if one of them is. */
  @Test
  void samplesAreDrawnWhereAnyPixelIs() {
    EditRegion region = EditRegion.of(view, List.of(new Edit.Remove(object)), 0);
    float[] mask = region.mask(8);
    for (int cell = 0; cell < 64; cell++) {
      float most = 0;
      for (int i = 0; i < 64; i++) {
        int y = cell / 8 * 8 + i / 8;
        int x = cell % 8 * 8 + i % 8;
        most = Math.max(most, region.share()[y * SIZE + x]);
      }
      assertEquals(most > 0 ? 1 : 0, mask[cell]);
    }
  }

  @Test
  void whatIsKeptIsKeptToTheBit() {
    byte[] kept = {0, 127, -1, 10, 20, 30, -1, -1, 0, 1, 2, 3};
    byte[] drawn = {9, 9, 9, 60, 20, -56, 0, 1, 2, 8, 8, 8};
    float[] share = {0, 0.5f, 1, 0.001f};
    byte[] wanted = {0, 127, -1, 35, 20, 115, 0, 1, 2, 1, 2, 3};
    assertArrayEquals(wanted, new EditRegion(2, share).paste(kept, drawn));
  }
}
