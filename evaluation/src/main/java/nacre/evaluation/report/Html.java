package nacre.evaluation.report;

import java.util.Locale;

/** HTML in the making. Whatever is not markup of this package is escaped. */
final class Html {
  private final StringBuilder text = new StringBuilder();

  /** Adds markup, in which each {@code %s} stands for a text that is escaped. */
  Html add(String markup, Object... texts) {
    Object[] escaped = new Object[texts.length];
    for (int i = 0; i < texts.length; i++) {
      escaped[i] = texts[i] instanceof Html html ? html.toString() : escape(texts[i].toString());
    }
    text.append(texts.length == 0 ? markup : String.format(Locale.ROOT, markup, escaped));
    return this;
  }

  /** A text that means itself, in an element and in an attribute. */
  static String escape(String text) {
    StringBuilder escaped = new StringBuilder(text.length());
    text.codePoints()
        .forEach(
            c -> {
              switch (c) {
                case '&' -> escaped.append("&amp;");
                case '<' -> escaped.append("&lt;");
                case '>' -> escaped.append("&gt;");
                case '"' -> escaped.append("&quot;");
                case '\'' -> escaped.append("&#39;");
                default -> {
                  boolean shown =
                      c >= ' ' && !(c >= 0x7f && c < 0xa0) && !(c >= 0xd800 && c < 0xe000);
                  escaped.appendCodePoint(shown ? c : c == '\n' || c == '\t' ? c : 0xfffd);
                }
              }
            });
    return escaped.toString();
  }

  @Override
  public String toString() {
    return text.toString();
  }
}
