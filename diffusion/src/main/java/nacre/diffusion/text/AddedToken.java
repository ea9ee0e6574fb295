package nacre.diffusion.text;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A token that is found in a prompt as a whole, before words are split into byte pairs: a special
 * token, or one that was learned by textual inversion (Gal et al., 2022).
 *
 * @param text in the prompt
 * @param id its row in the text encoder's table; empty where a file names the token without one
 * @param normalized whether it is matched after lower-casing
 * @param singleWord whether it is matched only where no letter, digit or underscore adjoins it
 */
record AddedToken(String text, OptionalInt id, boolean normalized, boolean singleWord) {

  /** A special token that a file names by its text alone. */
  static AddedToken special(String text) {
    return new AddedToken(text, OptionalInt.empty(), false, false);
  }

  /**
   * Reads a token, which is written as its text, or as an object with its content.
   *
   * @param id its number, where the file gives one
   * @param special whether it is a special token, if the object does not say so; these are not
   *     normalized unless the object does
   * @return empty where there is no token
   * @throws IllegalArgumentException if the number is negative or no number
   */
  static Optional<AddedToken> of(JsonNode token, JsonNode id, boolean special) {
    JsonNode text = token.isObject() ? token.path("content") : token;
    if (!text.isTextual() || text.textValue().isEmpty()) {
      return Optional.empty();
    }
    boolean isSpecial = token.path("special").asBoolean(special);
    return Optional.of(
        new AddedToken(
            text.textValue(),
            number(text.textValue(), id),
            token.path("normalized").asBoolean(!isSpecial),
            token.path("single_word").asBoolean(false)));
  }

  private static OptionalInt number(String text, JsonNode id) {
    if (id.isMissingNode() || id.isNull()) {
      return OptionalInt.empty();
    }
    // The keys of added_tokens_decoder are numbers, too.
    JsonNode value = id;
    if (value.isTextual() && value.textValue().matches("\\d{1,9}")) {
      return OptionalInt.of(Integer.parseInt(value.textValue()));
    }
    if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < 0) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "added token %s has the id %s, a whole number from 0 is wanted",
              text,
              id));
    }
    return OptionalInt.of(value.intValue());
  }

  /** Whether it may be matched from {@code start} to {@code end} of a text. */
  boolean fits(String in, int start, int end) {
    if (!singleWord) {
      return true;
    }
    boolean free = start == 0 || !isWord(in.codePointBefore(start));
    return free && (end == in.length() || !isWord(in.codePointAt(end)));
  }

  private static boolean isWord(int c) {
    int type = Character.getType(c);
    return Character.isAlphabetic(c)
        || type == Character.DECIMAL_DIGIT_NUMBER
        || type == Character.CONNECTOR_PUNCTUATION
        || type == Character.NON_SPACING_MARK
        || type == Character.COMBINING_SPACING_MARK
        || type == Character.ENCLOSING_MARK;
  }
}
