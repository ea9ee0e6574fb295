package nacre.neuralassets.edit;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import nacre.neuralassets.scene.Box2;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;

/**
 * The part of a picture that edits change: where the edited objects are seen in the source frame,
 * and where they are seen after the edits, with a margin around. An edit of the background changes
 * all of it.
 *
 * @param size S, side of the picture in pixels
 * @param share {@code [S, S]}: 0 for a pixel that is kept, 1 for one that is drawn; in between
 *     along the inner edge, so that no seam shows
 */
public record EditRegion(int size, float[] share) {
  /** The part of the margin in which what is drawn is blended with what is kept. */
  private static final double BLENDED = 0.5;

  /**
   * The region of edits.
   *
   * @param margin around each object, as a share of the longer side of its 2D box
   * @throws EditException if an edit cannot be carried out
   */
  public static EditRegion of(SceneView view, List<Edit> edits, double margin) {
    Scene scene = ChangedView.withDuplicates(view.scene(), edits);
    int size = view.clip().size();
    EditRegion region = new EditRegion(size, new float[size * size]);
    SceneFrame before = scene.frames().get(view.source());
    EditedScene after = EditedScene.apply(view.scene(), view.target(), edits);
    for (Edit edit : edits) {
      Optional<String> object = edit.edited();
      if (object.isEmpty()) {
        region.add(Box2.FULL, 0);
        continue;
      }
      int index = scene.indexOf(object.get());
      List<Box2> boxes = new ArrayList<>();
      boxes.add(before.views().get(index).box2());
      Box3 old = before.views().get(index).box3();
      if (old != null && old.minDepth(before.camera()) > 0) {
        boxes.add(old.extent(before.camera()));
      }
      EditedScene.Slot slot = after.slots().get(index);
      if (slot.isPresent()) {
        boxes.add(slot.box().extent(after.camera()));
      }
      boxes.forEach(box -> region.add(box, margin));
    }
    return region;
  }

  private void add(Box2 box, double margin) {
    if (box.isEmpty()) {
      return;
    }
    double around = margin * Math.max(box.y1() - box.y0(), box.x1() - box.x0()) * size;
    double ramp = BLENDED * around;
    int top = (int) Math.max(0, Math.floor(box.y0() * size - around));
    int left = (int) Math.max(0, Math.floor(box.x0() * size - around));
    int bottom = (int) Math.min(size, Math.ceil(box.y1() * size + around));
    int right = (int) Math.min(size, Math.ceil(box.x1() * size + around));
    for (int y = top; y < bottom; y++) {
      double vertical = inside(y, top, bottom);
      for (int x = left; x < right; x++) {
        double depth = Math.min(vertical, inside(x, left, right));
        float drawn = depth >= ramp ? 1 : (float) (depth / ramp);
        share[y * size + x] = Math.max(share[y * size + x], drawn);
      }
    }
  }

  /** The distance of a pixel's center from the edges of a span; the picture's own do not count. */
  private double inside(int at, int from, int to) {
    double before = from == 0 ? Double.POSITIVE_INFINITY : at + 0.5 - from;
    double after = to == size ? Double.POSITIVE_INFINITY : to - at - 0.5;
    return Math.min(before, after);
  }

  /**
   * The region in samples, row by row: 1 where a sample stands for any pixel of it, else 0.
   *
   * @param side of the samples, of which the picture's is a multiple
   */
  public float[] mask(int side) {
    int cell = size / side;
    float[] mask = new float[side * side];
    for (int i = 0; i < share.length; i++) {
      if (share[i] > 0) {
        mask[i / size / cell * side + i % size / cell] = 1;
      }
    }
    return mask;
  }

  /**
   * What is drawn, pasted into what is kept. Outside the region the bytes are those of {@code
   * kept}.
   *
   * @param kept packed bytes {@code [S, S, 3]}
   * @param drawn likewise
   */
  public byte[] paste(byte[] kept, byte[] drawn) {
    byte[] pasted = new byte[kept.length];
    for (int k = 0; k < pasted.length; k++) {
      float of = share[k / 3];
      int before = kept[k] & 0xFF;
      int after = drawn[k] & 0xFF;
      pasted[k] = (byte) Math.round(before + of * (after - before));
    }
    return pasted;
  }
}
