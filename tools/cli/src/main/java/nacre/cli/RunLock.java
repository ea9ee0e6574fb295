package nacre.cli;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Locale;
import java.util.Objects;
import nacre.cli.options.UserException;

/**
 * A lock that keeps a second process from training in the same folder, or from moving it. It ends
 * with the process.
 *
 * @param file the locked file
 * @param key by which the file system tells it from others; null where it does not
 */
record RunLock(FileChannel channel, Path file, Object key) implements AutoCloseable {
  private static final String NAME = ".lock";
  private static final int LOOKS = 3;
  private static final int MILLIS_OF_A_LOOK = 30;

  /**
   * Takes the lock of a run, and creates its folder if it does not exist.
   *
   * @throws UserException if another process has it
   */
  static RunLock take(RunFolder folder) throws IOException {
    Files.createDirectories(folder.root());
    Path file = folder.root().resolve(NAME);
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    FileLock lock = tried(channel);
    for (int i = 0; i < LOOKS && lock == null; i++) {
      pause(); // somebody may just be looking whether it is held
      lock = tried(channel);
    }
    if (lock == null) {
      channel.close();
      throw new UserException(
          folder.root() + ": another process is training there; give another --out");
    }
    return new RunLock(channel, file, key(file));
  }

  private static FileLock tried(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      return null;
    }
  }

  private static void pause() {
    try {
      Thread.sleep(MILLIS_OF_A_LOOK);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Whether another process has the lock of a run; false if there is no run. */
  static boolean isHeld(Path root) throws IOException {
    try (FileChannel channel = FileChannel.open(root.resolve(NAME), StandardOpenOption.WRITE);
        FileLock lock = tried(channel)) {
      return lock == null;
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  /**
   * Checks that the folder is still the one that was locked: somebody may have moved it, and
   * another run may have begun under its name.
   *
   * @throws UserException if it is not
   */
  void requireHeld() throws IOException {
    boolean held;
    try {
      held = Objects.equals(key, key(file));
    } catch (NoSuchFileException e) {
      held = false;
    }
    if (!held) {
      throw new UserException(
          String.format(
              Locale.ROOT,
              "%s was moved or replaced while the run was training there; nothing is written into"
                  + " what is there now; go on from the run's last checkpoint with --resume and the"
                  + " folder's new name",
              file.getParent()));
    }
  }

  private static Object key(Path file) throws IOException {
    return Files.readAttributes(file, BasicFileAttributes.class).fileKey();
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
