package nacre.tensor.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Packed;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.AdamWConstants;
import nacre.tensor.spi.AdamWTensors;
import nacre.tensor.spi.Backend;
import nacre.tensor.spi.Binary;
import nacre.tensor.spi.Packing;
import nacre.tensor.spi.Unary;
import nacre.tensor.spi.Window;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Weights that are kept packed: what is computed with them is what their elements say. */
@Tag("cpu")
class PrepackedTest {
  private static final Device CPU = Device.cpu();
  private static final Backend BACKEND = CPU.backend();
  private static final Shape LINEAR = Shape.of(96, 80);
  private static final Shape KERNEL = Shape.of(48, 3, 3, 24);

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
    assertEquals(0, Memory.liveBytes());
  }

  private static Tensor normal(long seed, DType dtype, Shape shape) {
    Tensor wide = Tensor.empty(CPU, DType.F32, shape);
    BACKEND.normal(seed, 0, wide);
    if (dtype == DType.F32) {
      return wide;
    }
    Tensor narrow = Tensor.empty(CPU, dtype, shape);
    BACKEND.cast(wide, narrow);
    return narrow;
  }

  /** A product or convolutions with the weights as they are. */
  private static float[] use(Tensor w) {
    try (Scope _ = Scope.open()) {
      if (w.shape().rank() == 2) {
        Tensor y = Tensor.empty(CPU, w.dtype(), Shape.of(19, 96));
        BACKEND.matmul(normal(1, w.dtype(), Shape.of(19, 80)), false, w, true, null, Unary.SILU, y);
        return y.toFloats();
      }
      // Both ways, of which the second keeps sums of the elements.
      Tensor y = Tensor.empty(CPU, w.dtype(), Shape.of(2, 9, 7, 48));
      Tensor large = Tensor.empty(CPU, w.dtype(), Shape.of(2, 18, 14, 48));
      Tensor x = normal(1, w.dtype(), Shape.of(2, 9, 7, 24));
      BACKEND.conv2d(x, w, null, null, null, Window.of(1, 1), y);
      BACKEND.upsampleConv2d(x, w, null, large);
      float[] first = y.toFloats();
      float[] all = Arrays.copyOf(first, first.length + (int) large.elements());
      System.arraycopy(large.toFloats(), 0, all, first.length, (int) large.elements());
      return all;
    }
  }

  private static void assertClose(float[] want, float[] got, DType dtype, String what) {
    double tolerance = dtype == DType.F32 ? 1e-5 : 1e-2;
    double off = 0;
    double norm = 0;
    for (int i = 0; i < want.length; i++) {
      off += Math.pow(want[i] - got[i], 2);
      norm += Math.pow(want[i], 2);
    }
    assertTrue(
        Math.sqrt(off) <= tolerance * Math.sqrt(norm),
        what + ": off by " + Math.sqrt(off) + " of " + Math.sqrt(norm));
  }

  /** Everything that writes a tensor which exists already. */
  private static Map<String, Consumer<Tensor>> writers() {
    Map<String, Consumer<Tensor>> writers = new LinkedHashMap<>();
    writers.put("copyFrom", w -> w.copyFrom(normal(7, DType.F32, w.shape()).toFloats()));
    writers.put(
        "upload",
        w -> BACKEND.upload(MemorySegment.ofArray(new byte[Math.toIntExact(w.bytes())]), w));
    writers.put("segment", w -> w.writableSegment().fill((byte) 0));
    writers.put("fill", w -> BACKEND.fill(w, 0.25));
    writers.put("cast", w -> BACKEND.cast(normal(8, DType.F32, w.shape()), w));
    writers.put(
        "place", w -> BACKEND.place(normal(9, w.dtype(), w.shape()), new int[w.shape().rank()], w));
    writers.put("affine", w -> BACKEND.affine(w, -2, 0.5, w));
    writers.put("mix", w -> BACKEND.mix(w, 0.5, normal(10, w.dtype(), w.shape()), 0.5, w));
    writers.put("binary", w -> BACKEND.binary(Binary.ADD, w, w, w));
    writers.put(
        "through a view", w -> BACKEND.fill(w.view(Shape.of(Math.toIntExact(w.elements()))), -0.5));
    writers.put("through a detached handle", w -> BACKEND.fill(w.detach(), 2));
    return writers;
  }

  /** Those that want f32. */
  private static Map<String, Consumer<Tensor>> writersOfF32() {
    Map<String, Consumer<Tensor>> writers = writers();
    writers.put("normal", w -> BACKEND.normal(11, 0, w));
    writers.put("uniform", w -> BACKEND.uniform(12, 0, w));
    writers.put(
        "lerp",
        w ->
            BACKEND.lerp(
                List.of(w),
                List.of(normal(13, w.dtype(), w.shape())),
                Tensor.of(CPU, Shape.of(), 0.5f)));
    writers.put(
        "adamW",
        w ->
            BACKEND.adamW(
                new AdamWTensors(
                    List.of(w),
                    List.of(normal(14, w.dtype(), w.shape())),
                    List.of(Tensor.zeros(CPU, w.dtype(), w.shape())),
                    List.of(Tensor.zeros(CPU, w.dtype(), w.shape())),
                    List.of(Tensor.ofInts(CPU, Shape.of(), 0))),
                null,
                Tensor.of(CPU, Shape.of(), 0.1f),
                new AdamWConstants(0.9, 0.999, 1e-8, 0.01, Double.POSITIVE_INFINITY, 1, 0)));
    return writers;
  }

  @Test
  void whateverWritesIsSeenByTheNextUse() {
    for (Shape shape : List.of(LINEAR, KERNEL)) {
      for (DType dtype : List.of(DType.F32, DType.BF16)) {
        Map<String, Consumer<Tensor>> writers = dtype == DType.F32 ? writersOfF32() : writers();
        writers.forEach((name, writer) -> writtenIsSeen(name, writer, dtype, shape));
      }
    }
  }

  private static void writtenIsSeen(
      String name, Consumer<Tensor> writer, DType dtype, Shape shape) {
    try (Scope _ = Scope.open()) {
      Tensor prepacked = normal(3, dtype, shape).prepack();
      Tensor ordinary = normal(3, dtype, shape);
      String what = name + " " + prepacked;
      float[] before = use(prepacked);
      assertClose(use(ordinary), before, dtype, what + " before");
      writer.accept(prepacked);
      assertFalse(prepacked.prepacked(), what);
      writer.accept(ordinary);
      assertArrayEquals(ordinary.toFloats(), prepacked.toFloats(), what);
      assertArrayEquals(use(ordinary), use(prepacked), what + " after");
      prepacked.prepack();
      float[] after = use(prepacked);
      assertTrue(prepacked.prepacked(), what);
      assertClose(use(ordinary), after, dtype, what + " prepacked again");
      assertFalse(Arrays.equals(before, after), what + " changed nothing");
    }
  }

  @Test
  void elementsAreThereOnce() {
    for (DType dtype : List.of(DType.F32, DType.BF16)) {
      try (Scope _ = Scope.open()) {
        // Sizes that need no padding in any layout.
        Tensor linear = normal(3, dtype, Shape.of(128, 256));
        Tensor kernel = normal(4, dtype, Shape.of(128, 3, 3, 64));
        Tensor x = normal(5, dtype, Shape.of(64, 256));
        Tensor image = normal(6, dtype, Shape.of(1, 8, 8, 64));
        Tensor y = Tensor.empty(CPU, dtype, Shape.of(64, 128));
        float[] linearElements = linear.toFloats();
        float[] kernelElements = kernel.toFloats();
        long tensors = Memory.liveTensors();
        long bytes = Memory.liveBytes();
        linear.prepack();
        kernel.prepack();
        BACKEND.matmul(x, false, linear, true, null, null, y);
        BACKEND.conv2d(
            image, kernel, null, null, null, Window.of(1, 1), y.view(Shape.of(1, 8, 8, 128)));
        assertEquals(tensors, Memory.liveTensors());
        assertEquals(bytes, Memory.liveBytes());
        assertTrue(linear.prepacked() && kernel.prepacked());
        assertArrayEquals(linearElements, linear.toFloats());
        assertArrayEquals(kernelElements, kernel.toFloats());
        assertEquals(tensors, Memory.liveTensors());
        assertEquals(bytes, Memory.liveBytes());
      }
    }
  }

  @Test
  void forwardAndGradientHoldLayoutsOfTheirOwn() {
    try (Scope _ = Scope.open()) {
      Tensor w = normal(3, DType.F32, KERNEL);
      float[] elements = w.toFloats();
      Tensor dy = normal(4, DType.F32, Shape.of(2, 9, 7, 48));
      Tensor want = Tensor.empty(CPU, DType.F32, Shape.of(2, 9, 7, 24));
      Tensor got = want.like();
      BACKEND.conv2dInputGradient(dy, w, Window.of(1, 1), want);
      w.prepack();
      for (int round = 0; round < 2; round++) {
        use(w);
        BACKEND.conv2dInputGradient(dy, w, Window.of(1, 1), got);
        assertClose(want.toFloats(), got.toFloats(), DType.F32, "round " + round);
      }
      assertTrue(w.prepacked());
      assertArrayEquals(elements, w.toFloats());
    }
  }

  @Test
  void partsAreLaidOutAgainTogether() {
    for (DType dtype : List.of(DType.F32, DType.BF16)) {
      try (Scope _ = Scope.open()) {
        Tensor w = normal(3, dtype, Shape.of(128, 256));
        float[] elements = w.toFloats();
        Tensor x = normal(5, dtype, Shape.of(64, 256));
        Tensor y = Tensor.empty(CPU, dtype, Shape.of(64, 64));
        long bytes = Memory.liveBytes();
        w.prepack();
        BACKEND.matmul(x, false, w.rows(64, 128), true, null, null, y);
        assertEquals(bytes + w.bytes() / 2, Memory.liveBytes(), "the first half is not packed yet");
        BACKEND.matmul(x, false, w.rows(0, 64), true, null, null, y);
        assertEquals(bytes, Memory.liveBytes());
        assertTrue(w.prepacked());
        assertArrayEquals(elements, w.toFloats());
        assertArrayEquals(
            Arrays.copyOfRange(elements, 64 * 256, elements.length), w.rows(64, 128).toFloats());
      }
    }
  }

  @Test
  void packedOnceAndDroppedWithTheTensor() {
    Counting packing = new Counting();
    try (Scope _ = Scope.open()) {
      Tensor w = Tensor.of(CPU, Shape.of(3), 1, 2, 3);
      assertNull(w.packed(packing));
      w.prepack();
      try (Packed first = w.packed(packing);
          Packed second = w.detach().packed(packing)) {
        assertEquals(first.address(), second.address());
        assertEquals(1, packing.packed);
        // Somebody else reads while it is in use: the memory stays for the one who uses it.
        assertEquals(2, w.get(1));
        assertNull(w.packed(packing));
        assertEquals(24, Memory.liveBytes());
      }
      assertEquals(12, Memory.liveBytes());
      w.prepack().packed(packing).close();
      assertEquals(2, packing.packed);
      assertEquals(1, packing.unpacked);
    }
  }

  /** A layout like the tensor's. */
  private static final class Counting implements Packing {
    private int packed;
    private int unpacked;

    @Override
    public long bytes() {
      return 12;
    }

    @Override
    public void pack(long plain, long to) {
      packed++;
      copy(plain, to);
    }

    @Override
    public void unpack(long from, long plain) {
      unpacked++;
      copy(from, plain);
    }

    @SuppressWarnings("restricted")
    private static void copy(long from, long to) {
      MemorySegment.ofAddress(to)
          .reinterpret(12)
          .copyFrom(MemorySegment.ofAddress(from).reinterpret(12));
    }
  }

  @Test
  @Timeout(60)
  void manyThreadsUseAndReadTheSameWeights() throws Exception {
    try (Scope _ = Scope.open()) {
      Tensor linear = normal(3, DType.F32, LINEAR);
      Tensor kernel = normal(3, DType.F32, KERNEL);
      float[] elements = kernel.toFloats();
      float[] wantLinear = use(linear);
      float[] wantKernel = use(kernel);
      for (int round = 0; round < 10; round++) {
        linear.prepack();
        kernel.prepack();
        try (ExecutorService threads = Executors.newFixedThreadPool(3)) {
          List<Future<?>> done = new ArrayList<>();
          for (int t = 0; t < 3; t++) {
            boolean reads = t == 0;
            done.add(
                threads.submit(
                    () -> {
                      for (int i = 0; i < 10; i++) {
                        assertClose(wantLinear, use(linear), DType.F32, "linear");
                        assertClose(wantKernel, use(kernel), DType.F32, "kernel");
                        if (reads && i == 5) {
                          try (Scope _ = Scope.open()) {
                            assertArrayEquals(elements, kernel.toFloats());
                          }
                        }
                      }
                    }));
          }
          for (Future<?> f : done) {
            f.get();
          }
        }
      }
    }
  }
}
