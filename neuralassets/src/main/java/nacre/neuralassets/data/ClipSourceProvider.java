package nacre.neuralassets.data;

import java.io.IOException;
import java.nio.file.Path;

/**
 * A kind of data set, which {@code --data NAME:LOCATION} opens. Providers are found by {@link
 * java.util.ServiceLoader}: list yours in {@code
 * META-INF/services/nacre.neuralassets.data.ClipSourceProvider}, and in {@code provides} if it lies
 * in a named module.
 */
public interface ClipSourceProvider {
  /** The name before the colon: a lower-case letter, then such letters, digits and hyphens. */
  String name();

  /**
   * Whether a file or folder is a data set of this kind, so that {@code --data} needs no name for
   * it. A quick look is enough; {@link #open} says what is wrong with one that only looks like it.
   */
  default boolean recognizes(Path path) {
    return false;
  }

  /**
   * Opens a data set.
   *
   * @param location what follows the colon, which may be empty: an absolute path if it names a file
   *     or folder that exists, else as the user wrote it
   * @throws IOException in one line for the user, if there is no such data set, or it is damaged
   */
  ClipSource open(String location, Request request) throws IOException;

  /**
   * The request of a run. A source that has pictures of one size only may ignore all of it: clips
   * are resized afterwards.
   *
   * @param config the part "data" of the preset
   * @param imageSize the side of the model's images in pixels
   * @param seed of the run, which an endless source depends on
   */
  record Request(DataConfig config, int imageSize, long seed) {}
}
