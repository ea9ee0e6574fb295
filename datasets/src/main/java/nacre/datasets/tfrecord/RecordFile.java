package nacre.datasets.tfrecord;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A TFRecord file: records one after the other, each its length (u64, little-endian), the length's
 * masked CRC-32C, the payload and the payload's masked CRC-32C. It is read by position, so that
 * several threads may read at once and pages that are not asked for stay on the disk.
 *
 * @param path the file
 * @param files that are open
 */
public record RecordFile(Path path, OpenFiles files) {
  /** The largest record that is read as a whole. */
  private static final int LARGEST = 1 << 30;

  private static final int HEADER = 12;
  private static final int FOOTER = 4;

  /** The masked CRC-32C of some bytes, as {@link Span#crc} has it. */
  public static int crc(ByteBuffer bytes) {
    return MaskedCrc.of(bytes.duplicate());
  }

  /**
   * A record of the file.
   *
   * @param number from 0
   * @param offset of its payload
   * @param length of its payload
   * @param fault what is wrong with the framing here, so that it and all that follow cannot be
   *     read; null if nothing is
   */
  public record Place(int number, long offset, int length, String fault) {}

  /** The size of the file in bytes. */
  public long size() throws IOException {
    try {
      return Files.size(path);
    } catch (NoSuchFileException e) {
      throw new IOException(path + ": is missing", e);
    } catch (IOException e) {
      throw new IOException(path + ": cannot be read: " + e.getMessage(), e);
    }
  }

  /**
   * Finds the records by their lengths alone. Where the framing is damaged the list ends with a
   * place that says so.
   *
   * @throws IOException if the file cannot be read
   */
  public List<Place> places() throws IOException {
    long size = size();
    List<Place> places = new ArrayList<>();
    long at = 0;
    while (at < size) {
      int number = places.size();
      Place place = place(number, at, size);
      places.add(place);
      if (place.fault() != null) {
        break;
      }
      at = place.offset() + place.length() + FOOTER;
    }
    return places;
  }

  Place place(int number, long at, long size) throws IOException {
    if (size - at < HEADER + FOOTER) {
      return damaged(
          number,
          at,
          String.format(Locale.ROOT, "only %d bytes are left, too few for a record", size - at));
    }
    ByteBuffer header = bytes(at, HEADER);
    long length = header.getLong(0);
    if (MaskedCrc.of(header.duplicate().limit(8)) != header.getInt(8)) {
      return damaged(number, at, "the checksum of its length is wrong");
    }
    long left = size - at - HEADER - FOOTER;
    if (length < 0 || length > left) {
      return damaged(
          number,
          at,
          String.format(
              Locale.ROOT,
              "it claims %s bytes, the file has %d left: it is cut short or damaged",
              Long.toUnsignedString(length),
              left));
    }
    if (length > LARGEST) {
      return damaged(
          number,
          at,
          String.format(
              Locale.ROOT, "it has %d bytes; at most %d are read of a record", length, LARGEST));
    }
    return new Place(number, at + HEADER, (int) length, null);
  }

  private Place damaged(int number, long at, String what) {
    return new Place(number, at + HEADER, 0, where(number, at) + ": " + what);
  }

  /** A record in messages. */
  private String where(int number, long at) {
    return String.format(Locale.ROOT, "%s: record %d at byte %d", path, number, at);
  }

  /** A record in messages. */
  public String where(Place place) {
    return where(place.number(), place.offset() - HEADER);
  }

  /**
   * Reads a record and checks it.
   *
   * @return its payload, little-endian
   * @throws RecordException in one line that names file, record and offset, if it is damaged
   */
  public ByteBuffer payload(Place place) throws IOException {
    if (place.fault() != null) {
      throw new RecordException(place.fault());
    }
    ByteBuffer all = bytes(place.offset(), place.length() + FOOTER);
    ByteBuffer payload = all.slice(0, place.length()).order(ByteOrder.LITTLE_ENDIAN);
    if (MaskedCrc.of(payload.duplicate()) != all.getInt(place.length())) {
      throw new RecordException(where(place) + ": its checksum is wrong, the record is damaged");
    }
    return payload;
  }

  /** The payload as it is, damaged or not, for a look at what kind of record it is. */
  ByteBuffer unchecked(Place place) throws IOException {
    if (place.fault() != null) {
      throw new RecordException(place.fault());
    }
    return bytes(place.offset(), place.length()).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Reads a part of a record and checks it.
   *
   * @param where the part is, for messages
   */
  public byte[] read(Span span, String where) throws IOException {
    ByteBuffer bytes = bytes(span.offset(), span.length());
    if (MaskedCrc.of(bytes.duplicate()) != span.crc()) {
      throw new RecordException(
          String.format(
              Locale.ROOT,
              "%s: the %d bytes at %d have another checksum than in the index; the file was"
                  + " changed or is damaged",
              where,
              span.length(),
              span.offset()));
    }
    return bytes.array();
  }

  private ByteBuffer bytes(long at, int length) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    try {
      files.read(path, at, bytes);
    } catch (EOFException e) {
      throw new IOException(e.getMessage(), e);
    }
    return bytes.flip();
  }
}
