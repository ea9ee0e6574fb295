package nacre.evaluation.metric;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import nacre.evaluation.metric.DinoSimilarity.Fit;
import nacre.evaluation.metric.DinoSimilarity.Tokens;
import nacre.nn.vision.InceptionV3;
import nacre.nn.vision.Lpips;
import nacre.nn.vision.LpipsNet;
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
              new Ssim(Ssim.Variant.SCIKIT_IMAGE_POPULATION)),
          lpips("lpips-alex", LpipsNet.ALEX, MetricNetwork.ALEX, Lpips.Epsilon.AUTHORS),
          lpips("lpips-vgg", LpipsNet.VGG, MetricNetwork.VGG, Lpips.Epsilon.AUTHORS),
          lpips("lpips-squeeze", LpipsNet.SQUEEZE, MetricNetwork.SQUEEZE, Lpips.Epsilon.AUTHORS),
          lpips(
              "lpips-vgg-torchmetrics",
              LpipsNet.VGG,
              MetricNetwork.VGG,
              Lpips.Epsilon.TORCHMETRICS),
          dino("dino", "as DreamBooth has it", Tokens.CLASS, Fit.CROP),
          dino("dino-whole", "of the class token, without a crop", Tokens.CLASS, Fit.WHOLE),
          dino("dino-patches", "of the mean of the patches", Tokens.PATCH_MEAN, Fit.CROP),
          fid("fid", InceptionV3.Tap.LAST, Fid.Style.PYTORCH_FID),
          fid("fid-64", InceptionV3.Tap.FIRST_POOL, Fid.Style.PYTORCH_FID),
          fid("fid-192", InceptionV3.Tap.SECOND_POOL, Fid.Style.PYTORCH_FID),
          fid("fid-768", InceptionV3.Tap.PRE_AUX, Fid.Style.PYTORCH_FID),
          fid("fid-torch-fidelity", InceptionV3.Tap.LAST, Fid.Style.TORCH_FIDELITY),
          fid("fid-3dit", InceptionV3.Tap.FIRST_POOL, Fid.Style.CUT));

  private static Row lpips(String name, LpipsNet net, MetricNetwork file, Lpips.Epsilon epsilon) {
    String whose = epsilon == Lpips.Epsilon.AUTHORS ? "" : " with torchmetrics' epsilon";
    String description = "LPIPS 0.1 through " + file.title() + whose;
    return new Row(
        new Kind(name, description, Optional.of(file), false),
        weights -> LpipsMetric.of(net, file, weights, epsilon),
        null);
  }

  private static Row dino(String name, String how, Tokens tokens, Fit fit) {
    String description = "similarity of DINO's features, " + how;
    return new Row(
        new Kind(name, description, Optional.of(MetricNetwork.DINO), false),
        weights -> DinoSimilarity.of(weights, tokens, fit),
        null);
  }

  private static Row fid(String name, InceptionV3.Tap tap, Fid.Style style) {
    String description =
        String.format(
            Locale.ROOT, "Fréchet inception distance of %d features, %s", tap.usual(), style.how());
    return new Row(
        new Kind(name, description, Optional.of(MetricNetwork.INCEPTION), true),
        null,
        weights -> Fid.of(tap, style, weights));
  }

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
