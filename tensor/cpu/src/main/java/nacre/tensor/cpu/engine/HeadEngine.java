package nacre.tensor.cpu.engine;

/**
 * What attention is made of: products of heads, and softmax of the rows between them. For use by
 * one thread.
 */
public interface HeadEngine extends AutoCloseable {
  /** y = scale · a · b for each pair of matrices. */
  void multiply(HeadMatrix a, HeadMatrix b, double scale, HeadMatrix y);

  /** y += scale · a · b for each pair of matrices, y f32. */
  void multiplyAndAdd(HeadMatrix a, HeadMatrix b, double scale, HeadMatrix y);

  /**
   * p = softmax of each row of f32 scores. Both lie alike: dense, or dense with columns first; p
   * may be the scores, if f32.
   */
  void softmax(HeadMatrix scores, HeadMatrix p);

  /** ds = p · (dp − Σ p · dp) for each row, all dense, p and dp f32; ds may be dp. */
  void softmaxBackward(HeadMatrix p, HeadMatrix dp, HeadMatrix ds);

  /** Ends the use. */
  @Override
  void close();
}
