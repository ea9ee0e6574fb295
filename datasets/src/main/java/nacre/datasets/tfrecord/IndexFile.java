package nacre.datasets.tfrecord;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import nacre.tensor.Settings;
import nacre.weights.AtomicFile;
import nacre.weights.Sha256;

/**
 * The file that holds the index of a shard: beside the shard, or where that folder cannot be
 * written to, in the user's cache folder. It tells of which kind, size and time of change the shard
 * was, and ends with the SHA-256 of its own bytes; one that does not fit is made anew.
 */
final class IndexFile {
  /** The end of its name. */
  static final String SUFFIX = ".nacre-index";

  private static final int MAGIC = 0x4E435249; // NCRI
  private static final int VERSION = 1;
  private static final int DIGEST = 32;

  /** The largest that is read. */
  private static final long LARGEST = 1L << 28;

  private final RecordFile shard;
  private final RecordLayout layout;
  private final long size;
  private final long changed;

  private IndexFile(RecordFile shard, RecordLayout layout) throws IOException {
    this.shard = shard;
    this.layout = layout;
    size = shard.size();
    changed = Files.getLastModifiedTime(shard.path()).toMillis();
  }

  /** Reads the index of a shard, if there is one that fits; null otherwise. */
  static ShardIndex find(RecordFile shard, RecordLayout layout) throws IOException {
    IndexFile file = new IndexFile(shard, layout);
    ShardIndex index = file.read(file.beside());
    return index != null ? index : file.read(file.cached());
  }

  /** Reads the index of a shard, or makes it. */
  static ShardIndex of(RecordFile shard, RecordLayout layout) throws IOException {
    ShardIndex index = find(shard, layout);
    if (index == null) {
      IndexFile file = new IndexFile(shard, layout);
      index = ShardIndex.build(shard, layout);
      file.write(index);
    }
    return index;
  }

  private Path beside() {
    Path path = shard.path().toAbsolutePath();
    return path.resolveSibling(path.getFileName() + SUFFIX);
  }

  private Path cached() {
    Path path = shard.path().toAbsolutePath().normalize();
    String name = new Sha256().add(path.toString()).hex().substring(0, 16);
    return Settings.ofProcess()
        .cache()
        .resolve("indexes")
        .resolve(path.getFileName() + "-" + name + SUFFIX);
  }

  /** Whoever cannot keep an index makes it again the next time. */
  private void write(ShardIndex index) throws IOException {
    byte[] bytes = bytes(index);
    if (!writeTo(beside(), bytes)) {
      writeTo(cached(), bytes);
    }
  }

  private static boolean writeTo(Path file, byte[] bytes) {
    try {
      Files.createDirectories(file.getParent());
      AtomicFile.write(file, out -> out.write(bytes));
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private byte[] bytes(ShardIndex index) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    out.writeInt(MAGIC);
    out.writeInt(VERSION);
    out.writeUTF(layout.name());
    out.writeLong(size);
    out.writeLong(changed);
    out.writeInt(index.entries().size());
    for (ShardIndex.Entry entry : index.entries()) {
      out.writeLong(entry.place().offset());
      out.writeInt(entry.place().length());
      out.writeInt(entry.crc());
      out.writeInt(entry.frames());
      out.writeUTF(entry.fault() == null ? "" : entry.fault());
      out.writeInt(entry.parts().size());
      for (Map.Entry<String, List<Span>> part : entry.parts().entrySet()) {
        out.writeUTF(part.getKey());
        out.writeInt(part.getValue().size());
        for (Span span : part.getValue()) {
          out.writeInt((int) (span.offset() - entry.place().offset()));
          out.writeInt(span.length());
          out.writeInt(span.crc());
        }
      }
    }
    bytes.write(new Sha256().add(ByteBuffer.wrap(bytes.toByteArray())).bytes());
    return bytes.toByteArray();
  }

  /** Null if there is none that fits. */
  private ShardIndex read(Path file) {
    try {
      if (!Files.isRegularFile(file) || Files.size(file) > LARGEST) {
        return null;
      }
      byte[] bytes = Files.readAllBytes(file);
      int body = bytes.length - DIGEST;
      if (body < 0) {
        return null;
      }
      byte[] digest = new Sha256().add(ByteBuffer.wrap(bytes, 0, body)).bytes();
      if (!Arrays.equals(digest, 0, DIGEST, bytes, body, bytes.length)) {
        return null;
      }
      return parse(new DataInputStream(new ByteArrayInputStream(bytes, 0, body)));
    } catch (IOException e) {
      return null; // it is made anew
    }
  }

  private ShardIndex parse(DataInputStream in) throws IOException {
    if (in.readInt() != MAGIC
        || in.readInt() != VERSION
        || !in.readUTF().equals(layout.name())
        || in.readLong() != size
        || in.readLong() != changed) {
      return null;
    }
    int count = in.readInt();
    List<ShardIndex.Entry> entries = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      entries.add(entry(in, i));
    }
    return new ShardIndex(entries);
  }

  private static ShardIndex.Entry entry(DataInputStream in, int number) throws IOException {
    long offset = in.readLong();
    int length = in.readInt();
    int crc = in.readInt();
    int frames = in.readInt();
    String fault = in.readUTF();
    Map<String, List<Span>> parts = new LinkedHashMap<>();
    int count = in.readInt();
    for (int i = 0; i < count; i++) {
      String name = in.readUTF();
      int spans = in.readInt();
      List<Span> places = new ArrayList<>();
      for (int k = 0; k < spans; k++) {
        places.add(new Span(offset + in.readInt(), in.readInt(), in.readInt()));
      }
      parts.put(name, places);
    }
    return new ShardIndex.Entry(
        new RecordFile.Place(number, offset, length, null),
        crc,
        frames,
        parts,
        fault.isEmpty() ? null : fault);
  }
}
