package nacre.datasets.object;

import java.io.IOException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.scene.Scene;

/**
 * OBJect, or a part of it: all folders of pairs below a folder.
 *
 * @param root the folder
 * @param folders of the pairs, in the order of their names
 */
record EditPairs(Path root, List<Path> folders) implements ClipSource {
  /** Folders from the data set's to a pair's: task, split, seen or not, identity. */
  private static final int DEPTH = 5;

  /**
   * Lists the pairs.
   *
   * @throws IOException in one line, if there are none, or links go round in a circle
   */
  static EditPairs find(Path root) throws IOException {
    List<Path> folders = new ArrayList<>();
    try {
      Files.walkFileTree(
          root, EnumSet.of(FileVisitOption.FOLLOW_LINKS), DEPTH, new PairVisitor(folders));
    } catch (FileSystemLoopException e) {
      throw new IOException(e.getFile() + ": is a link to a folder that it lies in", e);
    }
    if (folders.isEmpty()) {
      throw new IOException(
          root + ": holds no folders with " + EditPair.METADATA + " and 1_mask.png, as OBJect has");
    }
    folders.sort(null);
    return new EditPairs(root, folders);
  }

  private static final class PairVisitor extends SimpleFileVisitor<Path> {
    private final List<Path> folders;

    PairVisitor(List<Path> folders) {
      this.folders = folders;
    }

    @Override
    public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
      if (EditPair.is(folder)) {
        folders.add(folder);
        return FileVisitResult.SKIP_SUBTREE;
      }
      return FileVisitResult.CONTINUE;
    }
  }

  @Override
  public int size() {
    return folders.size();
  }

  @Override
  public Scene scene(int index) throws IOException {
    return new EditPair(folders.get(index)).scene();
  }

  @Override
  public String name(int index) {
    return folders.get(index).toString();
  }

  /** The folder's name, after its task's: a pair of the same name may be in several tasks. */
  @Override
  public String id(int index) {
    Path folder = folders.get(index);
    for (Path part : folder) {
      if (ObjectProvider.TASKS.contains(part.toString())) {
        return part + "/" + folder.getFileName();
      }
    }
    return folder.getFileName().toString();
  }

  @Override
  public String describe() {
    return root + " (OBJect; 3D boxes are approximations, from masks and the usual camera)";
  }
}
