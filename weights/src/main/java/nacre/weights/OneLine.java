package nacre.weights;

import java.util.Collection;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Quoting of text from files in error messages: on one line and of bounded length, whatever the
 * file says.
 */
public final class OneLine {
  /** The maximum number of characters of one text. */
  private static final int CHARACTERS = 200;

  /** The maximum number of entries of one list. */
  static final int ENTRIES = 20;

  private static final Pattern CONTROL =
      Pattern.compile("[\\p{Cntrl}\\u0080-\\u009f\\u2028\\u2029]");

  private OneLine() {}

  /** The beginning of a text, without control characters. */
  public static String clip(String text) {
    String start = text.length() <= CHARACTERS ? text : text.substring(0, CHARACTERS) + "…";
    return CONTROL.matcher(start).replaceAll("?");
  }

  /** The first {@value #ENTRIES} entries, and how many more there are. */
  public static String list(Collection<String> entries) {
    return list(entries, ENTRIES);
  }

  /** As {@link #list(Collection)}, with another number of entries that are named. */
  public static String list(Collection<String> entries, int named) {
    String first =
        entries.stream().limit(named).map(OneLine::clip).collect(Collectors.joining(", "));
    int more = entries.size() - named;
    return more > 0 ? first + ", and " + more + " more" : first;
  }
}
