package nacre.evaluation.baseline;

/**
 * The filling of holes that needs no weights: a membrane stretched over the hole, that is, the
 * solution of Laplace's equation with the pixels around as boundary, and free at the picture's
 * edges. It begins with the averages of a pyramid (push-pull) and ends with Gauss-Seidel sweeps.
 * Colors flow in from all sides; patterns do not go on. A picture that is all hole becomes gray.
 */
public final class HarmonicFill implements Inpainter {
  private static final int SWEEPS = 1000;

  /** A change in one sweep, in values from 0 to 1, that nobody sees. */
  private static final float SETTLED = 1e-5f;

  @Override
  public String name() {
    return "harmonic";
  }

  @Override
  public float[] fill(float[] picture, boolean[] hole, int size, long seed, Runnable eachStep) {
    float[] filled = picture.clone();
    float[] weight = new float[size * size];
    for (int i = 0; i < weight.length; i++) {
      weight[i] = hole[i] ? 0 : 1;
    }
    pushPull(filled, weight, size);
    eachStep.run();
    for (int sweep = 0; sweep < SWEEPS && relax(filled, hole, size) > SETTLED; sweep++) {
      // The sweep is in the condition.
    }
    return filled;
  }

  /** Gives pixels of weight 0 the mean of those that have a color, the nearest first. */
  private static void pushPull(float[] picture, float[] weight, int size) {
    if (size == 1) {
      for (int c = 0; weight[0] == 0 && c < 3; c++) {
        picture[c] = 0.5f;
      }
      return;
    }
    int half = (size + 1) / 2;
    float[] coarse = new float[half * half * 3];
    float[] known = new float[half * half];
    for (int i = 0; i < weight.length; i++) {
      int parent = i / size / 2 * half + i % size / 2;
      known[parent] += weight[i];
      for (int c = 0; c < 3; c++) {
        coarse[3 * parent + c] += weight[i] * picture[3 * i + c];
      }
    }
    for (int i = 0; i < known.length; i++) {
      for (int c = 0; known[i] > 0 && c < 3; c++) {
        coarse[3 * i + c] /= known[i];
      }
      known[i] = Math.min(1, known[i]);
    }
    pushPull(coarse, known, half);
    for (int i = 0; i < weight.length; i++) {
      int parent = i / size / 2 * half + i % size / 2;
      for (int c = 0; weight[i] == 0 && c < 3; c++) {
        picture[3 * i + c] = coarse[3 * parent + c];
      }
    }
  }

  /** One sweep; returns the largest change. */
  private static float relax(float[] picture, boolean[] hole, int size) {
    float most = 0;
    for (int i = 0; i < hole.length; i++) {
      if (!hole[i]) {
        continue;
      }
      int y = i / size;
      int x = i % size;
      int up = y > 0 ? i - size : i;
      int down = y < size - 1 ? i + size : i;
      int left = x > 0 ? i - 1 : i;
      int right = x < size - 1 ? i + 1 : i;
      for (int c = 0; c < 3; c++) {
        float mean =
            (picture[3 * up + c]
                    + picture[3 * down + c]
                    + picture[3 * left + c]
                    + picture[3 * right + c])
                / 4;
        most = Math.max(most, Math.abs(mean - picture[3 * i + c]));
        picture[3 * i + c] = mean;
      }
    }
    return most;
  }
}
