package nacre.neuralassets.data;

import java.io.IOException;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The clips of a finite source that were used last, as many as there is room for. Several threads
 * may ask at once.
 */
final class ClipCache {
  private final long room;
  private final Loader loader;

  /** By index, the one that was used longest ago first. */
  private final Map<Integer, Clip> clips = new LinkedHashMap<>(16, 0.75f, true);

  /** Reads a clip. */
  interface Loader {
    Clip load(int index) throws IOException;
  }

  /**
   * An empty cache.
   *
   * @param room bytes for clips, of which one is kept in any case
   */
  ClipCache(long room, Loader loader) {
    this.room = room;
    this.loader = loader;
  }

  /** The clip, which is read unless it is there. */
  Clip get(int index) throws IOException {
    synchronized (this) {
      Clip clip = clips.get(index);
      if (clip != null) {
        return clip;
      }
    }
    Clip read = loader.load(index); // two threads may read the same one; it is the same clip
    synchronized (this) {
      clips.putIfAbsent(index, read);
      trim();
      return clips.get(index);
    }
  }

  /** Forgets clips until the others fit; clips grow when their frames are decoded. */
  private void trim() {
    long bytes = bytes();
    Iterator<Clip> oldest = clips.values().iterator();
    while (bytes > room && clips.size() > 1) {
      bytes -= oldest.next().bytes();
      oldest.remove();
    }
  }

  /** The number of clips in memory. */
  synchronized int size() {
    return clips.size();
  }

  /** The memory that they take. */
  synchronized long bytes() {
    return clips.values().stream().mapToLong(Clip::bytes).sum();
  }
}
