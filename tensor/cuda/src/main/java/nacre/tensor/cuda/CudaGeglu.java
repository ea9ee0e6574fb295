package nacre.tensor.cuda;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import nacre.tensor.DType;
import nacre.tensor.Tensor;
import nacre.tensor.cuda.CublasLtLibrary.Epilogue;
import nacre.tensor.cuda.CublasLtLibrary.Operands;
import nacre.tensor.cuda.driver.Kernel;
import nacre.tensor.cuda.driver.KernelConstants;
import nacre.tensor.cuda.driver.LibraryPolicy;
import nacre.tensor.cuda.driver.Stopwatch;

/**
 * A linear layer and the GEGLU behind it in one launch: {@code geglu.cu}. The layer's result, twice
 * as wide as what GEGLU leaves of it, is never in memory. cuBLASLt has no epilogue for that, though
 * its product alone may be faster than this one's. So where tuning is asked for, the first run of a
 * shape times both ways and keeps the verdict, on disk too.
 */
final class CudaGeglu {
  private static final int PACK = 8; // of 16 bytes
  private static final long MOST_ROWS = 1L << 30; // numbers of rows are ints

  private final Gpu gpu;
  private final CublasLtLibrary library;
  private final ElementwiseKernels elementwise;
  private final LibraryPolicy policy;
  private final Explanation explanation;
  private final Map<Shape, Boolean> verdicts = new HashMap<>();

  /** y [rows, c] of x [rows, k]. */
  private record Shape(DType dtype, int rows, int c, int k, boolean bias) {}

  CudaGeglu(
      Gpu gpu,
      CublasLtLibrary library,
      ElementwiseKernels elementwise,
      LibraryPolicy policy,
      Explanation explanation) {
    this.gpu = gpu;
    this.library = library;
    this.elementwise = elementwise;
    this.policy = policy;
    this.explanation = explanation;
  }

  /**
   * y [.., C] = a · gelu(g), where x [.., I] · w [2C, I]ᵀ + bias [2C] = (a, g).
   *
   * @param bias nullable
   * @return false if it is not for this kernel, or faster in two launches; nothing was written
   */
  boolean inOneLaunch(Tensor x, Tensor w, Tensor bias, Tensor y) {
    if (!fits(x, w, bias, y)) {
      return false;
    }
    int rows = Math.toIntExact(y.elements() / y.dim(-1));
    Shape shape = new Shape(y.dtype(), rows, y.dim(-1), x.dim(-1), bias != null);
    gpu.device().enter();
    try {
      if (policy.tune() && !verdicts.computeIfAbsent(shape, s -> isFaster(s, x, w, bias, y))) {
        return false;
      }
      launch(shape, x, w, bias, y);
    } finally {
      gpu.device().leave();
    }
    explanation.count("linearGeglu", "own kernel");
    return true;
  }

  /** Operands that tensor cores take, in whole packs of 16 bytes. */
  private static boolean fits(Tensor x, Tensor w, Tensor bias, Tensor y) {
    long addresses = x.address() | w.address() | (bias == null ? 0 : bias.address()) | y.address();
    return y.dtype() != DType.F32
        && y.elements() > 0
        && x.dim(-1) > 0
        && x.dim(-1) % PACK == 0
        && y.dim(-1) % PACK == 0
        && addresses % 16 == 0
        && y.elements() / y.dim(-1) <= MOST_ROWS;
  }

  private void launch(Shape shape, Tensor x, Tensor w, Tensor bias, Tensor y) {
    gpu.kernel("geglu", "linear_geglu", shape.dtype)
        .launch(
            ReductionKernels.ceil(shape.rows, KernelConstants.GEGLU_ROWS),
            ReductionKernels.ceil(shape.c, KernelConstants.GEGLU_COLUMNS),
            1,
            Kernel.THREADS,
            1,
            args ->
                args.address(x.address())
                    .address(w.address())
                    .address(bias == null ? 0 : bias.address())
                    .address(y.address())
                    .i32(shape.rows)
                    .i32(shape.c)
                    .i32(shape.k));
  }

  /** Whether one launch is at least as fast as two, as it was found before, or is found now. */
  private boolean isFaster(Shape shape, Tensor x, Tensor w, Tensor bias, Tensor y) {
    String name = "one launch for a linear layer and GEGLU, " + shape;
    Optional<byte[]> before = policy.cache().find(name).filter(kept -> kept.length == 1);
    if (before.isPresent()) {
      boolean one = before.get()[0] == 1;
      policy.tuned().accept(name, one + ", as it was found before");
      return one;
    }
    double one = Stopwatch.time(gpu.device(), () -> launch(shape, x, w, bias, y));
    double two = timeOfTwo(shape, x, w, bias, y);
    boolean faster = one <= two;
    policy.cache().keep(name, new byte[] {(byte) (faster ? 1 : 0)});
    String how = String.format(Locale.ROOT, "%s, it takes %.2f times as long", faster, one / two);
    policy.tuned().accept(name, how);
    return faster;
  }

  private double timeOfTwo(Shape shape, Tensor x, Tensor w, Tensor bias, Tensor y) {
    long bytes = 2 * y.bytes();
    long wide = gpu.allocator().keep(bytes);
    try {
      Product product = new Product(1, shape.rows, 2 * shape.c, shape.k, false, true, true);
      Operands operands =
          new Operands(x.address(), w.address(), shape.bias ? bias.address() : 0, 0, wide);
      Epilogue epilogue = shape.bias ? Epilogue.BIAS : Epilogue.NONE;
      if (!library.matmul(product, shape.dtype, epilogue, operands)) {
        return Double.POSITIVE_INFINITY;
      }
      return Stopwatch.time(
          gpu.device(),
          () -> {
            library.matmul(product, shape.dtype, epilogue, operands);
            elementwise.geglu(shape.dtype, wide, y.address(), shape.rows, shape.c);
          });
    } finally {
      gpu.allocator().giveBack(wide, bytes);
    }
  }
}
