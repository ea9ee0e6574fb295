package nacre.neuralassets.scene;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Locale;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * A decoder of the plain kind of PNG that data sets are full of: gray, RGB or RGBA of 8 bits, not
 * interlaced, several times as fast as ImageIO, which reads the others. No memory is taken before
 * the size is known to be the one that is wanted.
 */
public final class PlainPng {
  private static final long SIGNATURE = 0x89504E470D0A1A0AL;
  private static final int HEADER = 0x49484452; // IHDR
  private static final int DATA = 0x49444154; // IDAT
  private static final int END = 0x49454E44; // IEND

  private final byte[] png;
  private final ByteBuffer in;
  private int width;
  private int height;
  private int channels;

  private PlainPng(byte[] png) {
    this.png = png;
    in = ByteBuffer.wrap(png);
  }

  /** Bytes {@code [height, width, channels]}: 1 gray, 3 RGB, 4 RGBA. */
  public record Pixels(byte[] bytes, int width, int height, int channels) {
    /** Packed RGB: gray is repeated, alpha dropped. */
    public byte[] rgb() {
      if (channels == 3) {
        return bytes;
      }
      byte[] rgb = new byte[3 * width * height];
      for (int i = 0; i < width * height; i++) {
        for (int c = 0; c < 3; c++) {
          rgb[3 * i + c] = bytes[i * channels + (channels == 1 ? 0 : c)];
        }
      }
      return rgb;
    }
  }

  /**
   * Decodes a picture.
   *
   * @return null if it is of another kind, or of another size than wanted; nothing is said about
   *     its soundness then
   * @throws IOException in a few words, if it is damaged
   */
  public static Pixels decode(byte[] png, int width, int height) throws IOException {
    PlainPng decoder = new PlainPng(png);
    if (!decoder.header() || decoder.width != width || decoder.height != height) {
      return null;
    }
    return decoder.pixels();
  }

  /** Whether it is a PNG of this kind. */
  private boolean header() {
    if (in.remaining() < 33 || in.getLong() != SIGNATURE || in.getInt() != 13) {
      return false;
    }
    if (in.getInt() != HEADER) {
      return false;
    }
    width = in.getInt();
    height = in.getInt();
    int depth = in.get();
    int color = in.get();
    channels = color == 0 ? 1 : color == 2 ? 3 : color == 6 ? 4 : 0;
    boolean plain = in.get() == 0 & in.get() == 0 & in.get() == 0;
    in.getInt();
    return depth == 8 && channels > 0 && plain && crcIsRight(12, 17);
  }

  private boolean crcIsRight(int from, int length) {
    CRC32 crc = new CRC32();
    crc.update(png, from, length);
    return (int) crc.getValue() == in.getInt(from + length);
  }

  private Pixels pixels() throws IOException {
    int row = width * channels;
    byte[] out = new byte[row * height];
    byte[] line = new byte[row + 1];
    int lines = 0;
    int filled = 0;
    Inflater inflater = new Inflater();
    try {
      while (true) {
        if (in.remaining() < 12) {
          throw new IOException("it is cut short");
        }
        int length = in.getInt();
        int type = in.getInt();
        if (length < 0 || length > in.remaining() - 4) {
          throw new IOException("it is cut short");
        }
        int from = in.position();
        if (!crcIsRight(from - 4, length + 4)) {
          throw new IOException("a checksum is wrong");
        }
        in.position(from + length + 4);
        if (type == END) {
          break;
        }
        if (type != DATA) {
          continue;
        }
        inflater.setInput(png, from, length);
        while (lines < height && !inflater.needsInput() && !inflater.finished()) {
          int got = inflater.inflate(line, filled, line.length - filled);
          filled += got;
          if (got == 0 && inflater.needsDictionary()) {
            throw new IOException("it wants a dictionary");
          }
          if (filled == line.length) {
            unfilter(line, out, lines++, row);
            filled = 0;
          }
        }
      }
    } catch (DataFormatException e) {
      throw new IOException("its data cannot be inflated: " + e.getMessage(), e);
    } finally {
      inflater.end();
    }
    if (lines < height) {
      throw new IOException(
          String.format(Locale.ROOT, "it ends after %d of %d lines", lines, height));
    }
    return new Pixels(out, width, height, channels);
  }

  private void unfilter(byte[] line, byte[] out, int y, int row) throws IOException {
    int at = y * row;
    int n = channels;
    System.arraycopy(line, 1, out, at, row);
    switch (line[0]) {
      case 0 -> {}
      case 1 -> {
        for (int i = n; i < row; i++) {
          out[at + i] += out[at + i - n];
        }
      }
      case 2 -> {
        for (int i = 0; i < row && y > 0; i++) {
          out[at + i] += out[at + i - row];
        }
      }
      case 3 -> {
        for (int i = 0; i < row; i++) {
          int left = i < n ? 0 : out[at + i - n] & 0xFF;
          int above = y == 0 ? 0 : out[at + i - row] & 0xFF;
          out[at + i] += (byte) ((left + above) >> 1);
        }
      }
      case 4 -> paeth(out, at, row, y);
      default -> throw new IOException("line " + y + " has a filter of kind " + line[0]);
    }
  }

  private void paeth(byte[] out, int at, int row, int y) {
    int n = channels;
    if (y == 0) {
      for (int i = n; i < row; i++) {
        out[at + i] += out[at + i - n];
      }
      return;
    }
    for (int i = 0; i < n; i++) {
      out[at + i] += out[at + i - row];
    }
    for (int i = n; i < row; i++) {
      int a = out[at + i - n] & 0xFF;
      int b = out[at + i - row] & 0xFF;
      int c = out[at + i - row - n] & 0xFF;
      int pa = Math.abs(b - c);
      int pb = Math.abs(a - c);
      int pc = Math.abs(a + b - 2 * c);
      out[at + i] += (byte) (pa <= pb && pa <= pc ? a : pb <= pc ? b : c);
    }
  }
}
