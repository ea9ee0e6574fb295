package nacre.diffusion;

import java.util.OptionalLong;

/**
 * The memory that drawing takes on the device, estimated from sizes before anything is taken.
 *
 * @param weights bytes of the weights that are there at a time
 * @param work bytes of what a step of the UNet, or decoding, holds besides at most
 * @param kept whether all weights stay; else only one model's are there at a time, and the device's
 *     memory is free for it
 * @param available bytes that could be had before, where the device knows
 */
public record DrawingMemory(long weights, long work, boolean kept, OptionalLong available) {
  /**
   * Tensors as large as a picture with the channels of the autoencoder's last level, of which
   * decoding holds so many: input and output of its widest block, of twice the channels, normalized
   * input and shortcut.
   */
  private static final long DECODED = 6;

  /**
   * Tensors as large as a latent with the channels of the UNet's first level: what the way up takes
   * from the way down, the widest block and its feed-forward layer.
   */
  private static final long STEPPED = 24;

  /** Bytes in all. */
  public long total() {
    return weights + work;
  }

  /** Whether it is more than could be had. */
  public boolean isTooMuch() {
    return available.isPresent() && total() > available.getAsLong();
  }

  /**
   * Bytes that decoding holds.
   *
   * @param pixels of a picture, or of a tile
   * @param bytes of a number
   */
  static long decoding(long pixels, long channels, int bytes) {
    return DECODED * pixels * channels * bytes;
  }

  /**
   * Bytes that a step holds.
   *
   * @param positions of all latents that go through the UNet together
   * @param bytes of a number
   */
  static long step(long positions, long channels, int bytes) {
    return STEPPED * positions * channels * bytes;
  }
}
