package nacre.neuralassets.data;

import java.util.stream.IntStream;

/**
 * A training pair before it is packed into a {@link PairBatch}: two frames of a clip, and how they
 * are to be used. The appearance of the objects is taken from the source frame, their poses from
 * the target frame.
 *
 * @param clip the clip
 * @param source index of the source frame
 * @param target index of the target frame
 * @param slots the slot of each of the clip's objects; it may be longer than there are objects
 * @param isMirrored whether left and right are exchanged
 * @param isDropped whether the conditioning is dropped, for classifier-free guidance
 * @param timestep of the diffusion
 */
public record FramePair(
    Clip clip,
    int source,
    int target,
    int[] slots,
    boolean isMirrored,
    boolean isDropped,
    int timestep) {

  /** The target frame as it is used, mirrored if the pair is: packed bytes, not to be changed. */
  byte[] targetFrame() {
    return isMirrored ? clip.mirrored(target) : clip.rgb(target);
  }

  /** A pair used as it is, at timestep 0. */
  static FramePair of(Clip clip, int source, int target, int[] slots) {
    return new FramePair(clip, source, target, slots, false, false, 0);
  }

  /** A pair used as it is, at timestep 0, whose objects take the slots in their own order. */
  public static FramePair of(Clip clip, int source, int target) {
    return of(clip, source, target, IntStream.range(0, clip.objects()).toArray());
  }
}
