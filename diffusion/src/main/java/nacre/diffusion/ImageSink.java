package nacre.diffusion;

import java.awt.image.BufferedImage;
import java.io.IOException;

/** Takes pictures as they are drawn. */
@FunctionalInterface
public interface ImageSink {

  /**
   * Takes the next picture.
   *
   * @param seed what it was drawn from
   * @throws IOException if it cannot be written; no more are drawn
   */
  void accept(long seed, BufferedImage picture) throws IOException;
}
