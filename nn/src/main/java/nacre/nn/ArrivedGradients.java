package nacre.nn;

import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import nacre.nn.ShardLayout.Bucket;
import nacre.nn.ShardLayout.Member;
import nacre.tensor.Tensor;

/**
 * Which gradients of a step have come so far, and with that which buckets can be sent: in the order
 * in which they fill, which is the same on all ranks, as they go back through the same operations.
 * In the order of their layout one that fills late, since all of a network reads one of its
 * parameters, would keep back the others.
 */
final class ArrivedGradients {
  /** Where a parameter's gradient lies: in which bucket, and as which of its members. */
  record Place(int bucket, Member member) {
    /** The gradient in a row of its bucket's elements. */
    Tensor in(Tensor flat) {
      Tensor parameter = member.parameter();
      int at = Math.toIntExact(member.at());
      return flat.rows(at, at + Math.toIntExact(parameter.elements())).view(parameter.shape());
    }
  }

  private final List<Bucket> buckets;
  private final Map<Tensor, Place> places = new IdentityHashMap<>();
  private final Set<Tensor> present = Collections.newSetFromMap(new IdentityHashMap<>());
  private final int[] missing;
  private final Deque<Integer> full = new ArrayDeque<>();

  ArrivedGradients(ShardLayout layout) {
    buckets = layout.buckets();
    missing = new int[buckets.size()];
    for (int i = 0; i < missing.length; i++) {
      for (Member member : buckets.get(i).members()) {
        places.put(member.parameter(), new Place(i, member));
      }
    }
    clear();
  }

  /** Before a step: none has come. */
  void clear() {
    present.clear();
    full.clear();
    for (int i = 0; i < missing.length; i++) {
      missing[i] = buckets.get(i).members().size();
    }
  }

  /** Where a parameter's gradient goes; null if it is none of the layout's. */
  Place of(Tensor parameter) {
    return places.get(parameter);
  }

  /** All places. */
  Iterable<Place> places() {
    return places.values();
  }

  /** Whether a parameter's gradient has come. */
  boolean has(Tensor parameter) {
    return present.contains(parameter);
  }

  /** Notes that a gradient is in its place; false if it has been before. */
  boolean add(Place place) {
    if (!present.add(place.member.parameter())) {
      return false;
    }
    if (--missing[place.bucket] == 0) {
      full.add(place.bucket);
    }
    return true;
  }

  /**
   * The next bucket to send, once; −1 if there is none now.
   *
   * @param evenIfNotFull at the end, when no more gradients come
   */
  int next(boolean evenIfNotFull) {
    for (int i = 0; evenIfNotFull && i < missing.length; i++) {
      if (missing[i] > 0) {
        missing[i] = 0;
        full.add(i);
      }
    }
    return full.isEmpty() ? -1 : full.remove();
  }
}
