package nacre.neuralassets.data;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFolder;
import nacre.neuralassets.scene.SceneReader;

/** Clips of scene folders on disk, all read at the start. */
public final class StoredClips implements ClipPool {
  private final Path root;
  private final List<Clip> clips;

  private StoredClips(Path root, List<Clip> clips) {
    this.root = root;
    this.clips = clips;
  }

  /**
   * Reads a scene folder, or all scene folders in a folder.
   *
   * @param size of the frames that the model wants
   * @param slots objects that the model has room for
   * @throws IOException if one is not a scene, or has a single frame; the message is one line
   */
  public static StoredClips read(Path root, int size, int slots) throws IOException {
    List<Clip> clips = new ArrayList<>();
    for (Path folder : SceneFolder.list(root)) {
      Scene scene = SceneReader.read(folder);
      if (scene.frames().size() < 2) {
        throw new IOException(
            folder + ": has a single frame; training pairs are two frames of one scene");
      }
      clips.add(Clip.of(folder.toString(), scene, size, slots));
    }
    return new StoredClips(root, clips);
  }

  @Override
  public int available(long step) {
    return clips.size();
  }

  @Override
  public Clip clip(int index) {
    return clips.get(index);
  }

  @Override
  public void prepare(long step) {
    // All are there.
  }

  @Override
  public String describe() {
    int frames = clips.stream().mapToInt(Clip::frames).sum();
    return "%d clips, %d frames, of %s".formatted(clips.size(), frames, root);
  }
}
