package nacre.datasets.waymo;

import java.io.IOException;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import nacre.datasets.parquet.ParquetFile;

/**
 * The JPEGs of the FRONT camera in tables of pictures. A picture can be read only with its whole
 * row group, of about 256 pictures, so those of the row groups that were read last are kept, as
 * many as there is room for. Several threads may ask at once.
 */
final class FrontPictures {
  private static final String IMAGE = "[CameraImageComponent].image";

  /** Row groups that are read at once; one takes some 300 MB of memory meanwhile. */
  private static final int AT_ONCE = 2;

  private final long room;
  private final Semaphore reading = new Semaphore(AT_ONCE);
  private final Map<Group, FutureTask<List<byte[]>>> groups = new LinkedHashMap<>(16, 0.75f, true);

  /**
   * Nothing is read yet.
   *
   * @param room bytes of pictures that are kept; those asked for last are, however large
   */
  FrontPictures(long room) {
    this.room = room;
  }

  private record Group(Path table, int index) {}

  /**
   * The place of a picture.
   *
   * @param group the row group
   * @param front the rows in it with pictures of the FRONT camera
   * @param nth which of those it is
   * @param row in the table, for messages
   */
  record Place(Path table, int group, BitSet front, int nth, int row) {
    @Override
    public String toString() {
      return String.format(Locale.ROOT, "%s: row %d", table, row);
    }
  }

  /** Reads a picture, not to be changed. */
  byte[] read(Place place) throws IOException {
    Group key = new Group(place.table(), place.group());
    FutureTask<List<byte[]>> task;
    synchronized (groups) {
      task = groups.computeIfAbsent(key, k -> new FutureTask<>(() -> readGroup(place)));
    }
    task.run();
    try {
      List<byte[]> pictures = task.get();
      shrink();
      return pictures.get(place.nth());
    } catch (ExecutionException e) {
      forget(key, task);
      if (e.getCause() instanceof IOException io) {
        throw new IOException(io.getMessage(), io);
      }
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(place + ": the reading was interrupted", e);
    }
  }

  private List<byte[]> readGroup(Place place) throws IOException {
    reading.acquireUninterruptibly();
    try (ParquetFile file = ParquetFile.open(place.table())) {
      List<byte[]> pictures = file.bytes(IMAGE, place.group(), place.front());
      if (pictures.size() != place.front().cardinality()) {
        throw new IOException(place.table() + ": changed since it was opened");
      }
      return pictures;
    } finally {
      reading.release();
    }
  }

  private void forget(Group key, FutureTask<List<byte[]>> task) {
    synchronized (groups) {
      groups.remove(key, task);
    }
  }

  /** Lets go of those that were used longest ago, but for the last. */
  private void shrink() {
    synchronized (groups) {
      long bytes = groups.values().stream().mapToLong(FrontPictures::bytes).sum();
      Iterator<FutureTask<List<byte[]>>> eldest = groups.values().iterator();
      for (int left = groups.size(); left > 1 && bytes > room; left--) {
        FutureTask<List<byte[]>> task = eldest.next();
        if (task.isDone()) {
          bytes -= bytes(task);
          eldest.remove();
        }
      }
    }
  }

  private static long bytes(FutureTask<List<byte[]>> task) {
    return task.state() == Future.State.SUCCESS
        ? task.resultNow().stream().mapToLong(picture -> picture.length).sum()
        : 0;
  }
}
