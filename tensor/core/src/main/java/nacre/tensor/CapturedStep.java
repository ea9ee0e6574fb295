package nacre.tensor;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import java.util.function.Supplier;
import nacre.tensor.spi.StepGraph;

/**
 * Work that is done again and again with other numbers in the same tensors: a training step, a
 * denoising step. On a GPU it is computed as ever the first time, captured into a graph the second
 * time, and from then on put on the GPU whole, in one call; elsewhere it is computed as ever each
 * time. The bits are the same in every case.
 *
 * <pre>{@code
 * try (CapturedStep step = CapturedStep.of(device, () -> unet.forward(x, t, context))) {
 *   for (int i = 0; i < steps; i++) {
 *     backend.fill(t, timestep(i)); // what changes is written into tensors that the work reads
 *     Tensor prediction = step.run();
 *   }
 * }
 * }</pre>
 *
 * <p>The work must be the same each time: the same operations on the same shapes. It may run twice
 * only, so all that changes must lie in tensors that live longer than it does. It may neither read
 * tensors on the host nor write them from there, nor run other captured steps, which a GPU refuses
 * with an error. What it makes is gone behind it but for the tensor that it returns.
 *
 * <p>Used, and closed, by one thread.
 */
public final class CapturedStep implements AutoCloseable {
  private static final ThreadLocal<Set<Storage>> NOTED = new ThreadLocal<>();

  private final Supplier<Tensor> work;
  private final StepGraph replay;
  private boolean done;
  private Set<Storage> written; // what outlives the work and is written by it
  private Tensor made;
  private Tensor result;

  private CapturedStep(Device device, Supplier<Tensor> work) {
    this.work = work;
    this.replay = device.backend().stepGraph(this::once);
  }

  /**
   * Work on one device.
   *
   * @param work what to do; null is an answer
   */
  public static CapturedStep of(Device device, Supplier<Tensor> work) {
    return new CapturedStep(device, work);
  }

  /**
   * Does the work once more.
   *
   * @return what it returned, untracked; it belongs to no scope, and keeps these numbers and lives
   *     until the next run
   */
  public Tensor run() {
    done = false;
    made = null;
    try {
      replay.run();
    } catch (RuntimeException | Error e) {
      if (made != null) {
        made.release();
      }
      throw e;
    }
    if (done) {
      if (result != null) {
        result.release();
      }
      result = made;
    } else {
      noteReplay();
    }
    return result;
  }

  private void once() {
    Set<Storage> outer = NOTED.get();
    Set<Storage> noted =
        written == null ? Collections.newSetFromMap(new IdentityHashMap<>()) : null;
    note(noted);
    try (Scope _ = Scope.open()) {
      Tensor answer = work.get();
      made = answer == null ? null : answer.view(answer.shape(), null);
      done = true;
    } finally {
      note(outer);
    }
    if (noted != null) {
      noted.removeIf(storage -> storage.references() == 0);
      written = noted;
    }
  }

  /** A graph writes the same tensors as the work that it was made of, past every backend. */
  private void noteReplay() {
    for (Storage storage : written == null ? Set.<Storage>of() : written) {
      storage.written(storage.writer());
    }
    if (result != null) {
      result.written("a captured step");
    }
  }

  private static void note(Set<Storage> noted) {
    if (noted == null) {
      NOTED.remove();
    } else {
      NOTED.set(noted);
    }
  }

  /** Takes down that memory is written, where the work of a captured step runs. */
  static void note(Storage storage) {
    Set<Storage> noted = NOTED.get();
    if (noted != null) {
      noted.add(storage);
    }
  }

  /** Frees the last result and what the device kept. */
  @Override
  public void close() {
    if (result != null) {
      result.release();
      result = null;
    }
    replay.close();
  }
}
