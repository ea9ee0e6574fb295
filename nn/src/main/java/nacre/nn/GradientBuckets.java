package nacre.nn;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import nacre.nn.ArrivedGradients.Place;
import nacre.nn.ShardLayout.Bucket;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Backend;
import nacre.tensor.spi.Collectives;

/**
 * The mean of gradients over ranks, exchanged in buckets while backward goes on (Li et al.,
 * "PyTorch Distributed", 2020). Parameters are put into buckets in the reverse of their order,
 * which is about the order in which their gradients are finished. A bucket is sent when it is full,
 * and buckets in one order on all ranks, whatever was finished first.
 *
 * <pre>{@code
 * buckets.begin();
 * tape.backward(cotangents, Map.of(), buckets::add);
 * buckets.finish();
 * optimizer.step(buckets::of);
 * }</pre>
 */
public final class GradientBuckets {
  /** The most bytes of a bucket: as PyTorch's. */
  private static final long MOST = 25 << 20;

  /** So many buckets, as the last of them goes when backward is over. */
  private static final int BUCKETS = 8;

  private final Collectives group;
  private final Backend backend;
  private final ArrivedGradients arrived;
  private final List<Tensor> sent = new ArrayList<>();

  /** Of each bucket the means in f32: what is sent itself, if that is f32. */
  private final List<Tensor> means = new ArrayList<>();

  private final Map<Tensor, Tensor> places = new IdentityHashMap<>();

  /** The same with buckets of a size that suits the parameters. */
  public GradientBuckets(Map<String, Tensor> parameters, Collectives group, DType wire) {
    this(parameters, group, wire, ShardLayout.bucketBytes(parameters, BUCKETS, MOST));
  }

  /**
   * Buckets that belong to the current scope.
   *
   * @param parameters those that are trained, by name, all of one device, in one order on all ranks
   * @param wire the type in which gradients are exchanged, f32 or bf16
   * @param bytes with which a bucket is full
   * @throws IllegalArgumentException if there are no parameters, or for another type
   */
  public GradientBuckets(
      Map<String, Tensor> parameters, Collectives group, DType wire, long bytes) {
    if (parameters.isEmpty() || wire != DType.F32 && wire != DType.BF16) {
      throw new IllegalArgumentException(
          "gradient buckets: want parameters and f32 or bf16, not "
              + parameters.size()
              + " and "
              + wire);
    }
    this.group = group;
    Device device = parameters.values().iterator().next().device();
    this.backend = device.backend();
    ShardLayout layout = new ShardLayout(parameters, 0, 1, bytes / wire.bytes());
    this.arrived = new ArrivedGradients(layout);
    for (Bucket bucket : layout.buckets()) {
      Shape row = Shape.of(bucket.elements());
      Tensor flat = Tensor.zeros(device, wire, row);
      sent.add(flat);
      means.add(wire == DType.F32 ? flat : Tensor.zeros(device, DType.F32, row));
    }
    for (Place place : arrived.places()) {
      places.put(place.member().parameter(), place.in(means.get(place.bucket())));
    }
  }

  /** Before a step's gradients. */
  public void begin() {
    arrived.clear();
  }

  /**
   * Takes a gradient that is finished, and sends what can be sent. Leaves that are not among the
   * parameters are left alone.
   */
  public void add(Tensor parameter, Tensor gradient) {
    Place place = arrived.of(parameter);
    if (place != null && arrived.add(place)) {
      try (Scope _ = Scope.open()) {
        backend.cast(gradient, place.in(sent.get(place.bucket())));
      }
      send(false);
    }
  }

  private void send(boolean evenIfNotFull) {
    for (int i = arrived.next(evenIfNotFull); i >= 0; i = arrived.next(evenIfNotFull)) {
      group.startMean(sent.get(i));
    }
  }

  /** Sends what is left and waits for it; {@link #of} has the means then. */
  public void finish() {
    try (Scope _ = Scope.open()) {
      for (Place place : arrived.places()) {
        if (!arrived.has(place.member().parameter())) {
          backend.fill(place.in(sent.get(place.bucket())), 0);
        }
      }
    }
    send(true);
    group.join();
    for (int i = 0; i < sent.size(); i++) {
      if (means.get(i) != sent.get(i)) {
        backend.cast(sent.get(i), means.get(i));
      }
    }
  }

  /** What the buckets take. */
  public long bytes() {
    long all = 0;
    for (int i = 0; i < sent.size(); i++) {
      all += sent.get(i).bytes() + (means.get(i) == sent.get(i) ? 0 : means.get(i).bytes());
    }
    return all;
  }

  /**
   * The mean gradient of a parameter, f32; null if the loss did not depend on it. The same on every
   * rank.
   */
  public Tensor of(Tensor parameter) {
    return arrived.has(parameter) ? places.get(parameter) : null;
  }
}
