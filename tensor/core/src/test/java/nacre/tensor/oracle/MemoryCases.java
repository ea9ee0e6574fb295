package nacre.tensor.oracle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;
import nacre.tensor.DType;
import nacre.tensor.Range;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Allocator;
import nacre.tensor.spi.Collectives;
import nacre.tensor.spi.Readback;
import nacre.tensor.spi.Rendezvous;
import nacre.tensor.spi.StepGraph;

/** Memory, constants, conversions and random numbers. */
final class MemoryCases {
  private static final int[][] SHAPES = {{}, {1}, {7}, {3, 5}, {2, 3, 17}, {10007}};
  private static final double INFINITY = Double.POSITIVE_INFINITY;

  private MemoryCases() {}

  static void addTo(List<OracleCase> cases) {
    cases.add(
        OracleCase.of("describe")
            .call(
                (backend, _) -> {
                  assertFalse(backend.describe().isBlank());
                  assertEquals(1, backend.describe().lines().count());
                }));
    cases.add(
        OracleCase.of("explain")
            .call((backend, _) -> backend.explain().forEach(line -> assertFalse(line.isBlank()))));
    cases.add(
        OracleCase.of("range")
            .inOut(DType.F32, Values.normal(), 5)
            .call(
                (backend, t) -> {
                  try (Range _ = backend.range("a name")) {
                    backend.affine(t[0], 0.5, 1, t[0]);
                  }
                }));
    cases.add(
        OracleCase.of("launches")
            .in(DType.F32, Values.normal(), 5)
            .out(DType.F32, 5)
            .call(
                (backend, t) -> {
                  long before = backend.launches();
                  backend.affine(t[0], 0.5, 1, t[1]);
                  long launches = backend.launches() - before;
                  assertEquals(before == 0 ? 0 : 1, launches);
                }));
    cases.add(
        OracleCase.of("stepGraph")
            .inOut(DType.F32, Values.normal(), 33, 17)
            .call(
                (backend, t) -> {
                  try (StepGraph halving =
                      backend.stepGraph(() -> backend.affine(t[0], 0.5, 1, t[0]))) {
                    for (int i = 0; i < 4; i++) {
                      halving.run();
                    }
                  }
                })
            .exact());
    for (DType dtype : new DType[] {DType.F32, DType.BF16}) {
      cases.add(
          OracleCase.of("collectives", dtype)
              .in(dtype, Values.normal(), 33, 17)
              .out(dtype, 33, 17)
              .call(
                  (backend, t) -> {
                    backend.cast(t[0], t[1]);
                    backend.collectives(Rendezvous.ALONE).ifPresent(alone -> exchange(alone, t[1]));
                  })
              .exact());
    }
    cases.add(OracleCase.of("allocator").call((backend, _) -> allocate(backend.allocator())));
    for (DType dtype : DType.values()) {
      for (int[] shape : SHAPES) {
        cases.add(
            OracleCase.of("upload", dtype, shape.length, "axes")
                .out(dtype, shape)
                .call(
                    (backend, t) -> {
                      byte[] bytes = new byte[(int) t[0].bytes()];
                      new Random(1).nextBytes(bytes);
                      backend.upload(MemorySegment.ofArray(bytes), t[0]);
                    })
                .exact()
                .mayBeNonFinite());
        cases.add(
            OracleCase.of("download", dtype, shape.length, "axes")
                .in(dtype, Values.integers(0, 100), shape)
                .out(dtype, shape)
                .call(
                    (backend, t) -> {
                      byte[] bytes = new byte[(int) t[0].bytes()];
                      backend.download(t[0], MemorySegment.ofArray(bytes));
                      backend.upload(MemorySegment.ofArray(bytes), t[1]);
                    })
                .exact());
        cases.add(
            OracleCase.of("poison", dtype, shape.length, "axes")
                .inOut(dtype, Values.of(1), shape)
                .call((backend, t) -> backend.poison(t[0]))
                .exact()
                .mayBeNonFinite());
        cases.add(
            OracleCase.of("fill", dtype, shape.length, "axes")
                .out(dtype, shape)
                .call((backend, t) -> backend.fill(t[0], dtype.isFloating() ? 0.3 : 42))
                .exact());
        for (double value : new double[] {-0.0, 2.5, 3.5, 254.9, -7}) {
          cases.add(
              OracleCase.of("fill", dtype, shape.length, "axes with", value)
                  .out(dtype, shape)
                  .call((backend, t) -> backend.fill(t[0], value))
                  .exact());
        }
      }
    }
    for (int elements : new int[] {1, 1000, 5000}) {
      cases.add(
          OracleCase.of("readLater", elements)
              .in(DType.F32, Values.normal(), elements)
              .out(DType.F32, elements)
              .call(
                  (backend, t) -> {
                    Readback numbers = backend.readLater(t[0]);
                    backend.upload(MemorySegment.ofArray(numbers.floats()), t[1]);
                  })
              .exact());
    }
    casts(cases);
    for (int[] shape : SHAPES) {
      cases.add(
          OracleCase.of("uniform", shape.length, "axes")
              .out(DType.F32, shape)
              .call((backend, t) -> backend.uniform(0x123456789ABCDEFL, 1L << 40 | 3, t[0]))
              .exact());
      cases.add(
          OracleCase.of("normal", shape.length, "axes")
              .out(DType.F32, shape)
              .call((backend, t) -> backend.normal(-5, 7, t[0]))
              .exact());
    }
  }

