package nacre.evaluation.metric;

import java.util.Arrays;
import java.util.Locale;
import nacre.nn.vision.InceptionFile;
import nacre.nn.vision.InceptionV3;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.Affine;
import nacre.weights.WeightsException;

/**
 * The Fréchet inception distance (Heusel et al., 2017): how far the features that Inception v3
 * finds in the pictures are from those of the true ones, as Gaussians. Pictures count as the 8-bit
 * pictures that they would be saved as.
 */
public final class Fid implements SetMetric {
  private static final int SIDE = 299;
  private static final int TOGETHER = 8;

  private final Device device;
  private final InceptionV3 network;
  private final Style style;
  private final FeatureSums drawn;
  private final FeatureSums wanted;

  /** Whose FID: what becomes of a picture before the network sees it. */
  public enum Style {
    /** pytorch-fid's: resized between pixel centers, then {@code 2x − 1}. */
    PYTORCH_FID("pytorch-fid", Resampling.BILINEAR, 2 / 255.0, -1, false),

    /**
     * torch-fidelity's, and torchmetrics' with use_antialias=False: resized as TensorFlow 1 did,
     * then (x − 128) / 128.
     */
    TORCH_FIDELITY("torch-fidelity", Resampling.BILINEAR_TF1, 1 / 128.0, -1, false),

    /** As 3DIT's script gave pictures to torchmetrics: their 8 bits are cut off, not rounded. */
    CUT("torchmetrics in 3DIT's script", Resampling.BILINEAR_TF1, 1 / 128.0, -1, true);

    private final String title;
    private final Resampling resampling;
    private final double scale;
    private final double shift;
    private final boolean cut;

    Style(String title, Resampling resampling, double scale, double shift, boolean cut) {
      this.title = title;
      this.resampling = resampling;
      this.scale = scale;
      this.shift = shift;
      this.cut = cut;
    }

    /** Whose it is, in words. */
    String how() {
      return "as " + title + " has it";
    }
  }

  /**
   * A distance of empty sets.
   *
   * @param network must live as long as this
   */
  public Fid(Device device, InceptionV3 network, Style style) {
    this.device = device;
    this.network = network;
    this.style = style;
    this.drawn = new FeatureSums(network.width());
    this.wanted = new FeatureSums(network.width());
  }

  /** Reads a network, of which tensors belong to the current scope. */
  static Fid of(InceptionV3.Tap tap, Style style, MetricWeights weights) throws WeightsException {
    InceptionV3 network =
        new InceptionFile(weights.of(MetricNetwork.INCEPTION).orElseThrow())
            .load(weights.device(), tap);
    return new Fid(weights.device(), network, style);
  }

  /** As "FID (pytorch-fid, 2048)". */
  @Override
  public String name() {
    return String.format(Locale.ROOT, "FID (%s, %d)", style.title, drawn.dimensions());
  }

  @Override
  public boolean higherIsBetter() {
    return false;
  }

  @Override
  public void add(float[] pictures, float[] truths, int count, int height, int width) {
    Pictures.check(name(), pictures, truths, count, height, width);
    for (int at = 0; at < count; at += TOGETHER) {
      int some = Math.min(TOGETHER, count - at);
      drawn.add(features(pictures, at, some, height, width));
      wanted.add(features(truths, at, some, height, width));
    }
  }

  @Override
  public long count() {
    return drawn.count();
  }

  @Override
  public double value() {
    return FrechetDistance.of(drawn, wanted);
  }

  /** The features of {@code count} pictures from the one at {@code at} on, {@code [count, C]}. */
  private float[] features(float[] pictures, int at, int count, int height, int width) {
    int length = height * width * Pictures.CHANNELS;
    float[] bytes = Arrays.copyOfRange(pictures, at * length, (at + count) * length);
    for (int k = 0; k < bytes.length; k++) {
      float v = Math.clamp(bytes[k], 0f, 1f) * 255;
      bytes[k] = style.cut ? (int) v : Math.round(v);
    }
    float[] large = style.resampling.resizeAll(bytes, count, height, width, SIDE, SIDE);
    try (Scope _ = Scope.open()) {
      Tensor x = Tensor.of(device, Shape.of(count, SIDE, SIDE, Pictures.CHANNELS), large);
      return network.features(Affine.affine(x, style.scale, style.shift)).toFloats();
    }
  }
}
