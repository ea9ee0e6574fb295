package nacre.neuralassets.scene;

/**
 * A rectangle in an image, in image units: rows {@code y0 ≤ y < y1}, columns {@code x0 ≤ x < x1},
 * where 0 and 1 are the edges. All four are 0 where there is nothing to be seen.
 */
public record Box2(double y0, double x0, double y1, double x1) {
  /** The rectangle of an object that is not visible. */
  public static final Box2 EMPTY = new Box2(0, 0, 0, 0);

  /** The whole image. */
  public static final Box2 FULL = new Box2(0, 0, 1, 1);

  /** True if the rectangle has no area. */
  public boolean isEmpty() {
    return !(y1 > y0 && x1 > x0);
  }

  /** Returns the four numbers in the order y0, x0, y1, x1. */
  public float[] toArray() {
    return new float[] {(float) y0, (float) x0, (float) y1, (float) x1};
  }
}
