package nacre.weights;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** A writer of zip archives, with and without mistakes. */
final class ZipBytes {
  /** An entry as the directory describes it; the fields may lie. */
  static final class Item {
    String name;
    String localName;
    byte[] data;
    int flags;
    int method;
    long size;
    long compressed;
    long header = -1;
    int disk;
    byte[] extra = {};

    Item(String name, byte[] data) {
      this.name = name;
      this.localName = name;
      this.data = data;
      this.size = data.length;
      this.compressed = data.length;
    }
  }

  private final List<Item> items = new ArrayList<>();

  /** A checkpoint: a pickle, and storage {@code 0} of four floats. */
  static ZipBytes checkpoint(String pickle) {
    ByteBuffer floats = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
    floats.asFloatBuffer().put(new float[] {1, 2, 3, 4});
    return new ZipBytes()
        .add("a/data.pkl", PickleText.bytes(pickle))
        .add("a/byteorder", "little".getBytes(StandardCharsets.US_ASCII))
        .add("a/data/0", floats.array());
  }

  ZipBytes add(String name, byte[] data) {
    items.add(new Item(name, data));
    return this;
  }

  /** Changes the last entry. */
  ZipBytes with(Consumer<Item> change) {
    change.accept(items.getLast());
    return this;
  }

  /** The archive, without ZIP64. */
  byte[] bytes() {
    return bytes(false);
  }

  byte[] bytes(boolean zip64) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (Item item : items) {
      long header = out.size();
      item.header = item.header < 0 ? header : item.header;
      byte[] name = item.localName.getBytes(StandardCharsets.UTF_8);
      ByteBuffer local = buffer(30);
      local.putInt(0x04034b50).putShort((short) 20).putShort((short) item.flags);
      local.putShort((short) item.method).putInt(0).putInt(0);
      local.putInt((int) item.compressed).putInt((int) item.size);
      local.putShort((short) name.length).putShort((short) 0);
      out.writeBytes(local.array());
      out.writeBytes(name);
      out.writeBytes(item.data);
    }
    long directory = out.size();
    for (Item item : items) {
      out.writeBytes(central(item, zip64));
    }
    long length = out.size() - directory;
    if (zip64) {
      long end = out.size();
      ByteBuffer wide = buffer(56 + 20);
      wide.putInt(0x06064b50).putLong(44).putInt(0x002d002d).putInt(0).putInt(0);
      wide.putLong(items.size()).putLong(items.size()).putLong(length).putLong(directory);
      wide.putInt(0x07064b50).putInt(0).putLong(end).putInt(1);
      out.writeBytes(wide.array());
    }
    ByteBuffer end = buffer(22);
    end.putInt(0x06054b50).putInt(0);
    end.putShort((short) (zip64 ? -1 : items.size())).putShort((short) (zip64 ? -1 : items.size()));
    end.putInt(zip64 ? -1 : (int) length).putInt(zip64 ? -1 : (int) directory);
    out.writeBytes(end.array());
    return out.toByteArray();
  }

  private static byte[] central(Item item, boolean zip64) {
    byte[] name = item.name.getBytes(StandardCharsets.UTF_8);
    byte[] extra = item.extra;
    if (zip64) {
      ByteBuffer wide = buffer(4 + 5 + 28); // another field before it
      wide.putShort((short) 0x4246).putShort((short) 5).put(new byte[5]);
      wide.putShort((short) 1).putShort((short) 24);
      wide.putLong(item.size).putLong(item.compressed).putLong(item.header);
      extra = wide.array();
    }
    ByteBuffer central = buffer(46 + name.length + extra.length);
    central.putInt(0x02014b50).putInt(0x002d002d).putShort((short) item.flags);
    central.putShort((short) item.method).putInt(0).putInt(0);
    central.putInt(zip64 ? -1 : (int) item.compressed).putInt(zip64 ? -1 : (int) item.size);
    central.putShort((short) name.length).putShort((short) extra.length).putShort((short) 0);
    central.putShort((short) item.disk).putShort((short) 0).putInt(0);
    central.putInt(zip64 ? -1 : (int) item.header);
    return central.put(name).put(extra).array();
  }

  private static ByteBuffer buffer(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }
}
