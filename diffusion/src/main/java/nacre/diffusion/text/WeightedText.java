package nacre.diffusion.text;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A piece of a prompt with its weight, in the syntax of AUTOMATIC1111's stable-diffusion-webui. A
 * round bracket multiplies what it encloses by 1.1, or by the number before its end, a square one
 * divides by 1.1; a bracket without a partner reaches to the prompt's end.
 *
 * @param text without the signs of the syntax
 * @param weight 1 where nothing is said
 * @param isBreak whether it is the word BREAK, after which a new chunk begins
 */
record WeightedText(String text, double weight, boolean isBreak) {
  private static final double ROUND = 1.1;
  private static final double SQUARE = 1 / 1.1;

  /** An escaped sign, a bracket, a number that ends a bracket, a colon, or other text. */
  private static final Pattern TOKEN =
      Pattern.compile(
          "\\\\[()\\[\\]\\\\]?|[(\\[)\\]]|:\\s*(?<weight>[+-]?[.\\d]+)\\s*\\)|[^\\\\()\\[\\]:]+|:",
          Pattern.UNICODE_CHARACTER_CLASS);

  private static final Pattern BREAK =
      Pattern.compile("\\s*\\bBREAK\\b\\s*", Pattern.UNICODE_CHARACTER_CLASS);

  private WeightedText(String text) {
    this(text, 1, false);
  }

  private WeightedText times(double factor) {
    return new WeightedText(text, weight * factor, isBreak);
  }

  /**
   * The pieces of a prompt; neighbors of the same weight are one.
   *
   * @throws IllegalArgumentException if a weight is no number, or a BREAK has one
   */
  static List<WeightedText> parse(String prompt) {
    List<WeightedText> pieces = new ArrayList<>();
    Deque<Integer> round = new ArrayDeque<>();
    Deque<Integer> square = new ArrayDeque<>();
    Matcher matcher = TOKEN.matcher(prompt);
    while (matcher.find()) {
      String token = matcher.group();
      String weight = matcher.group("weight");
      if (token.startsWith("\\")) {
        pieces.add(new WeightedText(token.substring(1)));
      } else if (token.equals("(")) {
        round.push(pieces.size());
      } else if (token.equals("[")) {
        square.push(pieces.size());
      } else if (weight != null && !round.isEmpty()) {
        multiply(pieces, round.pop(), number(weight));
      } else if (token.equals(")") && !round.isEmpty()) {
        multiply(pieces, round.pop(), ROUND);
      } else if (token.equals("]") && !square.isEmpty()) {
        multiply(pieces, square.pop(), SQUARE);
      } else {
        addText(pieces, token);
      }
    }
    round.descendingIterator().forEachRemaining(from -> multiply(pieces, from, ROUND));
    square.descendingIterator().forEachRemaining(from -> multiply(pieces, from, SQUARE));
    return merge(pieces);
  }

  private static void multiply(List<WeightedText> pieces, int from, double factor) {
    pieces.subList(from, pieces.size()).replaceAll(piece -> piece.times(factor));
  }

  private static void addText(List<WeightedText> pieces, String text) {
    String[] parts = BREAK.split(text, -1);
    for (int i = 0; i < parts.length; i++) {
      if (i > 0) {
        pieces.add(new WeightedText("BREAK", 1, true));
      }
      pieces.add(new WeightedText(parts[i]));
    }
  }

  /** Digits of other scripts count, too. */
  private static double number(String text) {
    StringBuilder ascii = new StringBuilder();
    text.codePoints()
        .forEach(
            c -> {
              int digit = Character.digit(c, 10);
              ascii.appendCodePoint(digit < 0 ? c : '0' + digit);
            });
    try {
      return Double.parseDouble(ascii.toString());
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("the weight ':" + text + ")' is no number", e);
    }
  }

  private static List<WeightedText> merge(List<WeightedText> pieces) {
    List<WeightedText> merged = new ArrayList<>();
    for (WeightedText piece : pieces) {
      WeightedText last = merged.isEmpty() ? null : merged.getLast();
      if (piece.isBreak && piece.weight != 1) {
        throw new IllegalArgumentException(
            "BREAK stands in brackets, where stable-diffusion-webui takes it for a word; close them"
                + " before it");
      }
      if (last != null && !last.isBreak && !piece.isBreak && last.weight == piece.weight) {
        merged.set(
            merged.size() - 1, new WeightedText(last.text + piece.text, piece.weight, false));
      } else {
        merged.add(piece);
      }
    }
    return merged;
  }
}
