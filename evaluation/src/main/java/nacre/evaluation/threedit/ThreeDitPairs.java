package nacre.evaluation.threedit;

import java.util.Locale;
import nacre.tensor.Device;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * Pairs of pictures before and after an edit, on the host.
 *
 * @param count B
 * @param sources before, {@code [B, S, S, 3]} in [0, 1]
 * @param targets after, likewise
 * @param ids the tokens of the sentences, {@code [B, 77]}; null for Zero-1-to-3
 * @param numbers T, {@code [B, 4]}
 */
public record ThreeDitPairs(
    int count, float[] sources, float[] targets, int[] ids, float[] numbers) {
  /** Checks the lengths. */
  public ThreeDitPairs {
    if (count < 1
        || sources.length != targets.length
        || numbers.length != count * ThreeDit.NUMBERS
        || ids != null && ids.length % count != 0) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "3DIT: %d pairs have %d and %d values of pictures and %d numbers",
              count,
              sources.length,
              targets.length,
              numbers.length));
    }
  }

  /** The tokens on a device, {@code i32[B, 77]}; null if there are none. */
  Tensor ids(Device device) {
    return ids == null ? null : Tensor.ofInts(device, Shape.of(count, ids.length / count), ids);
  }
}
