package nacre.evaluation;

import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * A sequence of cases by their numbers. Each is made when it is asked for, so that memory does not
 * grow with their number; several threads may ask at once.
 */
public interface EditCases {
  /** How many numbers there are. */
  int size();

  /**
   * The case of a number, always the same.
   *
   * @return empty if it cannot be read and such cases are left out
   * @throws IOException if it cannot be read and such cases are not left out, in one line
   */
  Optional<EditCase> get(int number) throws IOException;

  /** A digest of what determines the cases: with another one, values are not comparable. */
  String digest();

  /** What they are, in a few words. */
  String describe();

  /**
   * Cases that are in memory.
   *
   * @param digest of them
   * @param description in a few words
   */
  static EditCases of(List<EditCase> cases, String digest, String description) {
    return new EditCases() {
      @Override
      public int size() {
        return cases.size();
      }

      @Override
      public Optional<EditCase> get(int number) {
        return Optional.of(cases.get(number));
      }

      @Override
      public String digest() {
        return digest;
      }

      @Override
      public String describe() {
        return description;
      }
    };
  }
}
