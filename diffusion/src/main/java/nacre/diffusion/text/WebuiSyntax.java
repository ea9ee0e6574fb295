package nacre.diffusion.text;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the syntax of AUTOMATIC1111's stable-diffusion-webui has besides {@linkplain WeightedText
 * weights}: comments, which are taken out, and what is not supported, which is refused by name.
 */
final class WebuiSyntax {
  private static final Pattern LINE_COMMENT = Pattern.compile("(^|\n)#[^\n]*(\n|$)");
  private static final Pattern COMMENT = Pattern.compile("#[^\n]*(\n|$)");
  private static final Pattern NETWORK =
      Pattern.compile("<\\w+:[^>]+>", Pattern.UNICODE_CHARACTER_CLASS);
  private static final Pattern AND = Pattern.compile("\\bAND\\b", Pattern.UNICODE_CHARACTER_CLASS);
  private static final Pattern END_WEIGHT =
      Pattern.compile(":\\s*[-+]?(?:\\d+\\.?|\\d*\\.\\d+)\\s*$", Pattern.UNICODE_CHARACTER_CLASS);
  private static final Pattern NUMBER =
      Pattern.compile("\\s*[-+]?(\\d+\\.?\\d*|\\.\\d+)([eE][-+]?\\d+)?\\s*");

  private WebuiSyntax() {}

  /**
   * A prompt without comments.
   *
   * @param negative whether it is the negative prompt, in which AND and networks are text
   * @throws IllegalArgumentException if it uses what is not supported
   */
  static String plain(String prompt, boolean negative) {
    String text = LINE_COMMENT.matcher(prompt).replaceAll("\n");
    text = COMMENT.matcher(text).replaceAll("\n");
    if (!negative) {
      refuse(NETWORK, text, "a network, which is not supported");
      refuse(AND, text, "a prompt of several, which is not supported");
      refuse(
          END_WEIGHT,
          text,
          "the weight of a whole prompt, which is not supported; put it in brackets, or use"
              + " --guidance");
    }
    for (int i = text.indexOf('['); i >= 0; i = text.indexOf('[', i + 1)) {
      if (!isEscaped(text, i)) {
        changing(text, i)
            .ifPresent(
                bracket -> {
                  throw unsupported(
                      bracket, "a prompt that changes from step to step, which is not supported");
                });
      }
    }
    return text;
  }

  private static void refuse(Pattern pattern, String text, String what) {
    Matcher matcher = pattern.matcher(text);
    if (matcher.find()) {
      throw unsupported(matcher.group(), what);
    }
  }

  private static IllegalArgumentException unsupported(String sign, String what) {
    return new IllegalArgumentException("'" + sign.strip() + "' is " + what);
  }

  private static boolean isEscaped(String text, int at) {
    int backslashes = 0;
    while (at - backslashes > 0 && text.charAt(at - backslashes - 1) == '\\') {
      backslashes++;
    }
    return backslashes % 2 == 1;
  }

  /** The square bracket that begins at {@code from}, if it is of the kind [a:b:0.5] or [a|b]. */
  private static Optional<String> changing(String text, int from) {
    int depth = 0;
    int colons = 0;
    int last = from;
    boolean alternates = false;
    for (int i = from; i < text.length(); i++) {
      switch (text.charAt(i)) {
        case '\\' -> i++;
        case '[', '(' -> depth++;
        case ']', ')' -> {
          depth--;
          if (depth == 0) {
            String end = text.substring(last + 1, i);
            boolean scheduled = colons > 0 && colons < 3 && NUMBER.matcher(end).matches();
            return text.charAt(i) == ']' && (alternates || scheduled)
                ? Optional.of(text.substring(from, i + 1))
                : Optional.empty();
          }
        }
        case ':' -> {
          if (depth == 1) {
            colons++;
            last = i;
          }
        }
        case '|' -> alternates |= depth == 1;
        default -> {}
      }
    }
    return Optional.empty();
  }
}
