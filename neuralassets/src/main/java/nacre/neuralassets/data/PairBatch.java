package nacre.neuralassets.data;

import nacre.neuralassets.model.Conditions;
import nacre.neuralassets.scene.PoseVector;

/**
 * Training pairs on the host, row-major.
 *
 * @param count B
 * @param size S
 * @param slots N
 * @param source [B, S, S, 3] in [−1, 1]
 * @param target [B, S, S, 3] in [−1, 1]
 * @param boxes [B, N, 4], (y0, x0, y1, x1) in the source frame
 * @param targetBoxes [B, N, 4] in the target frame; no part of what the model sees
 * @param poses [B, N, 12] in the target camera
 * @param backgroundPoses [B, 12]
 * @param keep [B], 0 where all tokens are dropped
 * @param timesteps [B]
 */
public record PairBatch(
    int count,
    int size,
    int slots,
    float[] source,
    float[] target,
    float[] boxes,
    float[] targetBoxes,
    float[] poses,
    float[] backgroundPoses,
    float[] keep,
    int[] timesteps) {

  /** Pairs all of whose numbers are 0. */
  public static PairBatch zeros(int count, int size, int slots) {
    int pixels = count * size * size * 3;
    return new PairBatch(
        count,
        size,
        slots,
        new float[pixels],
        new float[pixels],
        new float[count * slots * Clip.BOX],
        new float[count * slots * Clip.BOX],
        new float[count * slots * PoseVector.LENGTH],
        new float[count * PoseVector.LENGTH],
        new float[count],
        new int[count]);
  }

  /** What the model is to know of the targets. */
  public Conditions conditions() {
    return new Conditions(size, slots, source, boxes, poses, backgroundPoses, keep);
  }

  /**
   * Writes one pair.
   *
   * @param at which pair of the batch
   * @param order which slot each of the clip's objects takes
   */
  public void put(int at, Clip clip, int from, int to, int[] order) {
    pixels(clip.rgb(from), source, at);
    pixels(clip.rgb(to), target, at);
    for (int i = 0; i < clip.objects(); i++) {
      int slot = at * slots + order[i];
      System.arraycopy(clip.boxes(from), Clip.BOX * i, boxes, Clip.BOX * slot, Clip.BOX);
      System.arraycopy(clip.boxes(to), Clip.BOX * i, targetBoxes, Clip.BOX * slot, Clip.BOX);
      System.arraycopy(
          clip.poses(to),
          PoseVector.LENGTH * i,
          poses,
          PoseVector.LENGTH * slot,
          PoseVector.LENGTH);
    }
    float[] background = PoseVector.ofBackground(clip.camera(from), clip.camera(to));
    System.arraycopy(background, 0, backgroundPoses, PoseVector.LENGTH * at, PoseVector.LENGTH);
    keep[at] = 1;
  }

  /**
   * Factors on errors that make the squared errors inside the targets' object boxes count {@code
   * weight} times, with a mean square of 1 over each image: {@code [B, S, S, 3]}.
   */
  public float[] emphasis(double weight) {
    int pixels = size * size;
    float[] factors = new float[count * pixels * 3];
    for (int i = 0; i < count; i++) {
      boolean[] inside = BoxMask.of(targetBoxes, i * slots * Clip.BOX, slots, size);
      int objects = 0;
      for (boolean in : inside) {
        objects += in ? 1 : 0;
      }
      double scale = pixels / (pixels + (weight - 1) * objects);
      float outer = (float) Math.sqrt(scale);
      float inner = (float) Math.sqrt(scale * weight);
      for (int k = 0; k < 3 * pixels; k++) {
        factors[i * pixels * 3 + k] = inside[k / 3] ? inner : outer;
      }
    }
    return factors;
  }

  private static void pixels(byte[] rgb, float[] to, int at) {
    int offset = at * rgb.length;
    for (int k = 0; k < rgb.length; k++) {
      to[offset + k] = (rgb[k] & 0xFF) / 127.5f - 1;
    }
  }
}
