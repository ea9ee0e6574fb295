package nacre.tensor.cuda;

import java.util.Locale;
import nacre.tensor.Shape;
import nacre.tensor.cuda.driver.KernelConstants;
import nacre.tensor.cuda.driver.KernelStruct;

/**
 * The structure {@link KernelConstants#BROADCAST} of {@code elementwise.cu}: extents, and steps of
 * both sources.
 */
final class BroadcastLayout {
  private static final int MAX_RANK = KernelConstants.MAX_RANK;
  private static final KernelStruct BROADCAST = KernelConstants.BROADCAST;

  private BroadcastLayout() {}

  /**
   * The rank, the extents of y, then steps through a and b; neighboring axes are one if they can.
   */
  static int[] of(Shape a, Shape b, Shape y) {
    int rank = y.rank();
    int[] dims = new int[rank];
    int[] stepsA = new int[rank];
    int[] stepsB = new int[rank];
    int kept = 0; // counted from the last axis
    long strideA = 1;
    long strideB = 1;
    for (int i = 1; i <= rank; i++) {
      int extent = y.dim(-i);
      int extentA = i <= a.rank() ? a.dim(-i) : 1;
      int extentB = i <= b.rank() ? b.dim(-i) : 1;
      int stepA = extentA == 1 ? 0 : Math.toIntExact(strideA);
      int stepB = extentB == 1 ? 0 : Math.toIntExact(strideB);
      strideA *= extentA;
      strideB *= extentB;
      if (extent == 1) {
        continue;
      }
      boolean merges =
          kept > 0
              && stepA == stepsA[kept - 1] * dims[kept - 1]
              && stepB == stepsB[kept - 1] * dims[kept - 1];
      if (merges) {
        dims[kept - 1] *= extent;
      } else {
        dims[kept] = extent;
        stepsA[kept] = stepA;
        stepsB[kept] = stepB;
        kept++;
      }
    }
    if (kept > MAX_RANK || y.elements() > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "binary: shapes %s and %s broadcast along more axes than the GPU's kernel knows (%d)",
              a,
              b,
              MAX_RANK));
    }
    if (kept == 0) {
      dims = new int[] {1};
      stepsA = new int[1];
      stepsB = new int[1];
      kept = 1;
    }
    int[] layout = new int[Math.toIntExact(BROADCAST.bytes() / Integer.BYTES)];
    layout[at("rank")] = kept;
    for (int i = 0; i < kept; i++) {
      layout[at("dims") + i] = dims[kept - 1 - i];
      layout[at("step_a") + i] = stepsA[kept - 1 - i];
      layout[at("step_b") + i] = stepsB[kept - 1 - i];
    }
    return layout;
  }

  private static int at(String field) {
    return Math.toIntExact(BROADCAST.at(field) / Integer.BYTES);
  }
}
