package nacre.datasets.tfrecord;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The shards of a split. A location is a shard; or a folder of shards, of which the split {@code
 * train} is taken, or the only one there is; or a folder, a {@code #} and the name of a split, such
 * as {@code 256x256/1.0.0#validation}, or {@code #all}. Where a folder holds no shards, those in
 * the folders in it are taken. The split of a file is told by its name: {@code
 * SET-SPLIT.tfrecord-00000-of-00128}, {@code SET_SPLIT-00000-of-00128} or {@code
 * SET-SPLIT.tfrecord}.
 *
 * @param root the folder or shard
 * @param split the name of the split; empty for a shard
 * @param paths the shards, sorted by name
 */
public record ShardFiles(Path root, String split, List<Path> paths) {
  private static final Pattern NAME =
      Pattern.compile("(?<base>.+?)(\\.tfrecords?)?(-\\d+-of-(?<count>\\d+))?(\\.tfrecords?)?");
  private static final Pattern SPLIT = Pattern.compile(".*[-_.](?<split>[A-Za-z0-9]+)");

  private static final String ALL = "all";

  /** The split that is taken where there are several. */
  private static final String FIRST = "train";

  /** Copies the list. */
  public ShardFiles {
    paths = List.copyOf(paths);
  }

  /**
   * Finds the shards.
   *
   * @throws IOException in one line, if there are none
   */
  public static ShardFiles find(String location) throws IOException {
    Path path = path(location);
    if (Files.isRegularFile(path)) {
      return new ShardFiles(path, "", List.of(path));
    }
    int hash = location.lastIndexOf('#');
    Path root = Files.isDirectory(path) || hash < 0 ? path : path(location.substring(0, hash));
    String wanted = root == path ? null : location.substring(hash + 1);
    if (!Files.isDirectory(root)) {
      throw new IOException(root + (Files.exists(root) ? ": is no folder" : ": is not there"));
    }
    SortedMap<String, List<Path>> splits = splits(root);
    if (splits.isEmpty()) {
      throw new IOException(
          root + ": holds no TFRecord files, named as in SET-SPLIT.tfrecord-00000-of-00128");
    }
    if (ALL.equals(wanted)) {
      return new ShardFiles(root, ALL, splits.values().stream().flatMap(List::stream).toList());
    }
    String split = wanted;
    if (wanted == null) {
      split = splits.size() == 1 ? splits.firstKey() : FIRST;
    }
    if (!splits.containsKey(split)) {
      throw new IOException(
          String.format(
              Locale.ROOT,
              "%s: has no split '%s'; there %s %s: write the location as %s#%s",
              root,
              split,
              splits.size() == 1 ? "is" : "are",
              String.join(", ", splits.keySet().stream().limit(8).toList()),
              root,
              splits.firstKey()));
    }
    return new ShardFiles(root, split, splits.get(split));
  }

  private static Path path(String location) throws IOException {
    try {
      return Path.of(location);
    } catch (InvalidPathException e) {
      throw new IOException("'" + location + "' is no path", e);
    }
  }

  private static SortedMap<String, List<Path>> splits(Path root) throws IOException {
    List<Path> files = list(root);
    SortedMap<String, List<Path>> splits = new TreeMap<>();
    files.forEach(file -> add(file, splits));
    if (splits.isEmpty()) {
      for (Path folder : files) {
        if (Files.isDirectory(folder)) {
          list(folder).forEach(file -> add(file, splits));
        }
      }
    }
    return splits;
  }

  private static List<Path> list(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    } catch (UncheckedIOException e) {
      throw new IOException(folder + ": cannot be listed: " + e.getCause().getMessage(), e);
    } catch (IOException e) {
      throw new IOException(folder + ": cannot be listed: " + e.getMessage(), e);
    }
  }

  /** Adds a file to its split, if it is a shard. */
  private static void add(Path file, SortedMap<String, List<Path>> splits) {
    Matcher name = NAME.matcher(file.getFileName().toString());
    boolean isShard =
        name.matches() && (name.group(2) != null || name.group(3) != null || name.group(5) != null);
    if (isShard && !Files.isDirectory(file)) {
      Matcher split = SPLIT.matcher(name.group("base"));
      String key = split.matches() ? split.group("split") : name.group("base");
      splits.computeIfAbsent(key, _ -> new ArrayList<>()).add(file);
    }
  }

  /** Where the shards lie, the split, and how many of its shards there are. */
  public String describe() {
    if (split.isEmpty()) {
      return root.toString();
    }
    Matcher name = NAME.matcher(paths.getFirst().getFileName().toString());
    String of = "";
    if (!split.equals(ALL) && name.matches() && name.group("count") != null) {
      long count = Long.parseLong("0" + name.group("count").replaceFirst("^0+", ""));
      of = count == paths.size() ? "" : String.format(Locale.ROOT, " of %,d", count);
    }
    return String.format(
        Locale.ROOT,
        "%s, %s, %,d%s %s",
        root,
        split.equals(ALL) ? "all splits" : "split " + split,
        paths.size(),
        of,
        paths.size() == 1 && of.isEmpty() ? "shard" : "shards");
  }

  /**
   * Whether the first record at a location has a part: a quick look, which checks no checksum, so
   * that a data set is recognized whose first record is damaged.
   *
   * @param layout that finds it
   */
  public static boolean firstHas(Path location, RecordLayout layout, String part) {
    try {
      return beginsWith(find(location.toString()).paths().getFirst(), layout, part);
    } catch (IOException e) {
      return false; // opening it by name says what is wrong
    }
  }

  /** Whether the first record of a shard has a part, as {@link #firstHas} looks for it. */
  public static boolean beginsWith(Path shard, RecordLayout layout, String part)
      throws IOException {
    RecordFile file = new RecordFile(shard, OpenFiles.shared());
    RecordFile.Place first = file.place(0, 0, file.size());
    return layout.describe(file.unchecked(first), "").parts().containsKey(part);
  }
}
