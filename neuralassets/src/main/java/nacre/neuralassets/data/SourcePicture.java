package nacre.neuralassets.data;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
import nacre.neuralassets.model.Conditioning;
import nacre.neuralassets.scene.PoseVector;

/**
 * Changes of a pair's source frame, in place, after two training strategies of BlenderFusion (Chen
 * et al., 2025), whose paper renders its source frames; here they are cut out of the frames that
 * there are.
 *
 * @param conditioning of the batch
 * @param pair number of the pair in it
 */
record SourcePicture(Conditioning conditioning, int pair) {
  /** Gray in [−1, 1]. */
  private static final float GRAY = 0;

  /**
   * Simulated object jittering: the picture becomes the target frame, its objects covered in gray,
   * with the objects of the source frame in front, where that has them, the nearest last. So the
   * camera stands still, and only objects move.
   *
   * @param target all target frames, {@code [B, S, S, 3]}
   * @param targetBoxes their objects' boxes, {@code [B, N, 4]}
   */
  void jitter(float[] target, float[] targetBoxes) {
    int size = conditioning.size();
    int slots = conditioning.slots();
    int frame = size * size * 3;
    float[] picture = Arrays.copyOfRange(target, pair * frame, (pair + 1) * frame);
    boolean[] covered = BoxMask.of(targetBoxes, pair * slots * Clip.BOX, slots, size);
    for (int i = 0; i < covered.length; i++) {
      if (covered[i]) {
        Arrays.fill(picture, 3 * i, 3 * i + 3, GRAY);
      }
    }
    int[] farthestFirst =
        IntStream.range(0, slots)
            .boxed()
            .sorted(Comparator.comparingDouble(slot -> -depth(slot)))
            .mapToInt(slot -> slot)
            .toArray();
    float[] source = conditioning.source();
    for (int slot : farthestFirst) {
      boolean[] box = box(slot);
      for (int i = 0; i < box.length; i++) {
        if (box[i]) {
          System.arraycopy(source, pair * frame + 3 * i, picture, 3 * i, 3);
        }
      }
    }
    System.arraycopy(picture, 0, source, pair * frame, frame);
  }

  /** The mean depth of the object's corners in the source frame. */
  private double depth(int slot) {
    int at = (pair * conditioning.slots() + slot) * PoseVector.LENGTH;
    float[] poses = conditioning.sourcePoses();
    return (double) poses[at + 2] + poses[at + 5] + poses[at + 8] + poses[at + 11];
  }

  private boolean[] box(int slot) {
    int at = (pair * conditioning.slots() + slot) * Clip.BOX;
    return BoxMask.of(conditioning.boxes(), at, 1, conditioning.size());
  }

  /**
   * Source masking: what is hidden turns gray, and a hidden object has no box, as if the frame did
   * not show it.
   *
   * @param hidden by slot
   * @param background whether the background is hidden as well
   */
  void mask(boolean[] hidden, boolean background) {
    int size = conditioning.size();
    int slots = conditioning.slots();
    int from = pair * slots * Clip.BOX;
    boolean[] objects = BoxMask.of(conditioning.boxes(), from, slots, size);
    for (int slot = 0; slot < slots; slot++) {
      if (hidden[slot]) {
        Arrays.fill(conditioning.boxes(), from + slot * Clip.BOX, from + (slot + 1) * Clip.BOX, 0);
      }
    }
    boolean[] shown = BoxMask.of(conditioning.boxes(), from, slots, size);
    float[] source = conditioning.source();
    int frame = size * size * 3;
    for (int i = 0; i < shown.length; i++) {
      if (!shown[i] && (objects[i] || background)) {
        Arrays.fill(source, pair * frame + 3 * i, pair * frame + 3 * i + 3, GRAY);
      }
    }
  }
}
