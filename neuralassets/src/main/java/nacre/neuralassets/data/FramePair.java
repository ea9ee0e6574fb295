package nacre.neuralassets.data;

import java.util.Comparator;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A training pair before it is packed into a {@link PairBatch}: two frames of a clip, and how they
 * are to be used. The appearance of the objects is taken from the source frame, their poses from
 * the target frame.
 *
 * @param clip the clip
 * @param source index of the source frame
 * @param target index of the target frame
 * @param slots the slot of each of the clip's objects, −1 for one that has none; it may be longer
 *     than there are objects
 * @param isMirrored whether left and right are exchanged
 * @param isDropped whether the conditioning is dropped, for classifier-free guidance
 * @param timestep of the diffusion
 * @param use how the source frame is changed
 */
public record FramePair(
    Clip clip,
    int source,
    int target,
    int[] slots,
    boolean isMirrored,
    boolean isDropped,
    int timestep,
    SourceUse use) {

  /** A pair whose source frame is used as it is. */
  public FramePair(
      Clip clip,
      int source,
      int target,
      int[] slots,
      boolean isMirrored,
      boolean isDropped,
      int timestep) {
    this(clip, source, target, slots, isMirrored, isDropped, timestep, SourceUse.PLAIN);
  }

  /** The target frame as it is used, mirrored if the pair is: packed bytes, not to be changed. */
  byte[] targetFrame() {
    return isMirrored ? clip.mirrored(target) : clip.rgb(target);
  }

  /** The same of the source frame. */
  byte[] sourceFrame() {
    return isMirrored ? clip.mirrored(source) : clip.rgb(source);
  }

  /**
   * The slots of the objects of a clip in a pair: those that are large enough and the largest of
   * them, in their own order, take the slots in the order given.
   *
   * @param order a permutation of the slots
   */
  static int[] slots(Clip clip, int source, int target, int[] order, DataConfig config) {
    if (clip.objects() <= order.length && config.minObjectArea() == 0) {
      return order;
    }
    double[] areas = new double[clip.objects()];
    for (int i = 0; i < areas.length; i++) {
      areas[i] = Math.max(clip.area(source, i), clip.area(target, i));
    }
    Set<Integer> chosen =
        IntStream.range(0, areas.length)
            .filter(i -> areas[i] >= config.minObjectArea())
            .boxed()
            .sorted(Comparator.comparingDouble((Integer i) -> -areas[i]).thenComparing(i -> i))
            .limit(order.length)
            .collect(Collectors.toSet());
    int[] slots = new int[areas.length];
    int next = 0;
    for (int i = 0; i < slots.length; i++) {
      slots[i] = chosen.contains(i) ? order[next++] : -1;
    }
    return slots;
  }

  /** Whether some object covers more of the image than {@link DataConfig#minPairArea} in both. */
  static boolean isLarge(Clip clip, int source, int target, DataConfig config) {
    double least = config.minPairArea();
    return least == 0
        || IntStream.range(0, clip.objects())
            .anyMatch(i -> clip.area(source, i) > least && clip.area(target, i) > least);
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
