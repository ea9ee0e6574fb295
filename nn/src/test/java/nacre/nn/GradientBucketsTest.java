package nacre.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Collectives;
import org.junit.jupiter.api.Test;

/** Buckets between two ranks of which the other has three times the gradients of this one. */
class GradientBucketsTest {
  private static final Device DEVICE = Device.reference();

  /** Means at the join, as one that goes on beside the computation may do at the latest. */
  private static final class Other implements Collectives {
    private final List<Tensor> started = new ArrayList<>();
    private final List<Long> sizes = new ArrayList<>();

    @Override
    public String describe() {
      return "two ranks";
    }

    @Override
    public int rank() {
      return 0;
    }

    @Override
    public int ranks() {
      return 2;
    }

    @Override
    public void broadcast(Tensor x, int root) {}

    @Override
    public void startSum(Tensor x) {}

    @Override
    public void startMean(Tensor x) {
      started.add(x);
      sizes.add(x.elements());
    }

    @Override
    public void startMeanScatter(Tensor x, Tensor part) {}

    @Override
    public void startGather(Tensor part, Tensor x) {}

    @Override
    public void join() {
      started.forEach(x -> x.backend().affine(x, 2, 0, x));
      started.clear();
    }

    @Override
    public long bytesSent() {
      return 0;
    }

    @Override
    public void abort() {}

    @Override
    public void close() {}
  }

  private static Map<String, Tensor> parameters() {
    Map<String, Tensor> all = new LinkedHashMap<>();
    all.put("a", Tensor.zeros(DEVICE, DType.F32, Shape.of(3, 2)));
    all.put("b", Tensor.zeros(DEVICE, DType.F32, Shape.of(100)));
    all.put("c", Tensor.zeros(DEVICE, DType.F32, Shape.of(2)));
    all.put("d", Tensor.zeros(DEVICE, DType.F32, Shape.of(1)));
    return all;
  }

  @Test
  void areSentAsTheyFillWhateverIsFinishedFirst() {
    try (Scope _ = Scope.open()) {
      Map<String, Tensor> all = parameters();
      Other group = new Other();
      GradientBuckets buckets = new GradientBuckets(all, group, DType.F32, 4 * 300);
      for (List<String> order : List.of(List.of("d", "c", "b", "a"), List.of("a", "b", "d", "c"))) {
        group.sizes.clear();
        buckets.begin();
        List<Integer> sent = new ArrayList<>();
        for (String name : order) {
          Tensor p = all.get(name);
          buckets.add(p, Tensor.full(DEVICE, DType.F32, p.shape(), name.charAt(0)));
          sent.add(group.sizes.size());
        }
        assertEquals(List.of(0, 1, 1, 2), sent);
        buckets.finish();
        assertEquals(List.of(512L, 512L), group.sizes); // d and c, b and a, at multiples of 256
        for (String name : order) {
          assertEquals(all.get(name).shape(), buckets.of(all.get(name)).shape());
          for (float mean : buckets.of(all.get(name)).toFloats()) {
            assertEquals(2 * name.charAt(0), mean);
          }
        }
      }
    }
  }

  @Test
  void ofTwoTypesAreSentInTheOrderInWhichTheyFill() {
    try (Scope _ = Scope.open()) {
      Map<String, Tensor> all = new LinkedHashMap<>();
      for (String name : List.of("a", "b", "c", "d")) {
        DType dtype = name.equals("b") || name.equals("d") ? DType.BF16 : DType.F32;
        all.put(name, Tensor.zeros(DEVICE, dtype, Shape.of(name.equals("b") ? 600 : 250)));
      }
      Other group = new Other();
      GradientBuckets buckets = new GradientBuckets(all, group, DType.F32, 4 * 500);
      buckets.begin();
      List<List<Long>> sent = new ArrayList<>();
      for (String name : List.of("d", "c", "b", "a")) {
        buckets.add(all.get(name), Tensor.zeros(DEVICE, DType.F32, all.get(name).shape()));
        sent.add(List.copyOf(group.sizes));
      }
      List<Long> first = List.of(256 + 768L); // d and b
      assertEquals(List.of(List.of(), List.of(), first, List.of(1024L, 512L)), sent);
      buckets.finish();
      assertEquals(2, group.sizes.size());
    }
  }

  @Test
  void haveNoGradientOfWhatTheLossDoesNotDependOn() {
    try (Scope _ = Scope.open()) {
      Map<String, Tensor> all = parameters();
      Other group = new Other();
      GradientBuckets buckets = new GradientBuckets(all, group, DType.F32, 1 << 20);
      buckets.begin();
      buckets.add(all.get("c"), Tensor.of(DEVICE, Shape.of(2), 1, 2));
      buckets.add(Tensor.zeros(DEVICE, DType.F32, Shape.of(1)), Tensor.of(DEVICE, Shape.of(1), 9));
      buckets.finish();
      assertEquals(List.of(4L * 256), group.sizes);
      assertArrayEquals(new float[] {2, 4}, buckets.of(all.get("c")).toFloats());
      assertNull(buckets.of(all.get("a")));
    }
  }

  @Test
  void areRoundedOnTheWireAndWideBehindIt() {
    try (Scope _ = Scope.open()) {
      Map<String, Tensor> all = parameters();
      GradientBuckets buckets = new GradientBuckets(all, new Other(), DType.BF16, 1 << 20);
      buckets.begin();
      buckets.add(all.get("c"), Tensor.of(DEVICE, Shape.of(2), 1.00390625f, 0.5f)); // 1 + 2⁻⁸
      buckets.finish();
      assertEquals(DType.F32, buckets.of(all.get("c")).dtype());
      assertArrayEquals(new float[] {2, 1}, buckets.of(all.get("c")).toFloats());
      assertEquals(4 * 256 * (2 + 4), buckets.bytes());
    }
  }
}
