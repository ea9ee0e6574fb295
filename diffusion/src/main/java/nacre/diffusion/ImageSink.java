package nacre.diffusion;

import java.awt.image.BufferedImage;
import java.io.IOException;

/** A receiver of pictures as they are drawn. */
@FunctionalInterface
public interface ImageSink {

  /**
   * Takes the next picture.
   *
   * @param seed the seed it was drawn from
   * @throws IOException if it cannot be written; no more are drawn
   */
  void accept(long seed, BufferedImage picture) throws IOException;
}
