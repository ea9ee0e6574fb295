package nacre.datasets.tfrecord;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * Files that are open for reading by position: a bounded number, so that a data set may have more
 * files than a process may open. Several threads may read at once.
 */
public final class OpenFiles {
  /** Those of a process. */
  private static final OpenFiles SHARED = new OpenFiles(128);

  private final int most;
  private final Map<Path, Handle> open = new LinkedHashMap<>(16, 0.75f, true);

  private static final class Handle {
    private final FileChannel channel;
    private int readers;
    private boolean isDropped;

    Handle(FileChannel channel) {
      this.channel = channel;
    }
  }

  /**
   * Files of which at most some stay open.
   *
   * @param most those that are open beyond it are being read
   */
  public OpenFiles(int most) {
    this.most = most;
  }

  /** The files that all readers of a process share. */
  public static OpenFiles shared() {
    return SHARED;
  }

  /**
   * Reads bytes at a position until the buffer is full.
   *
   * @throws EOFException if the file ends before
   * @throws IOException in one line that names the file, if it cannot be read
   */
  public void read(Path file, long position, ByteBuffer into) throws IOException {
    int start = into.position();
    while (true) {
      Handle handle = take(file);
      try {
        readFully(handle.channel, file, position, into);
        return;
      } catch (ClosedByInterruptException e) {
        drop(file, handle);
        throw e;
      } catch (ClosedChannelException e) {
        // An interrupted thread closes the channel that it reads from, also for others.
        drop(file, handle);
        into.position(start);
      } catch (EOFException e) {
        throw e;
      } catch (IOException e) {
        throw failure(file, e);
      } finally {
        release(handle);
      }
    }
  }

  private static void readFully(FileChannel channel, Path file, long position, ByteBuffer into)
      throws IOException {
    long at = position;
    while (into.hasRemaining()) {
      int got = channel.read(into, at);
      if (got < 0) {
        throw new EOFException(
            String.format(Locale.ROOT, "%s: ends at byte %d, while it is read", file, at));
      }
      at += got;
    }
  }

  private static IOException failure(Path file, IOException e) {
    String why =
        switch (e) {
          case NoSuchFileException _ -> "is missing";
          case AccessDeniedException _ -> "may not be read";
          case FileSystemException f when f.getReason() != null ->
              "cannot be read: " + f.getReason();
          default -> "cannot be read: " + e.getMessage();
        };
    return new IOException(file + ": " + why, e);
  }

  private synchronized Handle take(Path file) throws IOException {
    Handle handle = open.get(file);
    if (handle == null) {
      try {
        handle = new Handle(FileChannel.open(file, StandardOpenOption.READ));
      } catch (IOException e) {
        throw failure(file, e);
      }
      open.put(file, handle);
      Iterator<Map.Entry<Path, Handle>> oldest = open.entrySet().iterator();
      while (open.size() > most) {
        Handle old = oldest.next().getValue();
        oldest.remove();
        close(old);
      }
    }
    handle.readers++;
    return handle;
  }

  private synchronized void release(Handle handle) throws IOException {
    handle.readers--;
    if (handle.isDropped && handle.readers == 0) {
      handle.channel.close();
    }
  }

  private synchronized void drop(Path file, Handle handle) throws IOException {
    open.remove(file, handle);
    close(handle);
  }

  private static void close(Handle handle) throws IOException {
    handle.isDropped = true;
    if (handle.readers == 0) {
      handle.channel.close();
    }
  }

  /** The number of files that are open. */
  synchronized int count() {
    return open.size();
  }
}
