package nacre.weights;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;

/**
 * A cursor over the bytes of a pickle, or of several that follow each other. It checks every length
 * against what is left before anything is allocated, and counts what the pickle's objects take in
 * memory, which is bounded.
 */
final class PickleInput {
  /** The most bytes of pickles; those of large checkpoints have some ten million. */
  private static final long LONGEST = 1 << 28;

  /** What the objects of all may take, in bytes. */
  private static final long MOST_MEMORY = 1 << 28;

  /** The longest line of protocol 0, a module's or a class's name or a number, in bytes. */
  private static final int LONGEST_LINE = 4096;

  /** The longest whole number, in bytes. */
  private static final int LONGEST_NUMBER = 256;

  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfDouble DOUBLE =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

  private final Path path;
  private final MemorySegment bytes;
  private final long end;
  private long at;
  private long memory;

  /**
   * A cursor.
   *
   * @param path the file, for messages
   * @param bytes where the pickle is in; it may end before them
   * @param start where it begins
   */
  PickleInput(Path path, MemorySegment bytes, long start) {
    this.path = path;
    this.bytes = bytes;
    this.at = start;
    this.end = Math.min(bytes.byteSize(), start + LONGEST);
  }

  /** The position of the next byte. */
  long position() {
    return at;
  }

  /** The bytes that are left. */
  long left() {
    return end - at;
  }

  /**
   * Counts an object.
   *
   * @throws WeightsException if all of them take too much memory
   */
  void allocate(long size) throws WeightsException {
    memory += size;
    if (memory > MOST_MEMORY) {
      throw wrong("its objects would take more than " + MOST_MEMORY + " bytes of memory");
    }
  }

  int u1() throws WeightsException {
    return bytes.get(ValueLayout.JAVA_BYTE, skip(1)) & 0xff;
  }

  int u2() throws WeightsException {
    return bytes.get(SHORT, skip(2)) & 0xffff;
  }

  int i4() throws WeightsException {
    return bytes.get(INT, skip(4));
  }

  long u4() throws WeightsException {
    return i4() & 0xffffffffL;
  }

  /** An unsigned number of 8 bytes; one that does not fit is the largest long, beyond any file. */
  long u8() throws WeightsException {
    long value = bytes.get(LONG, skip(8));
    return value < 0 ? Long.MAX_VALUE : value;
  }

  double f8() throws WeightsException {
    return bytes.get(DOUBLE, skip(8));
  }

  /**
   * Passes over bytes.
   *
   * @return where they begin
   * @throws WeightsException if there are fewer
   */
  long skip(long length) throws WeightsException {
    if (length < 0 || length > end - at) {
      throw wrong(
          end < bytes.byteSize()
              ? "it is longer than " + LONGEST + " bytes"
              : String.format(
                  Locale.ROOT,
                  "it wants %d bytes where %d are left; the file may be truncated",
                  length,
                  end - at));
    }
    long start = at;
    at += length;
    return start;
  }

  /** A text of UTF-8. */
  String utf8(long length) throws WeightsException {
    byte[] text = text(length);
    try {
      CharBuffer decoded = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(text));
      return decoded.toString();
    } catch (CharacterCodingException e) {
      throw wrong("a text in it is not UTF-8", e);
    }
  }

  /** A string of bytes of Python 2, taken for UTF-8 if it is, else for Latin-1. */
  String oldString(long length) throws WeightsException {
    byte[] text = text(length);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(text)).toString();
    } catch (CharacterCodingException _) {
      return new String(text, StandardCharsets.ISO_8859_1);
    }
  }

  private byte[] text(long length) throws WeightsException {
    long start = skip(length); // before the memory, which a length alone does not take
    allocate(56 + 2 * length);
    return bytes.asSlice(start, length).toArray(ValueLayout.JAVA_BYTE);
  }

  /** A line of protocol 0, without its end. */
  String line() throws WeightsException {
    long start = at;
    while (u1() != '\n') {
      if (at - start > LONGEST_LINE) {
        throw wrong("it has a line of more than " + LONGEST_LINE + " bytes");
      }
    }
    byte[] text = bytes.asSlice(start, at - 1 - start).toArray(ValueLayout.JAVA_BYTE);
    allocate(56 + 2L * text.length);
    return new String(text, StandardCharsets.UTF_8);
  }

  /** A whole number in two's complement, little-endian. */
  BigInteger number(long length) throws WeightsException {
    if (length > LONGEST_NUMBER) {
      throw wrong("it has a number of " + length + " bytes");
    }
    long start = skip(length);
    allocate(64 + length);
    byte[] reversed = new byte[(int) length];
    for (int i = 0; i < length; i++) {
      reversed[reversed.length - 1 - i] = bytes.get(ValueLayout.JAVA_BYTE, start + i);
    }
    return length == 0 ? BigInteger.ZERO : new BigInteger(reversed);
  }

  WeightsException wrong(String message) {
    return wrong(message, null);
  }

  private WeightsException wrong(String message, Exception cause) {
    return new WeightsException(path, "pickle, byte " + at + ": " + message, cause);
  }
}
