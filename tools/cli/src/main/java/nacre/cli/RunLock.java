package nacre.cli;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import nacre.cli.options.UserException;

/**
 * A lock that keeps a second process from training in the same folder. It ends with the process.
 */
record RunLock(FileChannel channel) implements AutoCloseable {
  private static final String NAME = ".lock";

  /**
   * Takes the lock of a run, and creates its folder if it does not exist.
   *
   * @throws UserException if another process has it
   */
  static RunLock take(RunFolder folder) throws IOException {
    Files.createDirectories(folder.root());
    FileChannel channel =
        FileChannel.open(
            folder.root().resolve(NAME), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    FileLock lock;
    try {
      lock = channel.tryLock();
    } catch (OverlappingFileLockException e) {
      lock = null;
    }
    if (lock == null) {
      channel.close();
      throw new UserException(
          folder.root() + ": another process is training there; give another --out");
    }
    return new RunLock(channel);
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
