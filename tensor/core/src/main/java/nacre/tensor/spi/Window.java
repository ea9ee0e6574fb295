package nacre.tensor.spi;

/**
 * How a convolution's or pooling's window moves over an image.
 *
 * @param stride step between windows, both axes
 * @param top rows of zeros added above
 * @param left columns of zeros added on the left
 * @param bottom rows of zeros added below
 * @param right columns of zeros added on the right
 */
public record Window(int stride, int top, int left, int bottom, int right) {
  /** The same padding on all sides. */
  public static Window of(int stride, int padding) {
    return new Window(stride, padding, padding, padding, padding);
  }

  /** Output rows for {@code h} input rows and a kernel {@code kh} rows high. */
  public int outHeight(int h, int kh) {
    return (h + top + bottom - kh) / stride + 1;
  }

  /** Output columns for {@code w} input columns and a kernel {@code kw} columns wide. */
  public int outWidth(int w, int kw) {
    return (w + left + right - kw) / stride + 1;
  }
}
