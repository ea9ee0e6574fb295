package nacre.nn;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import nacre.nn.ShardLayout.Bucket;
import nacre.nn.ShardLayout.Member;
import nacre.nn.ShardLayout.Piece;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Backend;
import nacre.tensor.spi.Collectives;

/**
 * The means over ranks of this rank's part of the gradients. Gradients come one by one, go into the
 * buckets of a {@link ShardLayout}, and a bucket that is full is summed while the next one fills;
 * two exist at a time. Buckets go in their order, whatever order they fill in, so that all ranks do
 * the same.
 */
final class ShardedGradients {
  private record Place(int bucket, Member member) {}

  private final ShardLayout layout;
  private final Collectives ranks;
  private final DType wire;
  private final Scope home = Scope.current();
  private final Device device;
  private final Backend backend;
  private final Map<Tensor, Place> places = new IdentityHashMap<>();

  // Of the step that is under way.
  private final Set<Tensor> present = Collections.newSetFromMap(new IdentityHashMap<>());
  private final Map<Bucket, Tensor> parts = new IdentityHashMap<>();
  private final Tensor[] flats;
  private final int[] missing;
  private final List<Tensor> underWay = new ArrayList<>();
  private int next;

  ShardedGradients(ShardLayout layout, Collectives ranks, DType wire, Device device) {
    this.layout = layout;
    this.ranks = ranks;
    this.wire = wire;
    this.device = device;
    this.backend = device.backend();
    int count = layout.buckets().size();
    flats = new Tensor[count];
    missing = new int[count];
    for (int i = 0; i < count; i++) {
      for (Member member : layout.buckets().get(i).members()) {
        places.put(member.parameter(), new Place(i, member));
      }
    }
    clear();
  }

  /** Takes a gradient, which is not wanted any more when this returns. */
  void ready(Tensor parameter, Tensor gradient) {
    Place place = places.get(parameter);
    if (place == null) {
      throw new IllegalArgumentException(
          "AdamW: " + parameter.describe() + " is no parameter of this optimizer");
    }
    if (!present.add(parameter)) {
      throw new IllegalStateException("AdamW: two gradients of one parameter in one step");
    }
    int at = (int) place.member.at();
    Tensor flat = flat(place.bucket);
    try (Scope _ = Scope.open()) {
      backend.cast(
          gradient,
          flat.rows(at, at + Math.toIntExact(parameter.elements())).view(parameter.shape()));
    }
    missing[place.bucket]--;
    while (next < flats.length && missing[next] == 0) {
      send();
    }
  }

  private Tensor flat(int bucket) {
    if (flats[bucket] == null) {
      flats[bucket] = make(layout.buckets().get(bucket).elements());
      backend.fill(flats[bucket], 0);
    }
    return flats[bucket];
  }

  private Tensor make(int elements) {
    return home.adopt(Tensor.empty(device, wire, Shape.of(elements)));
  }

  private void send() {
    Tensor flat = flat(next);
    flats[next] = null;
    arrive();
    Bucket bucket = layout.buckets().get(next++);
    Tensor part = make(bucket.elements() / ranks.ranks());
    parts.put(bucket, part);
    ranks.startSumScatter(flat, part);
    underWay.add(flat);
  }

  private void arrive() {
    if (!underWay.isEmpty()) {
      ranks.join();
      underWay.forEach(Tensor::close);
      underWay.clear();
    }
  }

  /** Sends what is left, where parameters have no gradient, and waits for all. */
  void finish() {
    while (next < flats.length) {
      send();
    }
    arrive();
    parts.values().forEach(part -> backend.affine(part, 1.0 / ranks.ranks(), 0, part));
  }

  /** What this rank's part takes. */
  long bytes() {
    long elements = layout.buckets().stream().mapToLong(Bucket::elements).sum();
    return elements / ranks.ranks() * wire.bytes();
  }

  /** Whether a parameter has had a gradient since {@link #clear}. */
  boolean has(Tensor parameter) {
    return present.contains(parameter);
  }

  /** The mean of a piece, a row, once they are all there; null if there was no gradient. */
  Tensor of(Piece piece) {
    return has(piece.parameter()) ? piece.in(parts.get(piece.bucket())) : null;
  }

  /** Frees what a step has left. */
  void clear() {
    arrive();
    for (int i = 0; i < flats.length; i++) {
      if (flats[i] != null) {
        flats[i].close();
        flats[i] = null;
      }
      missing[i] = layout.buckets().get(i).members().size();
    }
    parts.values().forEach(Tensor::close);
    parts.clear();
    present.clear();
    next = 0;
  }
}
