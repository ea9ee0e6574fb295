package nacre.neuralassets.data;

/** What frames are encoded as by the autoencoder of a run, as far as it is known beforehand. */
@FunctionalInterface
public interface EncodedFrames {
  /** Nothing is known; every frame is encoded when it is trained on. */
  EncodedFrames NONE = rgb -> null;

  /**
   * The moments of a frame's latents: means and logarithms of variances, row-major.
   *
   * @param rgb the frame at the size of the model's images, packed bytes {@code [S, S, 3]}
   * @return {@code [s, s, 2c]}; null if it is not known
   */
  float[] moments(byte[] rgb);

  /** Whether source frames are asked for as well: the model's UNet sees them. */
  default boolean ofSources() {
    return false;
  }

  /** The same for a model whose UNet sees source frames. */
  default EncodedFrames withSources() {
    EncodedFrames frames = this;
    return new EncodedFrames() {
      @Override
      public float[] moments(byte[] rgb) {
        return frames.moments(rgb);
      }

      @Override
      public boolean ofSources() {
        return true;
      }
    };
  }
}
