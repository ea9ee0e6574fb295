package nacre.neuralassets.data;

import java.io.IOException;
import java.util.List;
import nacre.neuralassets.scene.Scene;

/**
 * Some of the clips of a finite source.
 *
 * @param source the source
 * @param indices of the clips in it
 */
public record SomeClips(ClipSource source, List<Integer> indices) implements ClipSource {
  /** Copies the list. */
  public SomeClips {
    indices = List.copyOf(indices);
  }

  @Override
  public int size() {
    return indices.size();
  }

  @Override
  public Scene scene(int index) throws IOException {
    return source.scene(indices.get(index));
  }

  @Override
  public String name(int index) {
    return source.name(indices.get(index));
  }

  @Override
  public String id(int index) {
    return source.id(indices.get(index));
  }

  @Override
  public List<String> remarks(int index) throws IOException {
    return source.remarks(indices.get(index));
  }

  /** The identities of all of them. */
  public List<String> ids() {
    return indices.stream().map(source::id).toList();
  }

  @Override
  public String describe() {
    return source.describe();
  }
}
