package nacre.neuralassets.scene;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * The file names in a scene folder; the format is described in docs/scene-format.md.
 *
 * @see SceneReader
 * @see SceneWriter
 */
public final class SceneFolder {
  static final String FORMAT = "nacre-scene";
  static final int VERSION = 1;
  static final String JSON = "scene.json";

  private SceneFolder() {}

  static Path frame(Path folder, int index) {
    return folder.resolve(String.format(Locale.ROOT, "frame_%03d.png", index));
  }

  static Path segmentation(Path folder, int index) {
    return folder.resolve(String.format(Locale.ROOT, "segmentation_%03d.png", index));
  }

  /**
   * The scene folders at a path: the path itself if it is one, else those directly below it, sorted
   * by name.
   *
   * @throws NoSuchFileException if the path does not exist
   * @throws SceneFormatException if there are none
   */
  public static List<Path> list(Path root) throws IOException {
    if (Files.isRegularFile(root.resolve(JSON))) {
      return List.of(root);
    }
    if (!Files.exists(root)) {
      throw new NoSuchFileException(
          root.toString(),
          null,
          "does not exist; give a scene folder or a folder of scene folders");
    }
    if (!Files.isDirectory(root)) {
      throw new SceneFormatException(
          root, "", "is not a folder", "give a scene folder or a folder of scene folders");
    }
    List<Path> scenes;
    try (Stream<Path> children = Files.list(root)) {
      scenes = children.filter(p -> Files.isRegularFile(p.resolve(JSON))).sorted().toList();
    }
    if (scenes.isEmpty()) {
      throw new SceneFormatException(
          root,
          "",
          "holds no " + JSON + ", neither do the folders in it",
          "give a scene folder or a folder of scene folders");
    }
    return scenes;
  }
}
