package nacre.weights;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A staging name, under which a file or folder is written before it is renamed into place: hidden
 * siblings named {@code .<name>.<process id>-<random>.partial}, on the same file system, so that
 * the rename is atomic.
 */
record Staging(Path path) implements AutoCloseable {
  private static final Pattern NAME = Pattern.compile("\\..+\\.(\\d+)-[0-9a-f]{8}\\.partial");

  /** The names that this process is writing now; any other with its process id is a leftover. */
  private static final Set<Path> IN_USE = ConcurrentHashMap.newKeySet();

  /** Reserves a name beside {@code target}; nothing is created yet. */
  static Staging beside(Path target) {
    String random = HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextInt());
    String name =
        String.format(
            Locale.ROOT,
            ".%s.%d-%s.partial",
            target.getFileName(),
            ProcessHandle.current().pid(),
            random);
    Path staged = target.toAbsolutePath().resolveSibling(name);
    IN_USE.add(staged);
    return new Staging(staged);
  }

  /** Ends the reservation, and deletes what was not renamed away. */
  @Override
  public void close() throws IOException {
    try {
      deleteTree(path);
    } finally {
      IN_USE.remove(path);
    }
  }

  /** Renames what was staged to its real name and makes that survive a power cut. */
  void moveTo(Path target) throws IOException {
    Files.move(path, target, StandardCopyOption.ATOMIC_MOVE);
    syncFolder(path.getParent());
  }

  /** Renames {@code target} to the staging name, where closing deletes it. */
  void takeAway(Path target) throws IOException {
    Files.move(target, path, StandardCopyOption.ATOMIC_MOVE);
  }

  /**
   * Deletes what killed writers left in {@code folder}. Files that a living process is still
   * writing stay.
   */
  static void sweep(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return;
    }
    try (Stream<Path> entries = Files.list(folder.toAbsolutePath())) {
      for (Path entry : (Iterable<Path>) entries::iterator) {
        Matcher matcher = NAME.matcher(entry.getFileName().toString());
        if (matcher.matches() && !IN_USE.contains(entry) && !othersAlive(matcher.group(1))) {
          deleteTree(entry);
        }
      }
    }
  }

  /** Whether a process other than this one runs under that id. */
  private static boolean othersAlive(String id) {
    try {
      long pid = Long.parseLong(id);
      return pid != ProcessHandle.current().pid()
          && ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false);
    } catch (NumberFormatException tooLongForAnId) {
      return false;
    }
  }

  /** Makes the entries of a folder (a new name, a rename) survive a power cut. */
  private static void syncFolder(Path folder) throws IOException {
    if (System.getProperty("os.name").startsWith("Windows")) {
      return; // Windows gives no handle on a folder; its renames are journalled
    }
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /** Forces every file and folder under {@code root} to the disk, the folders last. */
  static void syncTree(Path root) throws IOException {
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            if (attributes.isRegularFile()) {
              try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                channel.force(true);
              }
            }
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path folder, IOException failure)
              throws IOException {
            if (failure != null) {
              throw failure;
            }
            syncFolder(folder);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  /** Deletes a file, or a folder with all that is in it; absence is fine. */
  private static void deleteTree(Path root) throws IOException {
    if (!Files.exists(root, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path folder, IOException failure)
              throws IOException {
            if (failure != null) {
              throw failure;
            }
            Files.delete(folder);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  /** One sentence for the user: the target, what went wrong, and what became of the old content. */
  static IOException failure(Path target, IOException cause) {
    String reason = cause.getMessage();
    if (cause instanceof NoSuchFileException missing) {
      reason = missing.getFile() + " does not exist";
    } else if (cause instanceof FileSystemException system && system.getReason() != null) {
      reason = system.getReason();
    } else if (reason == null) {
      reason = cause.getClass().getSimpleName();
    }
    String rest =
        Files.exists(target) ? "what was there before is unchanged" : "nothing was left behind";
    return new IOException(
        String.format(Locale.ROOT, "cannot write %s: %s; %s", target, reason, rest), cause);
  }
}
