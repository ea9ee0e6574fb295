package nacre.tensor.cpu;

import nacre.tensor.Tensor;
import nacre.tensor.cpu.engine.Worth;

/**
 * How channels-last images [N, pixels, C] are cut into pieces of whole pixels, by their shape
 * alone.
 *
 * @param images N
 * @param pixels of each
 * @param channels C
 * @param rows pixels of a piece; the last of an image may have fewer
 * @param pieces of each image
 */
record ImagePieces(int images, long pixels, int channels, int rows, int pieces) {
  /** Pieces of about so many elements. */
  static ImagePieces of(Tensor x, int elements) {
    int n = x.dim(0);
    int c = x.dim(-1);
    long pixels = n == 0 ? 0 : x.elements() / ((long) n * c);
    int rows = (int) Math.max(1, Math.min(pixels, elements / c));
    return new ImagePieces(n, pixels, c, rows, (int) ((pixels + rows - 1) / rows));
  }

  int rowsOf(int piece) {
    return (int) Math.min(rows, pixels - (long) piece * rows);
  }

  /** Index of a piece's first element. */
  long start(int image, int piece) {
    return ((long) image * pixels + (long) piece * rows) * channels;
  }

  /** Pieces of all images. */
  int all() {
    return images * pieces;
  }

  boolean worth() {
    return Worth.functions(images * pixels * channels);
  }
}
