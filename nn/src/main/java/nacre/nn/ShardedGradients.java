package nacre.nn;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import nacre.nn.ArrivedGradients.Place;
import nacre.nn.ShardLayout.Bucket;
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
 * two exist at a time.
 */
final class ShardedGradients {
  private final ShardLayout layout;
  private final Collectives ranks;
  private final DType wire;
  private final Scope home = Scope.current();
  private final Device device;
  private final Backend backend;

  // Of the step that is under way.
  private final ArrivedGradients arrived;
  private final Map<Bucket, Tensor> parts = new IdentityHashMap<>();
  private final Tensor[] flats;
  private final List<Tensor> underWay = new ArrayList<>();

  ShardedGradients(ShardLayout layout, Collectives ranks, DType wire, Device device) {
    this.layout = layout;
    this.ranks = ranks;
    this.wire = wire;
    this.device = device;
    this.backend = device.backend();
    arrived = new ArrivedGradients(layout);
    flats = new Tensor[layout.buckets().size()];
  }

  /** Takes a gradient, which is not wanted any more when this returns. */
  void ready(Tensor parameter, Tensor gradient) {
    Place place = arrived.of(parameter);
    if (place == null) {
      throw new IllegalArgumentException(
          "AdamW: " + parameter.describe() + " is no parameter of this optimizer");
    }
    if (!arrived.add(place)) {
      throw new IllegalStateException("AdamW: two gradients of one parameter in one step");
    }
    Tensor flat = flat(place.bucket());
    try (Scope _ = Scope.open()) {
      backend.cast(gradient, place.in(flat));
    }
    send(false);
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

  private void send(boolean evenIfNotFull) {
    int next = arrived.next(evenIfNotFull);
    while (next >= 0) {
      Tensor flat = flat(next);
      flats[next] = null;
      arrive();
      Bucket bucket = layout.buckets().get(next);
      Tensor part = make(bucket.elements() / ranks.ranks());
      parts.put(bucket, part);
      ranks.startMeanScatter(flat, part);
      underWay.add(flat);
      next = arrived.next(evenIfNotFull);
    }
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
    send(true);
    arrive();
  }

  /** What this rank's part takes. */
  long bytes() {
    long elements = layout.buckets().stream().mapToLong(Bucket::elements).sum();
    return elements / ranks.ranks() * wire.bytes();
  }

  /** Whether a parameter has had a gradient since {@link #clear}. */
  boolean has(Tensor parameter) {
    return arrived.has(parameter);
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
    }
    parts.values().forEach(Tensor::close);
    parts.clear();
    arrived.clear();
  }
}
