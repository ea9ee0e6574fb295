package nacre.tensor.ops;

import nacre.tensor.Tensor;

/** Checks that many operations share. Messages begin with the operation's name. */
final class Require {
  private Require() {}

  /** The tensors, null allowed, are floating-point and agree with the first in dtype and device. */
  static void alike(String operation, Tensor first, Tensor... others) {
    floating(operation, first);
    for (Tensor t : others) {
      if (t == null) {
        continue;
      }
      if (t.dtype() != first.dtype()) {
        throw new IllegalArgumentException(
            operation
                + ": dtypes differ: "
                + first.describe()
                + " and "
                + t.describe()
                + "; cast one of them");
      }
      sameDevice(operation, first, t);
    }
  }

  /** Both lie on one device. */
  static void sameDevice(String operation, Tensor a, Tensor b) {
    if (a.device() != b.device()) {
      throw new IllegalArgumentException(
          operation
              + ": "
              + a.describe()
              + " and "
              + b.describe()
              + " lie on different devices; move one with to()");
    }
  }

  /** The tensor's elements are floating-point numbers. */
  static void floating(String operation, Tensor x) {
    if (!x.dtype().isFloating()) {
      throw new IllegalArgumentException(
          operation + ": " + x.describe() + " is not floating-point; cast it first");
    }
  }

  /** The tensor has {@code rank} axes, described by {@code layout}. */
  static void rank(String operation, String name, Tensor x, int rank, String layout) {
    if (x.shape().rank() != rank) {
      throw new IllegalArgumentException(
          operation
              + ": "
              + name
              + " "
              + x.describe()
              + " has rank "
              + x.shape().rank()
              + ", wants "
              + layout);
    }
  }

  /** The tensor has {@code rank} axes or more. */
  static void atLeast(String operation, String name, Tensor x, int rank, String layout) {
    if (x.shape().rank() < rank) {
      throw new IllegalArgumentException(
          operation
              + ": "
              + name
              + " "
              + x.describe()
              + " has rank "
              + x.shape().rank()
              + ", wants "
              + layout);
    }
  }

  /** A vector of {@code extent} elements, for example a bias; null allowed. */
  static void vector(String operation, String name, Tensor v, int extent, String why) {
    if (v != null && (v.shape().rank() != 1 || v.dim(0) != extent)) {
      throw new IllegalArgumentException(
          operation + ": " + name + " " + v.describe() + " wants [" + extent + "], " + why);
    }
  }

  /** The axis as a non-negative number, or an error that names the operation. */
  static int axis(String operation, Tensor x, int axis) {
    int rank = x.shape().rank();
    if (axis < -rank || axis >= rank) {
      throw new IllegalArgumentException(
          operation
              + ": axis "
              + axis
              + " is not one of "
              + x.describe()
              + ", which has rank "
              + rank);
    }
    return x.shape().axis(axis);
  }
}
