package nacre.neuralassets.data;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import nacre.neuralassets.render.SceneGenerator;
import nacre.neuralassets.render.SceneRenderer;

/**
 * Clips rendered while training: some before the first step, then a steady number a step, on a
 * thread of their own. Whoever needs a clip that is not there yet renders it himself, so that
 * timing decides who works but never what comes out.
 */
public final class StreamedClips implements ClipPool {
  /** Steps by which rendering runs ahead. */
  private static final int AHEAD = 64;

  private final DataConfig config;
  private final SceneGenerator generator;
  private final int size;
  private final AtomicReferenceArray<FutureTask<Clip>> clips;
  private final AtomicInteger wanted = new AtomicInteger();
  private final Thread renderer;
  private volatile boolean closed;

  /**
   * A pool of which nothing is rendered yet.
   *
   * @param seed of the scenes
   * @param size of the frames
   */
  public StreamedClips(DataConfig config, long seed, int size) {
    this.config = config;
    this.size = size;
    generator = new SceneGenerator(config.scene(), seed);
    clips = new AtomicReferenceArray<>(config.maxClips());
    renderer = Thread.ofPlatform().daemon().name("clip renderer").unstarted(this::renderAhead);
    renderer.start();
  }

  /**
   * Renders what a step may draw from, on all processors.
   *
   * @param done told how many clips are ready, now and then, from any thread
   */
  public void prepare(long step, IntConsumer done) {
    AtomicInteger ready = new AtomicInteger();
    IntStream.range(0, available(step))
        .parallel()
        .forEach(
            i -> {
              clip(i);
              done.accept(ready.incrementAndGet());
            });
    announce(step);
  }

  @Override
  public int available(long step) {
    double more = config.clipsPerStep() * step;
    return (int) Math.min(config.maxClips(), config.initialClips() + (long) more);
  }

  @Override
  public Clip clip(int index) {
    FutureTask<Clip> task = clips.get(index);
    if (task == null) {
      FutureTask<Clip> fresh = new FutureTask<>(() -> render(index));
      task = clips.compareAndExchange(index, null, fresh);
      if (task == null) {
        task = fresh;
      }
    }
    task.run(); // does nothing where somebody else runs it, or has
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return task.get();
        } catch (InterruptedException e) {
          interrupted = true; // a clip is a matter of milliseconds
        } catch (ExecutionException e) {
          throw e.getCause() instanceof RuntimeException cause
              ? cause
              : new IllegalStateException("rendering of clip " + index + " failed", e.getCause());
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private Clip render(int index) {
    var scene =
        SceneRenderer.render(generator.describe(index), size, size, config.samplesPerSide());
    return Clip.of("clip " + index, scene, size, config.slots());
  }

  @Override
  public void announce(long step) {
    int want = available(step + AHEAD);
    if (wanted.getAndSet(want) < want) {
      synchronized (wanted) {
        wanted.notifyAll();
      }
    }
  }

  private void renderAhead() {
    int next = 0;
    try {
      while (!closed) {
        synchronized (wanted) {
          while (next >= wanted.get() && !closed) {
            wanted.wait();
          }
        }
        while (next < wanted.get() && !closed) {
          clip(next++);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      // Kept with the clip: the step that needs it reports it.
      closed = true;
    }
  }

  @Override
  public String describe() {
    return "%d to %d clips of %d frames, rendered while training, %d to %d objects"
        .formatted(
            available(0),
            config.maxClips(),
            config.scene().frames(),
            config.scene().minObjects(),
            config.scene().maxObjects());
  }

  @Override
  public void close() {
    closed = true;
    synchronized (wanted) {
      wanted.notifyAll();
    }
  }
}
