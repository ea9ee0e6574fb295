package nacre.weights;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A reader of zip archives whose entries are stored, not compressed, as {@code torch.save} writes
 * them: the entries are slices of the file, ZIP64 or not. It is strict, so that there is one way
 * only to read an archive: the directory ends where the archive does, entries lie before it and do
 * not overlap, and no name occurs twice.
 *
 * @see <a href="https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT">the format</a>
 */
final class ZipEntries {
  private static final int LOCAL = 0x04034b50;
  private static final int CENTRAL = 0x02014b50;
  private static final int END = 0x06054b50;
  private static final int END_64 = 0x06064b50;
  private static final int LOCATOR_64 = 0x07064b50;

  private static final int LOCAL_BYTES = 30;
  private static final int CENTRAL_BYTES = 46;
  private static final int END_BYTES = 22;
  private static final int END_64_BYTES = 56;
  private static final int LOCATOR_BYTES = 20;

  private static final long SATURATED = 0xffffffffL;
  private static final int LONGEST_COMMENT = 0xffff;

  /** More than any checkpoint has tensors. */
  private static final long MOST_ENTRIES = 1_000_000;

  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Path path;
  private final MemorySegment file;

  /** The central directory: where it begins and ends, and how many entries it has. */
  private record Directory(long begin, long end, long entries) {}

  /** An entry: where its local header begins, and its bytes. */
  private record Item(String name, long header, long data, long bytes) {
    long end() {
      return data + bytes;
    }
  }

  private ZipEntries(Path path, MemorySegment file) {
    this.path = path;
    this.file = file;
  }

  /**
   * The entries of an archive by name, in the directory's order.
   *
   * @param file the whole archive
   * @throws WeightsException in one line, if it is malformed, cut off, ambiguous or compressed
   */
  static Map<String, MemorySegment> read(Path path, MemorySegment file) throws WeightsException {
    ZipEntries zip = new ZipEntries(path, file);
    Directory directory = zip.directory();
    List<Item> items = zip.items(directory);
    Map<String, MemorySegment> entries = new LinkedHashMap<>();
    for (Item item : items) {
      if (entries.put(item.name, file.asSlice(item.data, item.bytes)) != null) {
        throw zip.wrong("has two entries named " + OneLine.clip(item.name));
      }
    }
    zip.requireApart(items, directory);
    return entries;
  }

  private Directory directory() throws WeightsException {
    long end = end();
    long entries = u2(end + 10);
    long bytes = u4(end + 12);
    long begin = u4(end + 16);
    boolean one = u2(end + 4) == 0 && u2(end + 6) == 0 && u2(end + 8) == entries;
    long limit = end;
    long locator = end - LOCATOR_BYTES;
    if (locator >= 0 && u4(locator) == LOCATOR_64) {
      limit = file.get(LONG, locator + 8);
      if (limit < 0
          || limit > locator - END_64_BYTES
          || u4(limit) != END_64
          || file.get(LONG, limit + 4) != locator - limit - 12) {
        throw wrong("has a damaged ZIP64 directory");
      }
      long wideEntries = file.get(LONG, limit + 32);
      long wideBytes = file.get(LONG, limit + 40);
      long wideBegin = file.get(LONG, limit + 48);
      if (entries != Math.min(wideEntries, 0xffff) && entries != 0xffff
          || bytes != wideBytes && bytes != SATURATED
          || begin != wideBegin && begin != SATURATED) {
        throw wrong("has two directories that contradict each other");
      }
      one = u4(limit + 16) == 0 && u4(limit + 20) == 0 && u4(locator + 4) == 0;
      entries = wideEntries;
      bytes = wideBytes;
      begin = wideBegin;
    }
    if (!one) {
      throw wrong("is one of several parts of an archive");
    }
    if (begin < 0 || bytes < 0 || begin > limit || bytes != limit - begin) {
      throw wrong("its directory does not lie before its end; more than one archive in it?");
    }
    if (entries < 0 || entries > MOST_ENTRIES || entries > bytes / CENTRAL_BYTES) {
      throw wrong(
          "claims " + Long.toUnsignedString(entries) + " entries, for which it is too small");
    }
    return new Directory(begin, limit, entries);
  }

  /** The end record's place: its comment reaches to the end of the file. */
  private long end() throws WeightsException {
    long last = file.byteSize() - END_BYTES;
    for (long at = last; at >= Math.max(0, last - LONGEST_COMMENT); at--) {
      if (u4(at) == END && u2(at + 20) == last - at) {
        return at;
      }
    }
    throw wrong("has no directory at its end; the file may be truncated: download it again");
  }

