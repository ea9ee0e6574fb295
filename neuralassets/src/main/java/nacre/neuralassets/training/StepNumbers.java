package nacre.neuralassets.training;

import nacre.tensor.DType;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Readback;

/**
 * The numbers of a step, on their way from the device in one copy. To ask for them does not wait;
 * to look at them does, until that step is done, whatever was begun after it.
 */
public final class StepNumbers {
  private final Readback numbers;

  private StepNumbers(Readback numbers) {
    this.numbers = numbers;
  }

  /**
   * Begins to read numbers as they are behind all work so far.
   *
   * @param loss an f32 scalar
   * @param squaredNorm an f32 scalar
   */
  public static StepNumbers of(Tensor loss, Tensor squaredNorm) {
    try (Scope _ = Scope.open()) {
      Tensor both = Tensor.empty(loss.device(), DType.F32, Shape.of(2));
      loss.backend().cast(loss.view(Shape.of(1)), both.rows(0, 1));
      loss.backend().cast(squaredNorm.view(Shape.of(1)), both.rows(1, 2));
      return new StepNumbers(both.backend().readLater(both));
    }
  }

  /** Whether the step is done, so that nothing here waits. */
  public boolean isReady() {
    return numbers.isDone();
  }

  /** The loss before the step. */
  public double loss() {
    return numbers.floats()[0];
  }

  /** Norm of the step's gradients before clipping. */
  public double gradientNorm() {
    return Math.sqrt(numbers.floats()[1]);
  }
}
