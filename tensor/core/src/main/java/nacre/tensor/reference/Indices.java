package nacre.tensor.reference;

import nacre.tensor.Shape;

/** Which element of one shape belongs to which of another. */
final class Indices {
  private Indices() {}

  /** For each element of {@code to}, the element of {@code from} that broadcasts to it. */
  static int[] broadcast(Shape from, Shape to) {
    int[] steps = new int[to.rank()];
    int step = 1;
    for (int i = 1; i <= from.rank(); i++) {
      steps[to.rank() - i] = from.dim(-i) == 1 ? 0 : step;
      step *= from.dim(-i);
    }
    return walk(to.toArray(), steps, 0);
  }

  /**
   * For each element of a box of shape {@code box} at {@code starts} in {@code whole}, its place.
   */
  static int[] box(Shape box, int[] starts, Shape whole) {
    int[] steps = steps(whole);
    int first = 0;
    for (int i = 0; i < steps.length; i++) {
      first += starts[i] * steps[i];
    }
    return walk(box.toArray(), steps, first);
  }

  /** For each element of {@code x} permuted by {@code axes}, its place in {@code x}. */
  static int[] permuted(Shape x, int[] axes) {
    int[] steps = steps(x);
    int[] dims = new int[axes.length];
    int[] permutedSteps = new int[axes.length];
    for (int i = 0; i < axes.length; i++) {
      dims[i] = x.dim(axes[i]);
      permutedSteps[i] = steps[axes[i]];
    }
    return walk(dims, permutedSteps, 0);
  }

  private static int[] steps(Shape shape) {
    int[] steps = new int[shape.rank()];
    int step = 1;
    for (int i = shape.rank() - 1; i >= 0; i--) {
      steps[i] = step;
      step *= shape.dim(i);
    }
    return steps;
  }

  /** Visits {@code dims} in row-major order, the last axis fastest. */
  private static int[] walk(int[] dims, int[] steps, int first) {
    int[] places = new int[Math.toIntExact(Shape.of(dims).elements())];
    int[] at = new int[dims.length];
    for (int n = 0; n < places.length; n++) {
      int place = first;
      for (int i = 0; i < dims.length; i++) {
        place += at[i] * steps[i];
      }
      places[n] = place;
      for (int i = dims.length - 1; i >= 0 && ++at[i] == dims[i]; i--) {
        at[i] = 0;
      }
    }
    return places;
  }
}
