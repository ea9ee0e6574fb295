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
 * @param sourcePoses {@code [B, N, 12]}: {@link PoseVector#ofBox} in the source camera; empty where
 *     they are not known, which only models accept that do not ask for them
 * @param poses {@code [B, N, 12]}: {@link PoseVector#ofBox} in the target camera
 * @param backgroundPoses {@code [B, 12]}: {@link PoseVector#ofBackground}
 * @param keep {@code [B]}: 0 where the conditioning is dropped, else 1
 * @param keepSource {@code [B]}: 0 where the UNet that sees the source frame does not see it, else
 *     1
 */
public record Conditioning(
    int size,
    int slots,
    float[] source,
    float[] boxes,
    float[] sourcePoses,
    float[] poses,
    float[] backgroundPoses,
    float[] keep,
    float[] keepSource) {

  /** Checks the lengths. */
  public Conditioning {
    int batch = keep.length;
    require("source", source, batch, size, size, 3);
    require("boxes", boxes, batch, slots, 4);
    if (sourcePoses.length > 0) {
      require("sourcePoses", sourcePoses, batch, slots, PoseVector.LENGTH);
    }
    require("poses", poses, batch, slots, PoseVector.LENGTH);
    require("keepSource", keepSource, batch);
    require("backgroundPoses", backgroundPoses, batch, PoseVector.LENGTH);
  }

  /** A conditioning without source poses, of which no source frame is dropped. */
  public Conditioning(
      int size,
      int slots,
      float[] source,
      float[] boxes,
      float[] poses,
      float[] backgroundPoses,
      float[] keep) {
    this(size, slots, source, boxes, new float[0], poses, backgroundPoses, keep, ones(keep.length));
  }

  /** A conditioning without source poses that is dropped nowhere. */
  public static Conditioning of(
      int size, int slots, float[] source, float[] boxes, float[] poses, float[] backgroundPoses) {
    return of(size, slots, source, boxes, new float[0], poses, backgroundPoses);
  }

  /** A conditioning that is dropped nowhere. */
  public static Conditioning of(
      int size,
      int slots,
      float[] source,
      float[] boxes,
      float[] sourcePoses,
      float[] poses,
      float[] backgroundPoses) {
    int batch = backgroundPoses.length / PoseVector.LENGTH;
    float[] keep = ones(batch);
    return new Conditioning(
        size, slots, source, boxes, sourcePoses, poses, backgroundPoses, keep, ones(batch));
  }

  private static float[] ones(int count) {
    float[] ones = new float[count];
    Arrays.fill(ones, 1);
    return ones;
  }

  /** The same for objects that are elsewhere, before another camera. */
  public Conditioning withPoses(float[] otherPoses, float[] otherBackgroundPoses) {
    return new Conditioning(
        size,
        slots,
        source,
        boxes,
        sourcePoses,
        otherPoses,
        otherBackgroundPoses,
        keep,
        keepSource);
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
        part(sourcePoses, from, count),
        part(poses, from, count),
        part(backgroundPoses, from, count),
        part(keep, from, count),
        part(keepSource, from, count));
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
