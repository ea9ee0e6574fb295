package nacre.cli.weights;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import nacre.weights.OneLine;
import nacre.weights.SafeTensors;
import nacre.weights.StateDict;
import nacre.weights.StoredType;

/**
 * A weight file as a table.
 *
 * @param file its name in the table
 * @param dict its tensors
 */
record Listing(Path file, StateDict dict) {
  /** The length at which values of the metadata are truncated. */
  private static final int SHOWN = 100;

  void print(PrintWriter out, boolean brief, Pattern only) {
    out.println("file      " + file);
    out.println("holds     " + Contents.describe(file, dict));
    dict.taken()
        .ifPresent(
            key ->
                out.println(
                    "taken     the dictionary "
                        + printable(key)
                        + (dict.leftOut().isEmpty()
                            ? ""
                            : "; --key takes another: "
                                + printable(OneLine.list(dict.leftOut())))));
    dict.metadata()
        .forEach((key, value) -> out.println("metadata  " + shown(key) + " = " + shown(value)));
    if (!brief) {
      printTensors(out, only);
    }
    Map<StoredType, Integer> types = new TreeMap<>();
    dict.entries().values().forEach(entry -> types.merge(entry.type(), 1, Integer::sum));
    long numbers = dict.entries().values().stream().mapToLong(e -> e.shape().elements()).sum();
    long bytes = dict.entries().values().stream().mapToLong(SafeTensors.Entry::bytes).sum();
    out.println(
        String.format(
            Locale.ROOT,
            "total     %,d tensors, %,d numbers, %,d bytes%s",
            dict.entries().size(),
            numbers,
            bytes,
            types.entrySet().stream()
                .map(type -> ", " + type.getValue() + " of " + type.getKey())
                .collect(Collectors.joining())));
  }

  private void printTensors(PrintWriter out, Pattern only) {
    List<Map.Entry<String, SafeTensors.Entry>> rows =
        dict.entries().entrySet().stream()
            .filter(tensor -> only.matcher(tensor.getKey()).find())
            .sorted(Map.Entry.comparingByKey(Listing::inOrder))
            .toList();
    int name = rows.stream().mapToInt(row -> printable(row.getKey()).length()).max().orElse(0);
    int shape =
        rows.stream().mapToInt(row -> row.getValue().shape().toString().length()).max().orElse(0);
    int type = rows.stream().mapToInt(row -> row.getValue().type().name().length()).max().orElse(0);
    for (Map.Entry<String, SafeTensors.Entry> row : rows) {
      SafeTensors.Entry entry = row.getValue();
      out.println(
          String.format(
              Locale.ROOT,
              "%-" + Math.max(1, name) + "s  %-" + Math.max(4, type) + "s  %-" + shape + "s  %,15d",
              printable(row.getKey()),
              entry.type(),
              entry.shape(),
              entry.bytes()));
    }
  }

  /** Alphabetical, but numbers inside names by their size: layer 2 before layer 10. */
  static int inOrder(String a, String b) {
    int i = 0;
    int j = 0;
    while (i < a.length() && j < b.length()) {
      int digitsA = digits(a, i);
      int digitsB = digits(b, j);
      int order =
          digitsA > 0 && digitsB > 0
              ? Long.compare(
                  Long.parseLong(a, i, i + digitsA, 10), Long.parseLong(b, j, j + digitsB, 10))
              : Character.compare(a.charAt(i), b.charAt(j));
      if (order != 0) {
        return order;
      }
      i += Math.max(1, digitsA);
      j += Math.max(1, digitsB);
    }
    int rest = Integer.compare(a.length() - i, b.length() - j);
    return rest != 0 ? rest : a.compareTo(b);
  }

  /** The number of digits from a position on, as far as they fit into a long. */
  private static int digits(String text, int from) {
    int to = from;
    while (to < text.length()
        && to - from < 18
        && text.charAt(to) >= '0'
        && text.charAt(to) <= '9') {
      to++;
    }
    return to - from;
  }

  private static String shown(String text) {
    String line = printable(text);
    return line.length() <= SHOWN
        ? line
        : line.substring(0, SHOWN) + "… (" + line.length() + " characters)";
  }

  /** Text from a file must not control the terminal. */
  private static String printable(String text) {
    return text.replaceAll("[\\p{Cntrl}\\u0080-\\u009f\\u2028\\u2029]", "?");
  }
}
