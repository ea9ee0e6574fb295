package nacre.neuralassets.training;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import nacre.weights.AtomicFile;
import nacre.weights.Sha256;

/**
 * The SHA-256 digests of a folder's files, kept in its file {@code SHA256SUMS} in the format of
 * {@code sha256sum}, so that {@code sha256sum -c SHA256SUMS} checks them, too.
 *
 * @param digests in hexadecimal, by path in the folder with slashes
 */
record Checksums(Map<String, String> digests) {
  private static final String FILE = "SHA256SUMS";
  private static final Pattern LINE = Pattern.compile("([0-9a-f]{64}) [ *](.+)");

  /** Copies the map. */
  Checksums {
    digests = new TreeMap<>(digests);
  }

  /**
   * Digests all files in a folder.
   *
   * @param known digests by name, of files that are not read again
   */
  static Checksums of(Path folder, Map<String, String> known) throws IOException {
    Map<String, String> digests = new LinkedHashMap<>(known);
    for (Path file : files(folder)) {
      String name = name(folder, file);
      if (!known.containsKey(name)) {
        digests.put(name, Sha256.of(file));
      }
    }
    return new Checksums(digests);
  }

  /**
   * The digests that a folder holds; none if it has no such file, as in checkpoints of earlier
   * versions.
   *
   * @throws IOException in one line that names the file, if it is damaged
   */
  static Optional<Checksums> read(Path folder) throws IOException {
    Path file = folder.resolve(FILE);
    byte[] bytes;
    try {
      bytes = Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
    Map<String, String> digests = new LinkedHashMap<>();
    for (String line : new String(bytes, StandardCharsets.UTF_8).lines().toList()) {
      Matcher matcher = LINE.matcher(line);
      if (!matcher.matches()) {
        throw new IOException(file + " is damaged: it has a line that is no digest of a file");
      }
      digests.put(matcher.group(2), matcher.group(1));
    }
    return Optional.of(new Checksums(digests));
  }

  /** These digests with that of one file made anew. */
  Checksums with(Path folder, Path file) throws IOException {
    Map<String, String> changed = new LinkedHashMap<>(digests);
    changed.put(name(folder, file), Sha256.of(file));
    return new Checksums(changed);
  }

  /** Those of some files, chosen by their paths. */
  Checksums only(Predicate<String> names) {
    Map<String, String> some = new LinkedHashMap<>(digests);
    some.keySet().removeIf(names.negate());
    return new Checksums(some);
  }

  /** These digests without that of one file. */
  Checksums without(Path folder, Path file) {
    Map<String, String> changed = new LinkedHashMap<>(digests);
    changed.remove(name(folder, file));
    return new Checksums(changed);
  }

  /** Writes them into the folder. */
  void write(Path folder) throws IOException {
    StringBuilder text = new StringBuilder();
    digests.forEach((name, digest) -> text.append(digest).append("  ").append(name).append('\n'));
    byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
    AtomicFile.write(folder.resolve(FILE), out -> out.write(bytes));
  }

  /**
   * Compares the files of a folder with these digests. A file that has none is not looked at.
   *
   * @throws IOException in one line that names the first file that is missing or differs
   */
  void verify(Path folder) throws IOException {
    for (Map.Entry<String, String> entry : digests.entrySet()) {
      Path file = folder.resolve(entry.getKey());
      if (!Files.isRegularFile(file)) {
        throw new IOException(file + ": is missing");
      }
      if (!Sha256.of(file).equals(entry.getValue())) {
        throw new IOException(file + ": is damaged, its SHA-256 is not the one in " + FILE);
      }
    }
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      return all.filter(Files::isRegularFile)
          .filter(file -> !name(folder, file).equals(FILE))
          .sorted()
          .toList();
    }
  }

  private static String name(Path folder, Path file) {
    return folder.relativize(file).toString().replace('\\', '/');
  }
}
