package nacre.evaluation.metric;

import java.util.Arrays;
import java.util.Locale;
import nacre.diffusion.image.PillowFilter;
import nacre.diffusion.image.RgbImage;
import nacre.evaluation.Rgb;
import nacre.nn.ImageProcessorConfig;
import nacre.nn.Parameters;
import nacre.nn.Vit;
import nacre.nn.VitConfig;
import nacre.nn.VitFolder;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.Reduce;
import nacre.tensor.ops.Slice;
import nacre.weights.WeightsException;

/**
 * The cosine of the features that a vision transformer finds in a picture and in the true one.
 * DreamBooth's DINO score is that of DINO's ViT-S/16 with {@link Tokens#CLASS} and {@link
 * Fit#CROP}; any other ViT that Nacre reads may stand in its place, and {@link #name} says which it
 * is. Pictures are rounded to 8 bits, and resized as Pillow does, which rounds after each pass.
 *
 * @param vit the network, which must live as long as this
 * @param images mean and standard deviation of the pixels that it was trained on
 * @param tokens which features
 * @param fit how pictures come to be of its size
 */
public record DinoSimilarity(
    Device device, Vit vit, ImageProcessorConfig images, Tokens tokens, Fit fit) implements Metric {
  /** Side of the squares that networks see, if their patches divide it. */
  private static final int SIDE = 224;

  /** The shorter side before {@link Fit#CROP} crops. */
  private static final int BEFORE_CROP = 256;

  private static final int TOGETHER = 16;

  /** The features that are compared. */
  public enum Tokens {
    /** The class token of the last layer, after its norm where the family has one there. */
    CLASS("class token"),
    /** The mean of the patches' tokens. */
    PATCH_MEAN("mean of patches");

    private final String title;

    Tokens(String title) {
      this.title = title;
    }
  }

  /** How pictures of any size become squares. */
  public enum Fit {
    /** The shorter side becomes 256 pixels, then the middle 224 by 224 are cut out. */
    CROP("resized to 256, middle 224"),
    /** The whole picture becomes 224 by 224, whatever its shape: for crops of objects. */
    WHOLE("resized to 224 × 224");

    private final String title;

    Fit(String title) {
      this.title = title;
    }
  }

  /**
   * Reads a network of a folder of transformers or timm, of which tensors belong to the current
   * scope.
   *
   * @throws WeightsException if a file is missing or does not fit, in one line
   */
  static DinoSimilarity of(MetricWeights weights, Tokens tokens, Fit fit) throws WeightsException {
    var folder = weights.of(MetricNetwork.DINO).orElseThrow();
    VitConfig config = VitFolder.config(folder);
    Parameters p = Parameters.unwritten(weights.device(), DType.F32).frozen();
    Vit vit = VitFolder.load(p, folder);
    p.prepack();
    vit.prepare(SIDE, SIDE);
    ImageProcessorConfig images = ImageProcessorConfig.read(folder, config);
    return new DinoSimilarity(weights.device(), vit, images, tokens, fit);
  }

  /** As "DINO similarity (ViT 384/16, class token, resized to 256, middle 224)". */
  @Override
  public String name() {
    VitConfig config = vit.config();
    return String.format(
        Locale.ROOT,
        "DINO similarity (%s %d/%d, %s, %s)",
        config.family().title(),
        config.hiddenSize(),
        config.patchSize(),
        tokens.title,
        fit.title);
  }

  @Override
  public boolean higherIsBetter() {
    return true;
  }

  @Override
  public double[] of(float[] pictures, float[] truths, int count, int height, int width) {
    Pictures.check(name(), pictures, truths, count, height, width);
    double[] values = new double[count];
    for (int at = 0; at < count; at += TOGETHER) {
      int some = Math.min(TOGETHER, count - at);
      float[] a = features(pictures, at, some, height, width);
      float[] b = features(truths, at, some, height, width);
      int length = a.length / some;
      for (int i = 0; i < some; i++) {
        values[at + i] = cosine(a, b, i * length, length);
      }
    }
    return values;
  }

  /** Of {@code count} pictures from the one at {@code at} on, {@code [count, C]}. */
  private float[] features(float[] pictures, int at, int count, int height, int width) {
    int length = height * width * Pictures.CHANNELS;
    int seen = SIDE * SIDE * Pictures.CHANNELS;
    float[] pixels = new float[count * seen];
    for (int i = 0; i < count; i++) {
      float[] one = Arrays.copyOfRange(pictures, (at + i) * length, (at + i + 1) * length);
      byte[] shown = fitted(Rgb.bytes(one), height, width);
      System.arraycopy(Rgb.floats(shown), 0, pixels, i * seen, seen);
    }
    for (int k = 0; k < pixels.length; k++) {
      int c = k % Pictures.CHANNELS;
      pixels[k] = (float) ((pixels[k] - images.mean().get(c)) / images.std().get(c));
    }
    try (Scope _ = Scope.open()) {
      Shape shape = Shape.of(count, SIDE, SIDE, Pictures.CHANNELS);
      Tensor out = vit.forward(Tensor.of(device, shape, pixels)); // [count, T, C]
      if (tokens == Tokens.CLASS) {
        return vit.pool(out).toFloats();
      }
      int first = vit.config().prefixTokens();
      return Reduce.mean(Slice.slice(out, 1, first, out.dim(1) - first), 1).toFloats();
    }
  }

  /** As DreamBooth's evaluation does it, on pictures of 8 bits: resized, then cropped. */
  private byte[] fitted(byte[] picture, int height, int width) {
    RgbImage image = new RgbImage(picture, width, height);
    if (fit == Fit.WHOLE) {
      return image.resize(SIDE, SIDE, PillowFilter.BICUBIC).rgb();
    }
    int shorter = Math.min(height, width);
    int high = (int) ((long) height * BEFORE_CROP / shorter);
    int wide = (int) ((long) width * BEFORE_CROP / shorter);
    byte[] large = image.resize(wide, high, PillowFilter.BICUBIC).rgb();
    int top = (int) Math.rint((high - SIDE) / 2.0);
    int left = (int) Math.rint((wide - SIDE) / 2.0);
    byte[] middle = new byte[SIDE * SIDE * Pictures.CHANNELS];
    int line = SIDE * Pictures.CHANNELS;
    for (int y = 0; y < SIDE; y++) {
      int from = ((top + y) * wide + left) * Pictures.CHANNELS;
      System.arraycopy(large, from, middle, y * line, line);
    }
    return middle;
  }

  private static double cosine(float[] a, float[] b, int from, int length) {
    double product = 0;
    double squaresA = 0;
    double squaresB = 0;
    for (int k = from; k < from + length; k++) {
      product += (double) a[k] * b[k];
      squaresA += (double) a[k] * a[k];
      squaresB += (double) b[k] * b[k];
    }
    return product / Math.sqrt(squaresA * squaresB);
  }
}
