package nacre.weights;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;

/** The bytes of a file, mapped into memory or, where that cannot be done, read into it. */
final class MappedFile {
  /** The bytes that are read at a time where a file cannot be mapped. */
  private static final long LARGEST_READ = 1 << 24;

  /**
   * A reader of a mapped file.
   *
   * @param <T> what it makes of it
   */
  @FunctionalInterface
  interface Parser<T> {
    /**
     * Parses the file.
     *
     * @param bytes all of it, read-only, valid until the arena is closed
     * @param arena to be closed by what is returned; closed here if this throws
     */
    T parse(MemorySegment bytes, Arena arena) throws WeightsException;
  }

  private MappedFile() {}

  /**
   * Maps a file and parses it.
   *
   * @throws WeightsException if there is no such file, it cannot be read or is malformed, in one
   *     line
   */
  static <T> T open(Path path, Parser<T> parser) throws WeightsException {
    if (!Files.isRegularFile(path)) {
      throw new WeightsException(path, Files.exists(path) ? "is not a file" : "no such file");
    }
    Arena arena = Arena.ofShared();
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      return parser.parse(bytes(channel, arena), arena);
    } catch (WeightsException | RuntimeException | Error e) {
      arena.close();
      throw e;
    } catch (IOException e) {
      arena.close();
      throw new WeightsException(path, "cannot be read: " + e.getMessage(), e);
    }
  }

  private static MemorySegment bytes(FileChannel channel, Arena arena) throws IOException {
    long size = channel.size();
    try {
      return channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
    } catch (IOException | UnsupportedOperationException e) {
      MemorySegment read = arena.allocate(size);
      for (long at = 0; at < size; ) {
        ByteBuffer rest = read.asSlice(at, Math.min(size - at, LARGEST_READ)).asByteBuffer();
        int count = channel.read(rest, at);
        if (count < 0) {
          throw new IOException(
              String.format(Locale.ROOT, "it ends after %,d of %,d bytes", at, size), e);
        }
        at += count;
      }
      return read.asReadOnly();
    }
  }
}
