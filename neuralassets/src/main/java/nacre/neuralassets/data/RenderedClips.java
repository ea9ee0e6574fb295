package nacre.neuralassets.data;

import java.io.IOException;
import java.util.Locale;
import nacre.neuralassets.render.SceneGenerator;
import nacre.neuralassets.render.SceneRenderer;
import nacre.neuralassets.scene.Scene;

/** The endless stream of generated scenes, each rendered on demand. */
public final class RenderedClips implements ClipSource {
  private final DataConfig config;
  private final SceneGenerator generator;
  private final int imageSize;

  /**
   * The scenes of a seed.
   *
   * @param seed of the scenes; a run takes {@link HeldOut#trainingScenes}
   * @param imageSize width and height of the frames in pixels
   */
  public RenderedClips(DataConfig config, long seed, int imageSize) {
    this.config = config;
    this.imageSize = imageSize;
    generator = new SceneGenerator(config.scene(), seed);
  }

  @Override
  public int size() {
    return ENDLESS;
  }

  @Override
  public Scene scene(int index) {
    return SceneRenderer.render(
        generator.describe(index), imageSize, imageSize, config.rendered().samplesPerSide());
  }

  @Override
  public String describe() {
    return String.format(
        Locale.ROOT,
        "%,d clips of %d frames with %d to %d objects, rendered while training, at most %,d",
        config.stream().initialClips(),
        config.scene().frames(),
        config.scene().minObjects(),
        config.scene().maxObjects(),
        config.stream().maxClips());
  }

  /** The kind {@code rendered}, which has no location: the preset says what to render. */
  public static final class Provider implements ClipSourceProvider {
    @Override
    public String name() {
      return "rendered";
    }

    @Override
    public ClipSource open(String location, Request request) throws IOException {
      if (!location.isEmpty()) {
        throw new IOException("rendered:" + location + ": nothing may follow the colon");
      }
      return new RenderedClips(
          request.config(), HeldOut.trainingScenes(request.seed()), request.imageSize());
    }
  }
}
