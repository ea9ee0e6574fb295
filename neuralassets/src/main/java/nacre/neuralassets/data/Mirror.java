package nacre.neuralassets.data;

import nacre.neuralassets.model.Conditioning;
import nacre.neuralassets.scene.PoseVector;

/**
 * Horizontal flips of training pairs: left and right are swapped in pictures, boxes and poses.
 *
 * <p>A mirrored box would have left-handed axes, which no other box has. So its y axis is turned
 * round as well: the pose begins at what was corner 2, and the box is right-handed again.
 */
final class Mirror {
  private Mirror() {}

  static void apply(PairBatch batch, int at) {
    Conditioning conditioning = batch.conditioning();
    pixels(conditioning.source(), batch.size(), at);
    pixels(batch.target(), batch.size(), at);
    for (int i = 0; i < batch.slots(); i++) {
      int slot = at * batch.slots() + i;
      box(conditioning.boxes(), Clip.BOX * slot);
      box(batch.targetBoxes(), Clip.BOX * slot);
      pose(conditioning.sourcePoses(), PoseVector.LENGTH * slot);
      pose(conditioning.poses(), PoseVector.LENGTH * slot);
    }
    background(conditioning.backgroundPoses(), PoseVector.LENGTH * at);
  }

  /** A frame with left and right exchanged, packed bytes {@code [size, size, 3]}. */
  static byte[] frame(byte[] rgb, int size) {
    byte[] mirrored = new byte[rgb.length];
    for (int i = 0; i < size * size; i++) {
      int x = i % size;
      System.arraycopy(rgb, 3 * i, mirrored, 3 * (i - x + size - 1 - x), 3);
    }
    return mirrored;
  }

  private static void pixels(float[] image, int size, int at) {
    for (int y = 0; y < size; y++) {
      int row = (at * size + y) * size * 3;
      for (int x = 0; x < size / 2; x++) {
        for (int c = 0; c < 3; c++) {
          int left = row + 3 * x + c;
          int right = row + 3 * (size - 1 - x) + c;
          float swap = image[left];
          image[left] = image[right];
          image[right] = swap;
        }
      }
    }
  }

  private static void box(float[] boxes, int at) {
    float x0 = boxes[at + 1];
    float x1 = boxes[at + 3];
    if (x1 > x0) {
      boxes[at + 1] = 1 - x1;
      boxes[at + 3] = 1 - x0;
    }
  }

  private static void pose(float[] poses, int at) {
    boolean absent = true;
    for (int k = 0; k < PoseVector.LENGTH; k++) {
      absent &= poses[at + k] == 0;
    }
    if (absent) {
      return;
    }
    // (u·d, v·d, d) is linear in space, so corners add up in it as they do in the world.
    double[][] p = new double[4][];
    for (int i = 0; i < 4; i++) {
      double d = poses[at + 3 * i + 2];
      p[i] = new double[] {(1 - poses[at + 3 * i]) * d, poses[at + 3 * i + 1] * d, d};
    }
    double[] p3 = sum(p[1], p[2], p[0]);
    double[] p6 = sum(p[2], p[3], p[0]);
    double[][] turned = {p[2], p3, p[0], p6};
    for (int i = 0; i < 4; i++) {
      double d = turned[i][2];
      poses[at + 3 * i] = (float) (turned[i][0] / d);
      poses[at + 3 * i + 1] = (float) (turned[i][1] / d);
      poses[at + 3 * i + 2] = (float) d;
    }
  }

  /** a + b − c. */
  private static double[] sum(double[] a, double[] b, double[] c) {
    return new double[] {a[0] + b[0] - c[0], a[1] + b[1] - c[1], a[2] + b[2] - c[2]};
  }

  /**
   * F · pose · F with F = diag(−1, 1, 1): entries that couple x with the other axes change their
   * sign.
   */
  private static void background(float[] pose, int at) {
    for (int k : new int[] {1, 2, 3, 6, 9}) {
      pose[at + k] = -pose[at + k];
    }
  }
}
