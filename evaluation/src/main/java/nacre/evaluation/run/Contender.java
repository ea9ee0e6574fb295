package nacre.evaluation.run;

import java.io.IOException;
import nacre.evaluation.EditingMethod;

/**
 * A method that is to be evaluated, which is opened only if something is left to draw.
 *
 * @param name in tables; no two contenders have the same
 * @param digest of what determines its pictures beside seed and case: weights and settings
 * @param draws whether its pictures depend on the seed; those of one that does not are drawn once
 */
public record Contender(String name, String digest, boolean draws, Opening opening) {
  /** Opens the method. */
  @FunctionalInterface
  public interface Opening {
    /** The method, which whoever opens it closes. */
    EditingMethod open() throws IOException;
  }
}
