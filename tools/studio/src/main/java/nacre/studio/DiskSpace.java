package nacre.studio;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * A folder that uploads go to, and how much of them it takes.
 *
 * @param most bytes of all its files
 */
record DiskSpace(Path folder, long most) {
  private static final double MEBIBYTE = 1 << 20;

  /** The bytes of all files in a folder, and in those within. */
  static long bytes(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return 0;
    }
    long bytes = 0;
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
        bytes += size(file);
      }
    }
    return bytes;
  }

  private static long size(Path file) throws IOException {
    try {
      return Files.size(file);
    } catch (NoSuchFileException e) {
      return 0; // just removed
    }
  }

  /**
   * Checks that more may be put there.
   *
   * @param what it is, in the plural
   */
  void require(long more, String what) throws IOException {
    long used = bytes(folder);
    if (used + more > most) {
      throw new Refusal(
          507,
          String.format(
              Locale.ROOT,
              "%s take %.1f MiB of the %.1f MiB that the studio keeps, and this one has %.1f MiB:"
                  + " remove some in %s",
              what,
              used / MEBIBYTE,
              most / MEBIBYTE,
              more / MEBIBYTE,
              folder));
    }
  }

  /** Says that a file is used, so that it is not among the first to go. */
  static void used(Path file) throws IOException {
    Files.setLastModifiedTime(file, FileTime.fromMillis(System.currentTimeMillis()));
  }

  /** Removes the files that were longest not used, until there is room for some bytes more. */
  void makeRoom(long more) throws IOException {
    long used = bytes(folder);
    if (used + more <= most) {
      return;
    }
    List<Path> oldest;
    try (Stream<Path> files = Files.list(folder)) {
      oldest =
          files
              .filter(Files::isRegularFile)
              .sorted(Comparator.comparingLong(file -> file.toFile().lastModified()))
              .toList();
    }
    for (Path file : oldest) {
      if (used + more <= most) {
        break;
      }
      used -= size(file);
      Files.deleteIfExists(file);
    }
  }
}
