package nacre.evaluation.metric;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import nacre.weights.WeightsException;

/**
 * The metrics by the names that users write, such as {@code psnr} and {@code ssim-tf}.
 *
 * <pre>{@code
 * MetricWeights weights = MetricWeights.none(device).with(MetricNetwork.VGG, file);
 * try (Scope _ = Scope.open()) { // networks live as long as it
 *   Metric lpips = Metrics.named("lpips-vgg", weights);
 *   double[] values = lpips.of(pictures, truths, count, size);
 * }
 * }</pre>
 */
public final class Metrics {
  private Metrics() {}

  /** Makes a metric, whose weights are at hand if it needs any. */
  private interface Making<M> {
    M make(MetricWeights weights) throws WeightsException;
  }

  /**
   * A metric that there is.
   *
   * @param name as users write it
   * @param description in a line
   * @param network whose weights it needs, if it needs any
   * @param ofSets whether it measures a set of pictures, as {@link #setNamed} makes it, or each, as
   *     {@link #named} does
   */
  public record Kind(
      String name, String description, Optional<MetricNetwork> network, boolean ofSets) {}

  /** A kind with how to make it: the one or the other is null. */
  private record Row(Kind kind, Making<Metric> making, Making<SetMetric> ofSets) {
    static Row of(String name, String description, Metric metric) {
      return new Row(new Kind(name, description, Optional.empty(), false), _ -> metric, null);
    }
  }

  private static final List<Row> ROWS =
      List.of(
          Row.of("psnr", "peak signal-to-noise ratio in dB, of range 1", new Psnr()),
          Row.of(
              "psnr-truth-range",
              "PSNR of the true picture's range, as 3DIT's script had it",
              new Psnr(Psnr.Range.TRUTH)),
          Row.of(
              "ssim",
              "structural similarity as torchmetrics has it",
              new Ssim(Ssim.Variant.TORCHMETRICS)),
          Row.of("ssim-tf", "SSIM as TensorFlow has it", new Ssim(Ssim.Variant.TENSORFLOW)),
          Row.of(
              "ssim-skimage",
              "SSIM as scikit-image has it by default, a uniform window of 7 × 7",
              new Ssim(Ssim.Variant.SCIKIT_IMAGE)),
          Row.of(
              "ssim-skimage-gaussian",
              "SSIM of scikit-image with a Gaussian window",
              new Ssim(Ssim.Variant.SCIKIT_IMAGE_GAUSSIAN)),
          Row.of(
              "ssim-skimage-population",
              "SSIM of scikit-image with a Gaussian window and population covariances",
              new Ssim(Ssim.Variant.SCIKIT_IMAGE_POPULATION)));

  /** All metrics that there are. */
  public static List<Kind> all() {
    return ROWS.stream().map(Row::kind).toList();
  }

  /**
   * The kind of a name.
   *
   * @throws IllegalArgumentException in one line that lists the names, if there is none
   */
  public static Kind kind(String name) {
    return row(name).kind;
  }

  /**
   * Makes a metric of one value a picture. Its networks belong to the current scope.
   *
   * @throws IllegalArgumentException in one line, if there is none of the name, or it needs weights
   *     that are not at hand
   * @throws WeightsException if the weights cannot be read or do not fit, in one line
   */
  public static Metric named(String name, MetricWeights weights) throws WeightsException {
    Row row = row(name);
    if (row.kind.ofSets) {
      throw new IllegalArgumentException(
          "metric " + name + " measures sets of pictures, not each of them");
    }
    requireWeights(row.kind, weights);
    return row.making.make(weights);
  }

  /**
   * Makes a metric of sets of pictures, which are empty in the beginning. Its networks belong to
   * the current scope.
   *
   * @throws IllegalArgumentException in one line, if there is none of the name, or it needs weights
   *     that are not at hand
   * @throws WeightsException if the weights cannot be read or do not fit, in one line
   */
  public static SetMetric setNamed(String name, MetricWeights weights) throws WeightsException {
    Row row = row(name);
    if (!row.kind.ofSets) {
      throw new IllegalArgumentException(
          "metric " + name + " measures each picture, not sets of them");
    }
    requireWeights(row.kind, weights);
    return row.ofSets.make(weights);
  }

  private static void requireWeights(Kind kind, MetricWeights weights) {
    kind.network()
        .filter(network -> weights.of(network).isEmpty())
        .ifPresent(
            network -> {
              throw new IllegalArgumentException(
                  String.format(
                      Locale.ROOT,
                      "metric %s needs the weights of %s; name their file as those of %s",
                      kind.name(),
                      network.title(),
                      network));
            });
  }

  private static Row row(String name) {
    for (Row row : ROWS) {
      if (row.kind.name.equals(name)) {
        return row;
      }
    }
    String known = ROWS.stream().map(row -> row.kind.name).collect(Collectors.joining(", "));
    throw new IllegalArgumentException("metric " + name + " is not known; known are " + known);
  }
}
