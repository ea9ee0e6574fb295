package nacre.weights;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/** The name that a mistyped one was probably meant to be, for error messages. */
public final class NearName {
  /** More entries than that in a folder are not looked at. */
  private static final int MOST_ENTRIES = 1000;

  private NearName() {}

  /** The end of a message, {@code ; did you mean demo?}, or nothing where no known name is near. */
  public static String hint(String word, Collection<String> known) {
    return of(word, known).map(name -> "; did you mean " + name + "?").orElse("");
  }

  /** The same for a file or folder that is not there, from the names beside it. */
  public static String hint(Path missing) {
    Path folder = missing.toAbsolutePath().normalize().getParent();
    Path name = missing.getFileName();
    if (folder == null || name == null || !Files.isDirectory(folder)) {
      return "";
    }
    try (Stream<Path> entries = Files.list(folder)) {
      List<String> names =
          entries.limit(MOST_ENTRIES).map(entry -> entry.getFileName().toString()).toList();
      return of(name.toString(), names)
          .map(near -> "; did you mean " + missing.resolveSibling(near) + "?")
          .orElse("");
    } catch (IOException | UncheckedIOException e) {
      return ""; // a folder that cannot be listed has no hints
    }
  }

  /** The known name with the fewest changed letters, if those are a third of the word at most. */
  private static Optional<String> of(String word, Collection<String> known) {
    int most = Math.max(1, word.replaceFirst("^-+", "").length() / 3);
    return known.stream()
        .filter(name -> !name.equals(word) && distance(word, name) <= most)
        .min(Comparator.comparingInt((String name) -> distance(word, name)).thenComparing(n -> n));
  }

  /** Letters to insert, leave out, change or exchange with a neighbor, whatever their case. */
  public static int distance(String left, String right) {
    String a = left.toLowerCase(Locale.ROOT);
    String b = right.toLowerCase(Locale.ROOT);
    int[][] d = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      for (int j = 0; j <= b.length(); j++) {
        if (i == 0 || j == 0) {
          d[i][j] = i + j;
          continue;
        }
        int change = d[i - 1][j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        d[i][j] = Math.min(change, 1 + Math.min(d[i - 1][j], d[i][j - 1]));
        boolean exchanged =
            i > 1
                && j > 1
                && a.charAt(i - 1) == b.charAt(j - 2)
                && a.charAt(i - 2) == b.charAt(j - 1);
        if (exchanged) {
          d[i][j] = Math.min(d[i][j], 1 + d[i - 2][j - 2]);
        }
      }
    }
    return d[a.length()][b.length()];
  }
}
