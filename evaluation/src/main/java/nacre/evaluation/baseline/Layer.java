package nacre.evaluation.baseline;

/** Something that is pasted over a picture. */
interface Layer {
  /**
   * What is seen of it at a point of the picture.
   *
   * @param u from 0, the left edge, to 1
   * @param v from 0, the top, to 1
   * @param rgba filled with color times share, and the share, which is 0 where nothing is seen
   * @return the depth, infinite where nothing is seen
   */
  double look(double u, double v, double[] rgba);
}
