package nacre.datasets.parquet;

import dev.hardwood.InputFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A Parquet file whose column names have slashes for dots. Hardwood takes every dot in a name for a
 * step into a group, and so finds no column with a dot in its own name (hardwood-hq/hardwood#794);
 * when that is mended, this class can go. Reading of nothing is refused: Hardwood asks for it again
 * and again where a page claims to be longer than its column.
 *
 * @param file the file as it is
 */
record PlainNames(InputFile file) implements InputFile {
  /** The footer's length and the magic number at the end of a file. */
  private static final int TAIL = 8;

  private static final Pattern DOTTED = Pattern.compile("(?:\\w+|\\[\\w+])(?:\\.\\w+)+");

  /** The name by which a column is found. */
  static String of(String column) {
    return column.replace('.', '/');
  }

  @Override
  public void open() throws IOException {
    file.open();
  }

  @Override
  public long length() throws IOException {
    return file.length();
  }

  @Override
  public String name() {
    return file.name();
  }

  @Override
  public void close() throws IOException {
    file.close();
  }

  @Override
  public ByteBuffer readRange(long offset, int length) throws IOException {
    if (length < 1) {
      throw new IOException("a page is longer than its column");
    }
    ByteBuffer range = file.readRange(offset, length);
    boolean isFooter = length > TAIL && offset + length >= file.length() - TAIL;
    return isFooter ? renamed(range) : range;
  }

  /** The length of a name stays the same, and with it all that is around it. */
  private static ByteBuffer renamed(ByteBuffer footer) {
    byte[] bytes = new byte[footer.remaining()];
    footer.duplicate().get(bytes);
    Matcher names = DOTTED.matcher(new String(bytes, StandardCharsets.ISO_8859_1));
    while (names.find()) {
      for (int i = names.start(); i < names.end(); i++) {
        if (bytes[i] == '.') {
          bytes[i] = '/';
        }
      }
    }
    return ByteBuffer.wrap(bytes);
  }
}
