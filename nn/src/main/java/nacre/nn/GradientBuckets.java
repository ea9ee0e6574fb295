package nacre.nn;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import nacre.tensor.DType;
import nacre.tensor.Device;
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
  /** A parameter's place in a bucket, and its mean in f32: the place itself if that is f32. */
  private record Place(Bucket bucket, Tensor wire, Tensor mean) {}

  /** What is sent at once. */
  private static final class Bucket {
    private final Tensor wire;
    private final Tensor means;
    private final int size;
    private int missing;

    Bucket(Tensor wire, Tensor means, int size) {
      this.wire = wire;
      this.means = means;
      this.size = size;
    }
  }

  private final Collectives group;
  private final Backend backend;
  private final Device device;
  private final DType wire;
  private final List<Bucket> buckets = new ArrayList<>();
  private final Map<Tensor, Place> places = new IdentityHashMap<>();
  private final Map<Tensor, Tensor> told = new IdentityHashMap<>();
  private int started;

  /**
   * Buckets that belong to the current scope.
   *
   * @param parameters those that are trained, by name, all of one device, in one order on all ranks
   * @param wire the type in which gradients are exchanged, f32 or bf16
   * @param bytes the size of a bucket; a parameter that is larger has one of its own
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
    this.wire = wire;
    this.device = parameters.values().iterator().next().device();
    this.backend = device.backend();
    List<Tensor> together = new ArrayList<>();
    long filled = 0;
    for (Tensor parameter : new ArrayList<>(parameters.values()).reversed()) {
      long more = parameter.elements() * wire.bytes();
      if (!together.isEmpty() && filled + more > bytes) {
        add(together);
        together.clear();
        filled = 0;
      }
      together.add(parameter);
      filled += more;
    }
    add(together);
  }

  private void add(List<Tensor> together) {
    int elements = Math.toIntExact(together.stream().mapToLong(Tensor::elements).sum());
    Tensor sent = Tensor.zeros(device, wire, Shape.of(elements));
    Tensor means = wire == DType.F32 ? sent : Tensor.zeros(device, DType.F32, Shape.of(elements));
    Bucket bucket = new Bucket(sent, means, together.size());
    int from = 0;
    for (Tensor parameter : together) {
      int to = from + Math.toIntExact(parameter.elements());
      Tensor place = sent.rows(from, to).view(parameter.shape());
      Tensor mean = sent == means ? place : means.rows(from, to).view(parameter.shape());
      places.put(parameter, new Place(bucket, place, mean));
      from = to;
    }
    buckets.add(bucket);
  }

  /** Before a step's gradients. */
  public void begin() {
    told.clear();
    started = 0;
    buckets.forEach(bucket -> bucket.missing = bucket.size);
  }

  /**
   * Takes a gradient that is finished, and sends what can be sent. Leaves that are not among the
   * parameters are left alone.
   */
  public void add(Tensor parameter, Tensor gradient) {
    Place place = places.get(parameter);
    if (place == null || told.put(parameter, place.mean) != null) {
      return;
    }
    backend.cast(gradient, place.wire);
    place.bucket.missing--;
    while (started < buckets.size() && buckets.get(started).missing == 0) {
      group.startSum(buckets.get(started++).wire);
    }
  }

  /** Sends what is left and waits for it; {@link #of} has the means then. */
  public void finish() {
    places.forEach(
        (parameter, place) -> {
          if (!told.containsKey(parameter)) {
            backend.fill(place.wire, 0);
          }
        });
    while (started < buckets.size()) {
      group.startSum(buckets.get(started++).wire);
    }
    group.join();
    for (Bucket bucket : buckets) {
      if (bucket.means != bucket.wire) {
        backend.cast(bucket.wire, bucket.means);
      }
      backend.affine(bucket.means, 1.0 / group.ranks(), 0, bucket.means);
    }
  }

  /** What the buckets take. */
  public long bytes() {
    return buckets.stream()
        .mapToLong(b -> b.wire.bytes() + (b.means == b.wire ? 0 : b.means.bytes()))
        .sum();
  }

  /**
   * The mean gradient of a parameter, f32; null if the loss did not depend on it. The same on every
   * rank.
   */
  public Tensor of(Tensor parameter) {
    return told.get(parameter);
  }
}
