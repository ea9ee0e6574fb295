package nacre.diffusion;

import java.util.List;
import java.util.OptionalLong;

/**
 * The memory that tensors take on the device when pictures are drawn, estimated from sizes before
 * anything is taken. What libraries take besides, for packed weights and as workspace, is not in
 * it.
 *
 * @param weights bytes of the weights that are there at a time
 * @param work bytes of what a step of the UNet, or decoding, holds besides at most
 * @param kept whether all weights stay; else only one model's are there at a time, and the device's
 *     memory is free for it
 * @param available bytes that could be had before, where the device knows
 */
public record DrawingMemory(long weights, long work, boolean kept, OptionalLong available) {
  /**
   * Tensors of the latent's size with the channels of the autoencoder's first level, which
   * attention holds: its input, that normalized, queries, keys, values and what comes of them.
   */
  private static final long ATTENDED = 6;

  /**
   * Tensors as large as a latent with the channels of the UNet's first level: what the way up takes
   * from the way down, the widest block and its feed-forward layer. Of Stable Diffusion 1 and 2 it
   * is 23, at all sizes.
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
   * Bytes that decoding holds: in the last level's first block its input, of the channels of the
   * level before, that normalized, and its output. Of a picture in tiles these are of a tile, and
   * input and output of a later block are there whole.
   *
   * @param pixels of a picture
   * @param tile pixels of a tile at most
   * @param channels of the autoencoder's levels, the picture's first
   * @param bytes of a number
   */
  static long decoding(long pixels, long tile, List<Integer> channels, int bytes) {
    long narrow = channels.getFirst();
    long wide = channels.get(Math.min(1, channels.size() - 1));
    long tiles = Math.ceilDiv(pixels, tile);
    long whole = tiles == 1 ? 0 : 2 * pixels * narrow;
    long latent = pixels >> 2 * (channels.size() - 1);
    long last = whole + pixels / tiles * (2 * wide + narrow);
    return bytes * Math.max(last, ATTENDED * latent * channels.getLast());
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
