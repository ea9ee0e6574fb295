package nacre.evaluation;

import java.io.IOException;
import java.util.List;

/** A way of drawing cases: a model, or a baseline. */
public interface EditingMethod extends AutoCloseable {
  /** Its name in tables. */
  String name();

  /**
   * Pictures of cases, {@code [B, S, S, 3]} in [0, 1]. They depend on the seed and on each case's
   * number alone, not on which cases are drawn together.
   *
   * @param firstNumber number of the first case among all; the others follow it
   * @param seed of what is drawn at random
   * @param eachStep called now and then; what it throws ends the drawing
   * @throws nacre.neuralassets.edit.EditException if the method cannot carry out an edit
   * @throws IOException if a scene cannot be read
   */
  float[] draw(List<EditCase> cases, int firstNumber, long seed, Runnable eachStep)
      throws IOException;

  /** How many cases are best drawn at a time. */
  default int batch() {
    return 25;
  }

  /** Frees what it holds. */
  @Override
  void close();
}
