package nacre.weights;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** The UTF-8 text files beside weights: configurations, vocabularies. */
public final class TextFile {
  /** Formats that are certainly not the expected text. */
  private static final Set<ForeignFormat> NOT_IT =
      EnumSet.of(
          ForeignFormat.LFS_POINTER, ForeignFormat.GZIP, ForeignFormat.WEB_PAGE, ForeignFormat.XML);

  private TextFile() {}

  /**
   * Reads a whole file; a byte order mark at its start is left out.
   *
   * @throws WeightsException if it is missing, cannot be read, or is not UTF-8, in one line
   */
  public static String read(Path file) throws WeightsException {
    byte[] bytes = bytes(file);
    byte[] start = Arrays.copyOf(bytes, Math.min(bytes.length, ForeignFormat.LOOKED_AT));
    Optional<ForeignFormat> other = ForeignFormat.of(start).filter(NOT_IT::contains);
    if (other.isPresent()) {
      throw new WeightsException(file, "is " + other.get().description(start));
    }
    ByteBuffer rest = ByteBuffer.wrap(bytes);
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(rest).toString();
      return text.startsWith("\ufeff") ? text.substring(1) : text;
    } catch (CharacterCodingException e) {
      throw new WeightsException(file, notUtf8(bytes, rest.position()), e);
    }
  }

  private static byte[] bytes(Path file) throws WeightsException {
    try {
      return Files.readAllBytes(file);
    } catch (AccessDeniedException e) {
      throw new WeightsException(file, "cannot be read: access denied", e);
    } catch (IOException e) {
      String reason =
          Files.isDirectory(file)
              ? "is a folder"
              : Files.exists(file) ? "cannot be read: " + e.getMessage() : "no such file";
      throw new WeightsException(file, reason, e);
    }
  }

  private static String notUtf8(byte[] bytes, int at) {
    int mark = bytes.length < 2 ? 0 : (bytes[0] & 0xff) << 8 | bytes[1] & 0xff;
    if (mark == 0xfffe || mark == 0xfeff) {
      return "is UTF-16 text; save it as UTF-8";
    }
    int line = 1;
    for (int i = 0; i < at; i++) {
      line += bytes[i] == '\n' ? 1 : 0;
    }
    return String.format(
        Locale.ROOT,
        "is not UTF-8 text: byte 0x%02x in line %d; save it as UTF-8",
        bytes[at] & 0xff,
        line);
  }
}
