package nacre.bindings;

import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32;

/**
 * A folder where files out of jars lie unpacked, because the system's loader wants a file.
 *
 * <p>Any number of processes may use one folder at a time. A file appears there by a rename, so
 * that none is ever seen half written, and it is compared with the jar's checksum at every start
 * (some 40 milliseconds for oneDNN's 90 MB), so that a damaged one is replaced.
 *
 * <p>The checksum is the CRC-32 of the jar's directory, which finds damage and no malice: whoever
 * may write to the folder can make a file that has it. A SHA-256 beside the file would be theirs to
 * write as well, and one of the jar's own bytes would unpack all 90 MB at every start, and still
 * say nothing of what is put there between the check and the loader's reading. So the folder has to
 * be one that only trusted users write to, as the user's own cache is by default.
 */
final class LibraryCache {

  private static final String ASIDE = ".part";
  private static final Duration ABANDONED = Duration.ofDays(1);

  private final Path root;

  LibraryCache(Path root) {
    this.root = root;
  }

  /**
   * Puts files side by side into the folder {@code key} below the root, keeping those that are
   * there and whole.
   *
   * @return the files' paths, in the order given
   * @throws IOException if the folder cannot be written and does not hold all the files already
   */
  List<Path> place(String key, List<PackedFile> files) throws IOException {
    Path folder = root.resolve(key);
    List<Path> placed = new ArrayList<>();
    for (PackedFile file : files) {
      Path target = folder.resolve(file.name());
      if (!isWhole(target, file)) {
        Files.createDirectories(folder);
        removeAbandoned(folder);
        unpack(file, target);
      }
      placed.add(target);
    }
    return placed;
  }

  /**
   * The same in a fresh folder of the system's temporary folder that goes when the process ends,
   * for a user who has no folder to write in.
   */
  static List<Path> placeForThisProcess(List<PackedFile> files) throws IOException {
    Path folder = Files.createTempDirectory("nacre-");
    folder.toFile().deleteOnExit();
    List<Path> placed = new ArrayList<>();
    for (PackedFile file : files) {
      Path target = folder.resolve(file.name());
      target.toFile().deleteOnExit();
      unpack(file, target);
      placed.add(target);
    }
    return placed;
  }

  private static void unpack(PackedFile file, Path target) throws IOException {
    Path aside = Files.createTempFile(target.getParent(), file.name() + "-", ASIDE);
    try {
      try (FileChannel channel = FileChannel.open(aside, WRITE);
          OutputStream out = Channels.newOutputStream(channel);
          InputStream in = file.open()) {
        in.transferTo(out);
        channel.force(true);
      }
      if (!isWhole(aside, file)) {
        throw new IOException(aside + " differs from " + file.url() + " after it was written");
      }
      // A temporary file is its maker's alone; a cache may be shared.
      PosixFileAttributeView posix =
          Files.getFileAttributeView(aside, PosixFileAttributeView.class);
      if (posix != null) {
        posix.setPermissions(PosixFilePermissions.fromString("rw-r--r--"));
      }
      try {
        Files.move(aside, target, StandardCopyOption.ATOMIC_MOVE);
      } catch (IOException e) {
        // Windows does not replace a library in use; another process may have placed it meanwhile.
        if (!isWhole(target, file)) {
          throw e;
        }
      }
    } finally {
      Files.deleteIfExists(aside);
    }
  }

  private static boolean isWhole(Path path, PackedFile file) throws IOException {
    if (!Files.isReadable(path) || Files.size(path) != file.size()) {
      return false;
    }
    CRC32 crc = new CRC32();
    ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 18);
    try (FileChannel channel = FileChannel.open(path, READ)) {
      while (channel.read(buffer) >= 0) {
        crc.update(buffer.flip());
        buffer.clear();
      }
    }
    return crc.getValue() == file.crc();
  }

  /** Takes away what processes left that were killed while unpacking. */
  private static void removeAbandoned(Path folder) {
    Instant before = Instant.now().minus(ABANDONED);
    try (DirectoryStream<Path> asides = Files.newDirectoryStream(folder, "*" + ASIDE)) {
      for (Path aside : asides) {
        if (Files.getLastModifiedTime(aside).toInstant().isBefore(before)) {
          Files.deleteIfExists(aside);
        }
      }
    } catch (IOException e) {
      // Another process tidies too, or the files are not ours: they do no harm where they are.
      return;
    }
  }
}
