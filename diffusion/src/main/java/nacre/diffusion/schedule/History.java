package nacre.diffusion.schedule;

import static nacre.tensor.ops.Affine.scale;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * The history of one run: the samples and predictions of the last steps, as many as its {@link
 * Scheduler} uses. Its tensors belong to the scope that was open when {@link Scheduler#start} made
 * it.
 */
public final class History {
  /** The model's input and output of a step, and what else its scheduler noted. */
  private static final class Past {
    final Tensor sample;
    final Tensor output;
    Tensor note;

    Past(Tensor sample, Tensor output) {
      this.sample = sample;
      this.output = output;
    }

    void close() {
      sample.close();
      output.close();
      if (note != null) {
        note.close();
      }
    }
  }

  private final Scope scope = Scope.current();
  private final List<Past> kept = new ArrayList<>();
  private final int reach;
  private int next;
  private int count;

  /**
   * An empty history in the current scope.
   *
   * @param first the index of the first step
   * @param reach how many steps are kept, the current one among them; 0 for none
   */
  public History(int first, int reach) {
    this.next = first;
    this.reach = reach;
  }

  /**
   * Records a step; each {@link Scheduler#step} begins with it.
   *
   * @throws IllegalArgumentException if another step comes next
   */
  public void add(int index, Tensor sample, Tensor output) {
    if (index != next) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT, "scheduler: step %d is asked for, step %d comes next", index, next));
    }
    next++;
    count++;
    if (reach == 0) {
      return;
    }
    // Copies: the caller's own may be gone by the next step.
    kept.addFirst(new Past(scope.adopt(scale(sample, 1)), scope.adopt(scale(output, 1))));
    if (kept.size() > reach) {
      kept.removeLast().close();
    }
  }

  /** Keeps a tensor with the current step, once at most; it is copied. */
  public void note(Tensor tensor) {
    kept.getFirst().note = scope.adopt(scale(tensor, 1));
  }

  /** What {@link #note} kept {@code ago} steps before. */
  public Tensor noted(int ago) {
    return kept.get(ago).note;
  }

  /** Number of steps before the current one. */
  public int before() {
    return count - 1;
  }

  /** The model's input {@code ago} steps before; 0 is the current step. */
  public Tensor sample(int ago) {
    return kept.get(ago).sample;
  }

  /** The model's output {@code ago} steps before; 0 is the current step. */
  public Tensor output(int ago) {
    return kept.get(ago).output;
  }
}