  private List<Item> items(Directory directory) throws WeightsException {
    List<Item> items = new ArrayList<>();
    long at = directory.begin;
    for (long i = 0; i < directory.entries; i++) {
      if (directory.end - at < CENTRAL_BYTES || u4(at) != CENTRAL) {
        throw wrong("has a damaged directory, at entry " + i);
      }
      long next = at + CENTRAL_BYTES + u2(at + 28) + u2(at + 30) + u2(at + 32);
      if (next > directory.end) {
        throw wrong("has a damaged directory, at entry " + i);
      }
      items.add(item(at, directory));
      at = next;
    }
    if (at != directory.end) {
      throw wrong("has more in its directory than its entries");
    }
    return items;
  }

  private Item item(long at, Directory directory) throws WeightsException {
    int nameBytes = u2(at + 28);
    String name = name(at + CENTRAL_BYTES, nameBytes);
    int flags = u2(at + 8);
    int method = u2(at + 10);
    if ((flags & 1) != 0) {
      throw wrong(name, "is encrypted, which is not read");
    }
    if (method != 0) {
      if (name.contains("/code/")) {
        throw new WeightsException(path, TorchArchive.SCRIPT);
      }
      throw wrong(name, "is compressed, as torch.save never does: unpack and zip it with -0");
    }
    long[] wide = {u4(at + 24), u4(at + 20), u4(at + 42)}; // bytes, compressed bytes, header
    widen(wide, at + CENTRAL_BYTES + nameBytes, u2(at + 30), name);
    long bytes = wide[0];
    long header = wide[2];
    if (wide[1] != bytes) {
      throw wrong(name, "has two sizes, " + bytes + " and " + wide[1] + " bytes");
    }
    if (u2(at + 34) != 0 || header < 0 || header > directory.begin - LOCAL_BYTES) {
      throw wrong(name, "lies outside of the file");
    }
    long data = header + LOCAL_BYTES + u2(header + 26) + u2(header + 28);
    if (u4(header) != LOCAL
        || u2(header + 26) != nameBytes
        || data > directory.begin
        || MemorySegment.mismatch(
                file,
                header + LOCAL_BYTES,
                header + LOCAL_BYTES + nameBytes,
                file,
                at + CENTRAL_BYTES,
                at + CENTRAL_BYTES + nameBytes)
            != -1
        || u2(header + 8) != method
        || (u2(header + 6) & 1) != 0) {
      throw wrong(name, "is another one at its place than in the directory");
    }
    if (bytes < 0 || bytes > directory.begin - data) {
      throw wrong(name, "reaches beyond the archive's entries; the file may be damaged");
    }
    return new Item(name, header, data, bytes);
  }

  /** Takes the numbers that do not fit 32 bits from the extra field of ZIP64. */
  private void widen(long[] numbers, long extra, int extraBytes, String name)
      throws WeightsException {
    long end = extra + extraBytes;
    long at = extra;
    while (end - at >= 4) {
      long next = at + 4 + u2(at + 2);
      if (u2(at) == 1 && next <= end) {
        at += 4;
        for (int i = 0; i < numbers.length; i++) {
          if (numbers[i] == SATURATED && next - at >= 8) {
            numbers[i] = file.get(LONG, at);
            at += 8;
          }
        }
        return;
      }
      at = next;
    }
    for (long number : numbers) {
      if (number == SATURATED) {
        throw wrong(name, "lacks its ZIP64 sizes");
      }
    }
  }

  private String name(long at, int bytes) throws WeightsException {
    byte[] text = file.asSlice(at, bytes).toArray(ValueLayout.JAVA_BYTE);
    String name = new String(text, StandardCharsets.UTF_8);
    boolean strange =
        name.isEmpty()
            || name.startsWith("/")
            || name.indexOf('\\') >= 0
            || name.matches("[A-Za-z]:.*")
            || ("/" + name + "/").contains("/../")
            || name.chars().anyMatch(c -> c < ' ');
    if (strange) {
      throw wrong("has an entry named '" + OneLine.clip(name) + "', which no archive should");
    }
    return name;
  }

  private void requireApart(List<Item> items, Directory directory) throws WeightsException {
    List<Item> sorted = new ArrayList<>(items);
    sorted.sort(Comparator.comparingLong(Item::header));
    long free = 0;
    for (Item item : sorted) {
      if (item.header < free) {
        throw wrong(item.name, "overlaps the entry before it");
      }
      free = item.end();
    }
    if (free > directory.begin) {
      throw wrong("has entries within its directory");
    }
  }

  private int u2(long at) {
    return file.get(SHORT, at) & 0xffff;
  }

  private long u4(long at) {
    return file.get(INT, at) & SATURATED;
  }

  private WeightsException wrong(String name, String message) {
    return wrong(String.format(Locale.ROOT, "entry %s %s", OneLine.clip(name), message));
  }

  private WeightsException wrong(String message) {
    return new WeightsException(path, "as a zip archive " + message);
  }
}
