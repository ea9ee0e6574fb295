package nacre.datasets.pack;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.BooleanSupplier;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import javax.imageio.ImageIO;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import nacre.neuralassets.data.BadData;
import nacre.neuralassets.data.Clip;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.data.Share;
import nacre.neuralassets.scene.PngFile;
import nacre.neuralassets.scene.Scene;
import nacre.weights.AtomicFile;

/**
 * The writer of packs. Frames have the size, and the bits, in which a run of that size sees them;
 * segmentations, depths and flows are left out. Writing may be stopped, or killed, and goes on
 * after the last complete shard.
 */
public final class PackWriter {
  private final PackFolder folder;
  private final ClipSource source;
  private final PackFolder.Settings settings;
  private final BadData bad;
  private final long shardBytes;
  private long bytes;

  /** Told how far the writing is. */
  @FunctionalInterface
  public interface Listener {
    /** Called after each clip. */
    void at(int done, int total);
  }

  /**
   * A writer.
   *
   * @param root the pack's folder, in which an unfinished pack of the same may lie
   * @param all a finite data set
   * @param share what of it is packed here
   * @param size side of the frames in pixels
   * @param shardBytes a shard is closed when it has this size
   * @param bad what becomes of clips that cannot be read
   */
  public PackWriter(
      Path root, ClipSource all, Share share, int size, long shardBytes, BadData bad) {
    if (all.size() == ClipSource.ENDLESS) {
      throw new IllegalArgumentException(all.describe() + ": has no end, and cannot be packed");
    }
    this.folder = new PackFolder(root);
    this.source = share.of(all);
    this.settings = new PackFolder.Settings(all.describe(), size, share);
    this.shardBytes = shardBytes;
    this.bad = bad;
  }

  /**
   * Packs what is not packed yet.
   *
   * @param stop asked before each clip
   * @return whether all is packed; false if it was stopped
   * @throws IOException in one line, if the folder holds another pack, a clip cannot be read or a
   *     file not written; complete shards are kept
   */
  public boolean run(BooleanSupplier stop, Listener listener) throws IOException {
    if (!folder.exists()) {
      folder.write(settings);
    } else if (!folder.settings().equals(settings)) {
      throw new IOException(
          String.format(
              Locale.ROOT,
              "%s: is a pack of %s at %d pixels, part %d of %d; give another --out",
              folder.root(),
              folder.settings().source(),
              folder.settings().size(),
              folder.settings().share().rank() + 1,
              folder.settings().share().ranks()));
    }
    AtomicFile.removeLeftovers(folder.root());
    List<List<PackFolder.Entry>> shards = folder.shards();
    int shard = shards.size();
    int next = after(shards);
    listener.at(next, source.size());
    while (next < source.size() && !stop.getAsBoolean()) {
      List<PackFolder.Entry> entries = new ArrayList<>();
      int from = next;
      int[] end = {from};
      AtomicFile.write(
          folder.shard(shard), out -> end[0] = write(from, out, entries, stop, listener));
      folder.write(shard++, entries);
      next = end[0];
    }
    return next == source.size();
  }

  /** The index of the first clip after those that are packed. */
  private int after(List<List<PackFolder.Entry>> shards) throws IOException {
    List<PackFolder.Entry> packed = shards.stream().flatMap(List::stream).toList();
    if (packed.isEmpty()) {
      return 0;
    }
    String last = packed.getLast().id();
    for (int i = 0; i < source.size(); i++) {
      if (source.id(i).equals(last)) {
        return i + 1;
      }
    }
    throw new IOException(
        String.format(
            Locale.ROOT,
            "%s: holds the clip %s, which %s does not: it is another data set, or was changed",
            folder.root(),
            last,
            source.describe()));
  }

  private int write(
      int from,
      OutputStream out,
      List<PackFolder.Entry> entries,
      BooleanSupplier stop,
      Listener listener)
      throws IOException {
    bytes = 0;
    ZipOutputStream zip = new ZipOutputStream(out);
    zip.setMethod(ZipOutputStream.STORED);
    int next = from;
    while (next < source.size() && bytes < shardBytes && !stop.getAsBoolean()) {
      write(next, zip, entries);
      listener.at(++next, source.size());
    }
    zip.finish();
    return next;
  }

  private void write(int index, ZipOutputStream zip, List<PackFolder.Entry> entries)
      throws IOException {
    List<byte[]> files = new ArrayList<>();
    try {
      Scene scene = source.scene(index);
      Clip clip = Clip.of(source.name(index), scene, settings.size(), Integer.MAX_VALUE);
      files.add(PackedMessages.of(source.id(index), scene).toByteArray());
      for (int t = 0; t < clip.frames(); t++) {
        files.add(png(clip.rgb(t), settings.size()));
      }
    } catch (IOException e) {
      bad.met(source.name(index), e);
      return;
    } catch (UncheckedIOException e) {
      bad.met(source.name(index), e.getCause());
      return;
    }
    int number = entries.size();
    put(zip, PackFolder.clip(number), files.getFirst());
    for (int t = 1; t < files.size(); t++) {
      put(zip, PackFolder.frame(number, t - 1), files.get(t));
    }
    entries.add(new PackFolder.Entry(source.id(index), files.size() - 1));
  }

  private static byte[] png(byte[] rgb, int size) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (var out = new MemoryCacheImageOutputStream(bytes)) {
      ImageIO.write(PngFile.image(rgb, size, size), "png", out);
    }
    return bytes.toByteArray();
  }

  private void put(ZipOutputStream zip, String name, byte[] content) throws IOException {
    ZipEntry entry = new ZipEntry(name);
    CRC32 crc = new CRC32();
    crc.update(content);
    entry.setCrc(crc.getValue());
    entry.setSize(content.length);
    entry.setTime(0); // so that the same clips give the same file
    zip.putNextEntry(entry);
    zip.write(content);
    zip.closeEntry();
    bytes += content.length;
  }
}
