package nacre.cli.output;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import nacre.weights.AtomicFile;

/**
 * Files that a command makes for its user and that may have been made before: another file of the
 * same name is not lost, but the new one gets the next number.
 *
 * @param overwrite whether to write over other files nevertheless
 */
public record NewFile(boolean overwrite) {

  /**
   * Writes a file whole, under its name or, where another file has it, under the next that is free:
   * {@code sheet.png}, {@code sheet-2.png}, {@code sheet-3.png}. A file with the same content is
   * left as it is.
   *
   * @return where the content is
   */
  public Path write(Path wanted, byte[] content) throws IOException {
    if (wanted.getParent() != null) {
      Files.createDirectories(wanted.getParent());
    }
    Path file = wanted;
    for (int i = 2; !overwrite; i++) {
      if (reserve(file)) {
        return writeReserved(file, content);
      }
      if (holds(file, content)) {
        break;
      }
      file = numbered(wanted, i);
    }
    AtomicFile.write(file, out -> out.write(content));
    return file;
  }

  /** Takes a name that is free, at once or not at all: another process may be writing, too. */
  private static boolean reserve(Path file) throws IOException {
    try {
      Files.createFile(file);
      return true;
    } catch (FileAlreadyExistsException e) {
      return false;
    }
  }

  private static Path writeReserved(Path file, byte[] content) throws IOException {
    try {
      AtomicFile.write(file, out -> out.write(content));
      return file;
    } catch (IOException | RuntimeException | Error e) {
      Files.deleteIfExists(file);
      throw e;
    }
  }

  private static boolean holds(Path file, byte[] content) throws IOException {
    return Files.isRegularFile(file)
        && Files.size(file) == content.length
        && Arrays.equals(Files.readAllBytes(file), content);
  }

  private static Path numbered(Path file, int number) {
    String name = file.getFileName().toString();
    int dot = name.lastIndexOf('.');
    return file.resolveSibling(name.substring(0, dot) + "-" + number + name.substring(dot));
  }
}
