package nacre.tensor.ops;

import nacre.tensor.Context;
import nacre.tensor.Operation;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * Images enlarged or reduced by a whole factor. Input: x.
 *
 * @param kind how
 * @param factor between the larger and the smaller extent, both axes
 */
public record Resample(Kind kind, int factor) implements Operation {

  /** The ways of resampling. */
  public enum Kind {
    /** Each pixel repeated. */
    UPSAMPLE_NEAREST,
    /** Each block averaged. */
    AVERAGE_POOL
  }

  /** x {@code [N, H, W, C]} → {@code [N, fH, fW, C]}: each pixel repeated f × f times. */
  public static Tensor upsampleNearest(Tensor x, int factor) {
    check("upsampleNearest", x, factor);
    return Operation.apply(new Resample(Kind.UPSAMPLE_NEAREST, factor), x);
  }

  /**
   * x {@code [N, fH, fW, C]} → {@code [N, H, W, C]}: the mean of each f × f block.
   *
   * @throws IllegalArgumentException if the factor does not divide height and width
   */
  public static Tensor averagePool(Tensor x, int factor) {
    check("averagePool", x, factor);
    if (x.dim(1) % factor != 0 || x.dim(2) % factor != 0) {
      throw new IllegalArgumentException(
          "averagePool: height and width of " + x.describe() + " are not multiples of " + factor);
    }
    return Operation.apply(new Resample(Kind.AVERAGE_POOL, factor), x);
  }

  private static void check(String name, Tensor x, int factor) {
    Require.floating(name, x);
    Require.rank(name, "input", x, 4, "[N, H, W, C]");
    if (factor < 1) {
      throw new IllegalArgumentException(name + ": factor " + factor + " is below 1");
    }
  }

  private Tensor larger(Tensor x) {
    return x.like(Shape.of(x.dim(0), x.dim(1) * factor, x.dim(2) * factor, x.dim(3)));
  }

  private Tensor smaller(Tensor x) {
    return x.like(Shape.of(x.dim(0), x.dim(1) / factor, x.dim(2) / factor, x.dim(3)));
  }

  @Override
  public Tensor forward(Context context, Tensor... in) {
    Tensor x = in[0];
    return switch (kind) {
      case UPSAMPLE_NEAREST -> {
        Tensor y = larger(x);
        x.backend().upsampleNearest(x, factor, y);
        yield y;
      }
      case AVERAGE_POOL -> {
        Tensor y = smaller(x);
        x.backend().averagePool(x, factor, y);
        yield y;
      }
    };
  }

  @Override
  public Tensor[] backward(Context context, Tensor dy) {
    return switch (kind) {
      case UPSAMPLE_NEAREST -> {
        Tensor dx = smaller(dy);
        dy.backend().upsampleNearestBackward(dy, factor, dx);
        yield new Tensor[] {dx};
      }
      case AVERAGE_POOL -> {
        Tensor dx = larger(dy);
        dy.backend().averagePoolBackward(dy, factor, dx);
        yield new Tensor[] {dx};
      }
    };
  }
}
