package nacre.evaluation.baseline;

import java.io.IOException;

/** A way of filling holes in pictures. */
public interface Inpainter extends AutoCloseable {
  /** Its name in tables. */
  String name();

  /**
   * Fills a hole; the pixels around it stay as they are.
   *
   * @param picture {@code [S, S, 3]} in [0, 1]
   * @param hole {@code [S, S]}
   * @param size S
   * @param seed of what is drawn at random
   * @param eachStep called now and then; what it throws ends the filling
   * @return the filled picture, a new array
   */
  float[] fill(float[] picture, boolean[] hole, int size, long seed, Runnable eachStep)
      throws IOException;

  /** Frees what it holds. */
  @Override
  default void close() {}
}
