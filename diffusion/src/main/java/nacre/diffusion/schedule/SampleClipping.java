package nacre.diffusion.schedule;

import static nacre.tensor.ops.Arithmetic.multiply;
import static nacre.tensor.ops.Clamp.clamp;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.weights.ConfigJson;

/**
 * The clipping, or dynamic thresholding, of estimates of the clean sample.
 *
 * @param clips whether they are clipped to plus and minus {@code clipRange}
 * @param clipRange ≥ 0
 * @param thresholds whether instead each sample is divided by a quantile of its absolute values,
 *     where that is above 1, and clipped to plus and minus 1 (Saharia et al., 2022, section 2.3)
 * @param thresholdingRatio which quantile
 * @param maxValue the quantile is cut off at this
 */
public record SampleClipping(
    boolean clips,
    double clipRange,
    boolean thresholds,
    double thresholdingRatio,
    double maxValue) {

  /** No clipping. */
  static final SampleClipping NONE = new SampleClipping(false, 1, false, 0.995, 1);

  /** Checks the numbers. */
  public SampleClipping {
    if (!(thresholdingRatio >= 0 && thresholdingRatio <= 1)) {
      throw new IllegalArgumentException(
          "scheduler: dynamic_thresholding_ratio is " + thresholdingRatio + ", 0 to 1 is wanted");
    }
    if (clips && !(clipRange > 0 && clipRange < Float.MAX_VALUE)) {
      throw new IllegalArgumentException(
          "scheduler: clip_sample_range is " + clipRange + ", more than 0 is wanted");
    }
  }

  /** The clipping keys of a class that supports clipping. */
  static SampleClipping of(ConfigJson c) {
    return of(c, c.flag("clip_sample", true));
  }

  /** The clipping keys of a class that supports clipping only, and does not clip by default. */
  static SampleClipping ofClipping(ConfigJson c) {
    boolean clip = c.flag("clip_sample", false);
    return new SampleClipping(clip, clip ? c.number("clip_sample_range", 1) : 1, false, 0.995, 1);
  }

  /** The clipping keys of a class that supports both, and does not clip by default. */
  static SampleClipping ofOptional(ConfigJson c) {
    return of(c, c.flag("clip_sample", false));
  }

  /** The clipping keys of a class that supports thresholding only. */
  static SampleClipping ofThresholding(ConfigJson c) {
    return of(c, false);
  }

  private static SampleClipping of(ConfigJson c, boolean clip) {
    return new SampleClipping(
        clip,
        clip ? c.number("clip_sample_range", 1) : 1,
        c.flag("thresholding", false),
        c.number("dynamic_thresholding_ratio", 0.995),
        c.number("sample_max_value", 1));
  }

  /** Whether estimates are left as they are. */
  boolean none() {
    return !clips && !thresholds;
  }

  void writeClippingTo(ObjectNode json) {
    json.put("clip_sample", clips).put("clip_sample_range", clipRange);
  }

  void writeThresholdingTo(ObjectNode json) {
    json.put("thresholding", thresholds)
        .put("dynamic_thresholding_ratio", thresholdingRatio)
        .put("sample_max_value", maxValue);
  }

  /** The clipped estimate, {@code [N, ..]}. */
  Tensor apply(Tensor clean) {
    if (thresholds) {
      return threshold(clean);
    }
    return clips ? clamp(clean, -clipRange, clipRange) : clean;
  }

  private Tensor threshold(Tensor clean) {
    int batch = clean.dim(0);
    float[] values = clean.toFloats();
    int size = values.length / batch;
    float[] factors = new float[batch];
    for (int i = 0; i < batch; i++) {
      float[] sorted = Arrays.copyOfRange(values, i * size, (i + 1) * size);
      for (int j = 0; j < size; j++) {
        sorted[j] = Math.abs(sorted[j]);
      }
      Arrays.sort(sorted);
      // As torch.clamp: where the bounds cross, the upper one holds.
      factors[i] = (float) (1 / Math.min(Math.max(quantile(sorted), 1), maxValue));
    }
    int[] dims = new int[clean.shape().rank()];
    Arrays.fill(dims, 1);
    dims[0] = batch;
    try (Scope scope = Scope.open()) {
      Tensor scaled = multiply(clean, Tensor.of(clean.device(), Shape.of(dims), factors));
      return scope.keep(clamp(scaled, -1, 1));
    }
  }

  /** Between the two nearest, in proportion. */
  private double quantile(float[] sorted) {
    double place = thresholdingRatio * (sorted.length - 1);
    int below = (int) place;
    double low = sorted[below];
    double high = sorted[Math.min(below + 1, sorted.length - 1)];
    return low + (place - below) * (high - low);
  }
}
