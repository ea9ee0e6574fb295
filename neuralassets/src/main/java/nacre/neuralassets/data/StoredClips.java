package nacre.neuralassets.data;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFolder;
import nacre.neuralassets.scene.SceneReader;

/**
 * The scene folders on disk at a path, sorted by name.
 *
 * @param root the path
 * @param folders the folders
 */
public record StoredClips(Path root, List<Path> folders) implements ClipSource {

  /**
   * Finds a scene folder, or all scene folders directly in a folder.
   *
   * @throws IOException if there are none; the message is one line
   */
  public static StoredClips find(Path root) throws IOException {
    return new StoredClips(root, SceneFolder.list(root));
  }

  @Override
  public int size() {
    return folders.size();
  }

  @Override
  public Scene scene(int index) throws IOException {
    return SceneReader.read(folders.get(index));
  }

  @Override
  public String name(int index) {
    return folders.get(index).toString();
  }

  @Override
  public String id(int index) {
    return folders.get(index).getFileName().toString();
  }

  @Override
  public String describe() {
    return root.toString();
  }

  /** The kind {@code folder}, which {@code --data} uses for paths that no other kind recognizes. */
  public static final class Provider implements ClipSourceProvider {
    @Override
    public String name() {
      return "folder";
    }

    @Override
    public ClipSource open(String location, Request request) throws IOException {
      return find(Path.of(location));
    }
  }
}
