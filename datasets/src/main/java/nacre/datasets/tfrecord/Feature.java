package nacre.datasets.tfrecord;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * A {@code tf.train.Feature}: a list of byte strings, of floats or of 64-bit integers. Numbers may
 * be packed or not.
 *
 * @param name for messages
 * @param bytes the encoded message
 * @param where the record is, for messages
 */
public record Feature(String name, byte[] bytes, String where) {
  /** The most byte strings of a list, which is more frames than any video has. */
  static final int MOST = 100_000;

  private static final int BYTES = 1;
  private static final int FLOATS = 2;
  private static final int INTS = 3;

  private static String kind(int field) {
    return switch (field) {
      case BYTES -> "byte strings";
      case FLOATS -> "floats";
      default -> "integers";
    };
  }

  /** Reads one element of a list. */
  private interface Element {
    void read(CodedInputStream in, int tag) throws IOException;
  }

  /** The values of a float list. */
  public float[] floats() throws IOException {
    float[][] values = {new float[0]};
    int[] count = {0};
    each(
        FLOATS,
        (in, tag) -> {
          if (WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_LENGTH_DELIMITED) {
            int length = in.readRawVarint32();
            int limit = in.pushLimit(length);
            // A length that goes beyond the message has failed above.
            int needed = count[0] + length / Float.BYTES;
            if (needed > values[0].length) {
              values[0] = Arrays.copyOf(values[0], Math.max(needed, 2 * count[0]));
            }
            while (in.getBytesUntilLimit() > 0) {
              float value = in.readFloat();
              values[0][count[0]++] = value;
            }
            in.popLimit(limit);
          } else {
            if (count[0] == values[0].length) {
              values[0] = Arrays.copyOf(values[0], Math.max(16, 2 * count[0]));
            }
            values[0][count[0]++] = in.readFloat();
          }
        });
    return Arrays.copyOf(values[0], count[0]);
  }

  /** The values of an integer list. */
  public long[] ints() throws IOException {
    long[][] values = {new long[0]};
    int[] count = {0};
    each(
        INTS,
        (in, tag) -> {
          boolean packed = WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_LENGTH_DELIMITED;
          int limit = packed ? in.pushLimit(in.readRawVarint32()) : 0;
          do {
            if (packed && in.getBytesUntilLimit() == 0) {
              break;
            }
            if (count[0] == values[0].length) {
              values[0] = Arrays.copyOf(values[0], Math.max(16, 2 * count[0]));
            }
            values[0][count[0]++] = in.readInt64();
          } while (packed);
          if (packed) {
            in.popLimit(limit);
          }
        });
    return Arrays.copyOf(values[0], count[0]);
  }

  /**
   * The places of the values of a list of byte strings.
   *
   * @param message the encoded feature
   */
  static List<RecordLayout.Part> places(ByteBuffer message, String name, String where)
      throws IOException {
    List<RecordLayout.Part> places = new ArrayList<>();
    each(
        CodedInputStream.newInstance(message),
        name,
        where,
        BYTES,
        (in, _) -> {
          if (places.size() == MOST) {
            throw wrong(name, where, "has more than " + MOST + " values");
          }
          int length = in.readRawVarint32();
          places.add(new RecordLayout.Part(in.getTotalBytesRead(), length));
          in.skipRawBytes(length);
        });
    return places;
  }

  /** The values of a list of byte strings, as text. */
  public List<String> texts() throws IOException {
    List<String> texts = new ArrayList<>();
    for (RecordLayout.Part place : places(ByteBuffer.wrap(bytes), name, where)) {
      texts.add(new String(bytes, place.offset(), place.length(), StandardCharsets.UTF_8));
    }
    return texts;
  }

  /**
   * The values of a float list, all of which are finite.
   *
   * @param count how many there must be
   */
  public float[] floats(int count) throws IOException {
    float[] values = floats();
    check(values.length, count);
    for (int i = 0; i < count; i++) {
      if (!Float.isFinite(values[i])) {
        throw wrong("[" + i + "] is " + values[i]);
      }
    }
    return values;
  }

  /**
   * The values of an integer list.
   *
   * @param count how many there must be
   */
  public long[] ints(int count) throws IOException {
    long[] values = ints();
    check(values.length, count);
    return values;
  }

  private void check(int is, int wanted) throws RecordException {
    if (is != wanted) {
      throw wrong(String.format(Locale.ROOT, "has %d values instead of %d", is, wanted));
    }
  }

  /** An exception that names the feature. */
  public RecordException wrong(String what) {
    return wrong(name, where, what);
  }

  private static RecordException wrong(String name, String where, String what) {
    return new RecordException(where + ": " + name + " " + what);
  }

  private void each(int wanted, Element element) throws IOException {
    each(CodedInputStream.newInstance(bytes), name, where, wanted, element);
  }

  /** Goes through the list; one of another type is refused unless it is empty. */
  private static void each(
      CodedInputStream in, String name, String where, int wanted, Element element)
      throws IOException {
    try {
      for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
        int field = WireFormat.getTagFieldNumber(tag);
        if (WireFormat.getTagWireType(tag) != WireFormat.WIRETYPE_LENGTH_DELIMITED
            || field < BYTES
            || field > INTS) {
          in.skipField(tag);
          continue;
        }
        int length = in.readRawVarint32();
        if (field != wanted && length > 0) {
          throw wrong(name, where, "holds " + kind(field) + " instead of " + kind(wanted));
        }
        int limit = in.pushLimit(length);
        list(in, element);
        in.popLimit(limit);
      }
    } catch (RecordException e) {
      throw e;
    } catch (IOException | IllegalStateException e) {
      throw new RecordException(where + ": " + name + " is damaged: " + e.getMessage(), e);
    }
  }

  private static void list(CodedInputStream in, Element element) throws IOException {
    while (in.getBytesUntilLimit() > 0) {
      int tag = in.readTag();
      if (WireFormat.getTagFieldNumber(tag) == 1) {
        element.read(in, tag);
      } else {
        in.skipField(tag);
      }
    }
  }
}