  private static void casts(List<OracleCase> cases) {
    for (DType from : DType.values()) {
      for (DType to : DType.values()) {
        boolean toByte = to == DType.U8 || from == DType.U8;
        Values values =
            !from.isFloating()
                ? Values.integers(toByte ? 0 : -1000, toByte ? 256 : 1000)
                : Values.uniform(toByte ? 0 : -1000, toByte ? 255 : 1000);
        for (int[] shape : SHAPES) {
          cases.add(
              OracleCase.of("cast", from, to, shape.length, "axes")
                  .in(from, values, shape)
                  .out(to, shape)
                  .call((backend, t) -> backend.cast(t[0], t[1]))
                  .exact());
        }
      }
    }
    Values awkward =
        Values.of(
            0,
            -0.0,
            1 + 0x1p-8,
            1 + 0x3p-8,
            1 + 0x1p-8 + 0x1p-20,
            -1 - 0x1p-8,
            0x1.FFp127,
            0x1.FEFFFEp127,
            -0x1.FFFFFEp127,
            INFINITY,
            -INFINITY,
            Double.NaN,
            0x1p-126,
            65504,
            65519.9,
            65520,
            -65520,
            0x1p-24,
            0x1p-25,
            0x1.8p-25,
            0x1p-26,
            1 + 0x1p-11,
            1 + 0x3p-11);
    for (DType to : new DType[] {DType.BF16, DType.F16}) {
      cases.add(
          OracleCase.of("cast", "f32", to, "awkward values")
              .in(DType.F32, awkward, 103)
              .out(to, 103)
              .call((backend, t) -> backend.cast(t[0], t[1]))
              .exact()
              .mayBeNonFinite());
    }
    for (DType to : new DType[] {DType.I32, DType.I64, DType.U8}) {
      cases.add(
          OracleCase.of("cast", "f32", to, "ties")
              .in(DType.F32, Values.of(0.5, 1.5, 2.5, 3.5, 0.49999997, 2.4999998, 7), 15)
              .out(to, 15)
              .call((backend, t) -> backend.cast(t[0], t[1])));
    }
    Values large = Values.of(0x1p40, -0x1p40, 0x1p31, -0x1p31 - 1, 255, 256, -1, 0x1p53 + 2);
    for (DType from : new DType[] {DType.I32, DType.I64}) {
      for (DType to : new DType[] {DType.U8, DType.I32, DType.I64}) {
        cases.add(
            OracleCase.of("cast", from, to, "beyond what it holds")
                .in(from, large, 5003)
                .out(to, 5003)
                .call((backend, t) -> backend.cast(t[0], t[1])));
      }
    }
    cases.add(
        OracleCase.of("cast", "i64 f32 beyond 24 bits")
            .in(DType.I64, Values.uniform(-0x1p40, 0x1p40), 31)
            .out(DType.F32, 31)
            .call((backend, t) -> backend.cast(t[0], t[1]))
            .exact());
  }

  /** With nobody: everything stays as it is. */
  private static void exchange(Collectives alone, Tensor x) {
    try (alone) {
      assertEquals(0, alone.rank());
      assertEquals(1, alone.ranks());
      assertEquals(1, alone.describe().lines().count());
      alone.sum(x);
      alone.startMean(x);
      alone.meanScatter(x, x);
      alone.gather(x, x);
      alone.broadcast(x, 0);
    }
  }

  private static void allocate(Allocator allocator) {
    long a = allocator.allocate(1000);
    long b = allocator.allocate(1000);
    assertEquals(0, a % 64);
    assertEquals(0, b % 64);
    assertNotEquals(0, a);
    assertTrue(Math.abs(a - b) >= 1000);
    allocator.free(a, 1000);
    allocator.free(b, 1000);
    allocator.trim();
  }
}
