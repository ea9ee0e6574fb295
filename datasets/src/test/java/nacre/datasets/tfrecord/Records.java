package nacre.datasets.tfrecord;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Writes TFRecords and messages by hand, for tests. */
public final class Records {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  /** Adds a record around a payload. */
  public Records add(byte[] payload) {
    return add(payload, payload.length);
  }

  /** Adds a record whose header claims another length, with a right checksum. */
  public Records add(byte[] payload, long claimed) {
    ByteBuffer b = ByteBuffer.allocate(payload.length + 16).order(ByteOrder.LITTLE_ENDIAN);
    b.putLong(claimed);
    b.putInt(MaskedCrc.of(b.slice(0, 8)));
    b.put(payload);
    b.putInt(MaskedCrc.of(ByteBuffer.wrap(payload)));
    out.writeBytes(b.array());
    return this;
  }

  /** The file. */
  public byte[] bytes() {
    return out.toByteArray();
  }

  /** Concatenation. */
  public static byte[] join(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }

  /** A varint. */
  public static byte[] varint(long value) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    long rest = value;
    while ((rest & ~0x7FL) != 0) {
      bytes.write((int) (rest & 0x7F | 0x80));
      rest >>>= 7;
    }
    bytes.write((int) rest);
    return bytes.toByteArray();
  }

  /** A field that is a message, text or packed list. */
  public static byte[] field(int number, byte[]... parts) {
    byte[] value = join(parts);
    return join(varint(number << 3 | 2), varint(value.length), value);
  }

  /** A packed list of integers as a feature. */
  public static byte[] ints(long... values) {
    byte[][] each = new byte[values.length][];
    for (int i = 0; i < values.length; i++) {
      each[i] = varint(values[i]);
    }
    return field(3, field(1, each));
  }

  /** A packed list of floats as a feature. */
  public static byte[] floats(float... values) {
    ByteBuffer b = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      b.putFloat(value);
    }
    return field(2, field(1, b.array()));
  }

  /** Byte strings as a feature. */
  public static byte[] strings(byte[]... values) {
    byte[][] each = new byte[values.length][];
    for (int i = 0; i < values.length; i++) {
      each[i] = field(1, values[i]);
    }
    return field(1, each);
  }

  /** An entry of a map. */
  public static byte[] entry(String key, byte[] value) {
    return field(1, field(1, key.getBytes(StandardCharsets.UTF_8)), field(2, value));
  }

  /** An example of these entries. */
  public static byte[] example(byte[]... entries) {
    return field(1, entries);
  }
}
