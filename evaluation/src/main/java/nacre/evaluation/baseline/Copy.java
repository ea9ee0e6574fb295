package nacre.evaluation.baseline;

import java.io.IOException;
import java.util.List;
import nacre.evaluation.EditCase;
import nacre.evaluation.EditingMethod;
import nacre.evaluation.Rgb;

/** The source frame as it is: what a method must beat to have done anything. */
public final class Copy implements EditingMethod {
  /**
   * The version of what it draws, which digests of stored pictures and values name: raised with
   * every change of its pictures.
   */
  public static final int VERSION = 1;

  @Override
  public String name() {
    return "Copy";
  }

  @Override
  public float[] draw(List<EditCase> cases, int firstNumber, long seed, Runnable eachStep)
      throws IOException {
    return Pictures.joined(
        cases,
        (edit, _) -> {
          eachStep.run();
          return Rgb.floats(edit.view().clip().rgb(edit.view().source()));
        });
  }

  @Override
  public void close() {}
}
