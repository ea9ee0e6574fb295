package nacre.neuralassets.model;

import java.util.Arrays;
import java.util.Locale;
import nacre.neuralassets.scene.PoseVector;

/**
 * The conditioning of B images, in host memory: source frames from which the appearance of objects
 * is taken, and the poses that the objects get. Slots that hold no object have a box and a pose of
 * zeros; an object that the source frame does not show has a box of zeros and a pose.
 *
 * @param size S, side of the source images
 * @param slots N, objects per image
 * @param source {@code [B, S, S, 3]} in [−1, 1]
 * @param boxes {@code [B, N, 4]}: y0, x0, y1, x1 of the objects in the source, in [0, 1]
 * @param poses {@code [B, N, 12]}: {@link PoseVector#ofBox} in the target camera
 * @param backgroundPoses {@code [B, 12]}: {@link PoseVector#ofBackground}
 * @param keep {@code [B]}: 0 where the conditioning is dropped, else 1
 */
public record Conditioning(
    int size,
    int slots,
    float[] source,
    float[] boxes,
    float[] poses,
    float[] backgroundPoses,
    float[] keep) {

  /** Checks the lengths. */
  public Conditioning {
    int batch = keep.length;
    require("source", source, batch, size, size, 3);
    require("boxes", boxes, batch, slots, 4);
    require("poses", poses, batch, slots, PoseVector.LENGTH);
    require("backgroundPoses", backgroundPoses, batch, PoseVector.LENGTH);
  }

  /** A conditioning that is dropped nowhere. */
  public static Conditioning of(
      int size, int slots, float[] source, float[] boxes, float[] poses, float[] backgroundPoses) {
    float[] keep = new float[backgroundPoses.length / PoseVector.LENGTH];
    Arrays.fill(keep, 1);
    return new Conditioning(size, slots, source, boxes, poses, backgroundPoses, keep);
  }

  /** B, the number of images. */
  public int batch() {
    return keep.length;
  }

  /** The conditioning of images {@code from} to {@code from + count} − 1. */
  public Conditioning slice(int from, int count) {
    return new Conditioning(
        size,
        slots,
        part(source, from, count),
        part(boxes, from, count),
        part(poses, from, count),
        part(backgroundPoses, from, count),
        part(keep, from, count));
  }

  private float[] part(float[] values, int from, int count) {
    int each = values.length / batch();
    return Arrays.copyOfRange(values, from * each, (from + count) * each);
  }

  private static void require(String name, float[] values, int... shape) {
    long wanted = 1;
    for (int extent : shape) {
      wanted *= extent;
    }
    if (values.length != wanted) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "conditioning: %s has %d values, %s has %d",
              name,
              values.length,
              Arrays.toString(shape),
              wanted));
    }
  }
}
