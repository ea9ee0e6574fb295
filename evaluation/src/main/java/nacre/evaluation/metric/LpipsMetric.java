package nacre.evaluation.metric;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import nacre.nn.vision.Lpips;
import nacre.nn.vision.LpipsFiles;
import nacre.nn.vision.LpipsNet;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.Affine;
import nacre.weights.WeightsException;

/**
 * LPIPS of each picture, version 0.1: a distance of activations of an image classifier, see {@link
 * Lpips}. Pictures are shown to it as large as they are.
 *
 * @param lpips the network, which must live as long as this
 * @param epsilon whose epsilon
 */
public record LpipsMetric(Device device, Lpips lpips, Lpips.Epsilon epsilon) implements Metric {
  /** Pixels that are in the network at a time, of pictures and truths each. */
  private static final int TOGETHER = 4 * 256 * 256;

  /**
   * Reads a network, of which tensors belong to the current scope; its heads are the authors'.
   *
   * @throws WeightsException if the weights cannot be read or do not fit, in one line
   */
  static LpipsMetric of(LpipsNet net, MetricNetwork file, MetricWeights weights, Lpips.Epsilon e)
      throws WeightsException {
    LpipsFiles files = new LpipsFiles(net, weights.of(file).orElseThrow(), Optional.empty());
    return new LpipsMetric(weights.device(), files.load(weights.device()).prepack(), e);
  }

  @Override
  public String name() {
    String net =
        switch (lpips.net()) {
          case ALEX -> "AlexNet";
          case VGG -> "VGG16";
          case SQUEEZE -> "SqueezeNet";
        };
    return String.format(
        Locale.ROOT, "LPIPS (%s%s)", net, epsilon == Lpips.Epsilon.AUTHORS ? "" : ", torchmetrics");
  }

  @Override
  public boolean higherIsBetter() {
    return false;
  }

  @Override
  public double[] of(float[] pictures, float[] truths, int count, int height, int width) {
    Pictures.check(name(), pictures, truths, count, height, width);
    Pictures.atLeast(name(), lpips.net().smallest(), height, width);
    double[] values = new double[count];
    int most = Math.max(1, TOGETHER / (height * width));
    for (int at = 0; at < count; at += most) {
      int some = Math.min(most, count - at);
      try (Scope _ = Scope.open()) {
        Tensor a = tensor(pictures, at, some, height, width);
        Tensor b = tensor(truths, at, some, height, width);
        float[] distances = lpips.distance(a, b, epsilon).toFloats();
        for (int i = 0; i < some; i++) {
          values[at + i] = distances[i];
        }
      }
    }
    return values;
  }

  /** In [−1, 1]. */
  private Tensor tensor(float[] pictures, int at, int count, int height, int width) {
    int length = height * width * Pictures.CHANNELS;
    float[] some = Arrays.copyOfRange(pictures, at * length, (at + count) * length);
    Shape shape = Shape.of(count, height, width, Pictures.CHANNELS);
    return Affine.affine(Tensor.of(device, shape, some), 2, -1);
  }
}
