package nacre.datasets.object;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.data.ClipSourceProvider;

/**
 * The kind {@code object}: OBJect, the pairs of pictures with which 3DIT was trained. The location
 * is the folder of all tasks, of one task or split, or of one pair.
 */
public final class ObjectProvider implements ClipSourceProvider {
  /** Names of the tasks' folders. */
  static final List<String> TASKS = List.of("translate", "rotate", "remove");

  /** Levels at which a pair is looked for in a folder whose name says nothing. */
  private static final int LEVELS = 4;

  /** For the service loader. */
  public ObjectProvider() {}

  @Override
  public String name() {
    return "object";
  }

  @Override
  public boolean recognizes(Path path) {
    for (String task : TASKS) {
      if (holdsPair(path.resolve(task), LEVELS)) {
        return true;
      }
    }
    return holdsPair(path, LEVELS);
  }

  /** Whether the first folder of each level leads to a pair. */
  private static boolean holdsPair(Path folder, int levels) {
    if (EditPair.is(folder)) {
      return true;
    }
    if (levels == 0 || !Files.isDirectory(folder)) {
      return false;
    }
    try (DirectoryStream<Path> folders = Files.newDirectoryStream(folder, Files::isDirectory)) {
      var first = folders.iterator();
      return first.hasNext() && holdsPair(first.next(), levels - 1);
    } catch (IOException | RuntimeException e) {
      return false;
    }
  }

  @Override
  public ClipSource open(String location, Request request) throws IOException {
    Path path = Path.of(location);
    if (!Files.isDirectory(path)) {
      throw new IOException(path + ": is not a folder of OBJect");
    }
    return EditPairs.find(path);
  }
}
