package nacre.neuralassets.data;

import java.io.IOException;
import java.util.List;
import nacre.neuralassets.scene.Scene;

/**
 * A data set of annotated video clips, each of which is a {@link Scene}: a finite number of them,
 * or an endless stream that a seed determines. Clips are always the same and in the same order;
 * otherwise runs could not be resumed.
 *
 * <p>Nacre has two, {@link StoredClips} and {@link RenderedClips}. For one of your own, implement
 * this interface and a {@link ClipSourceProvider}.
 */
public interface ClipSource {
  /** The size of a stream that has no end. */
  int ENDLESS = Integer.MAX_VALUE;

  /** The number of clips, or {@link #ENDLESS}. */
  int size();

  /**
   * Reads or makes a clip, of at least two frames of any size. Of a large data set it reads what is
   * known without decoding pictures, and gives {@linkplain
   * nacre.neuralassets.scene.SceneFrame.Stored frames} that decode theirs when asked. Several
   * threads may call this at once.
   *
   * @param index from 0 to {@link #size()} − 1
   * @throws IOException if it cannot be read; the message is one line that names the file
   */
  Scene scene(int index) throws IOException;

  /** The name of a clip in messages, which no other clip of this source has. */
  default String name(int index) {
    return "clip " + index;
  }

  /**
   * The identity of a clip, which stays the same wherever the data set lies and whatever clips are
   * added: it decides which clips are held out. Its name unless overridden.
   */
  default String id(int index) {
    return name(index);
  }

  /**
   * What is unusual about a clip, such as annotations that jump, in lines for a person who looks at
   * it.
   *
   * @throws IOException as {@link #scene}
   */
  default List<String> remarks(int index) throws IOException {
    return List.of();
  }

  /** The data set in a few words, such as its folder, for the line with which a run begins. */
  String describe();
}
