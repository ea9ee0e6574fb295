package nacre.tensor.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import nacre.bindings.cublaslt.CublasLt;
import nacre.bindings.cublaslt.cublasLtMatmulHeuristicResult_t;
import nacre.tensor.DType;
import nacre.tensor.DeviceMemoryException;
import nacre.tensor.cuda.driver.CudaException;
import nacre.tensor.cuda.driver.LibraryPolicy;
import nacre.tensor.cuda.driver.Stopwatch;

/**
 * Matrix products by cuBLASLt. Its matrices are column-major, so a row-major y = a · b is given to
 * it as yᵀ = bᵀ · aᵀ: the same memory, the operands swapped, nothing copied.
 *
 * <p>Descriptors and the algorithm that the library recommends are made once for a signature and
 * kept; so is the verdict that it has none. Where tuning is asked for, the first run of a signature
 * times what it recommends and keeps the fastest, on disk too, so that later processes choose as
 * the first did. Which that is may differ between machines, and with it the last bits of results.
 */
final class CublasLtLibrary {
  /** What cuBLASLt may use besides its operands; PyTorch gives it as much. */
  private static final long WORKSPACE = 32L << 20;

  /** Algorithms that are timed. */
  private static final int CANDIDATES = 8;

  private final Gpu gpu;
  private final LibraryPolicy policy;
  private final MemorySegment handle;
  private final Map<Signature, Optional<Plan>> plans = new HashMap<>();
  private final MemorySegment one = Arena.global().allocateFrom(ValueLayout.JAVA_FLOAT, 1);
  private final MemorySegment zero = Arena.global().allocateFrom(ValueLayout.JAVA_FLOAT, 0);
  private long workspace;

  /** What cuBLASLt can do to a product before it writes it. */
  enum Epilogue {
    NONE,
    BIAS,
    RELU,
    RELU_BIAS,
    GELU,
    GELU_BIAS,
    /** Also writes the column sums of the second operand, which a weight gradient wants. */
    BIAS_GRADIENT;

    int code() {
      return switch (this) {
        case NONE -> CublasLt.CUBLASLT_EPILOGUE_DEFAULT();
        case BIAS -> CublasLt.CUBLASLT_EPILOGUE_BIAS();
        case RELU -> CublasLt.CUBLASLT_EPILOGUE_RELU();
        case RELU_BIAS -> CublasLt.CUBLASLT_EPILOGUE_RELU_BIAS();
        case GELU -> CublasLt.CUBLASLT_EPILOGUE_GELU();
        case GELU_BIAS -> CublasLt.CUBLASLT_EPILOGUE_GELU_BIAS();
        case BIAS_GRADIENT -> CublasLt.CUBLASLT_EPILOGUE_BGRADB();
      };
    }

    boolean hasBias() {
      return this == BIAS || this == RELU_BIAS || this == GELU_BIAS || this == BIAS_GRADIENT;
    }
  }

  /**
   * @param alignment of all matrices in bytes, 256 at most
   * @param biasAlignment of the bias, 256 where there is none
   */
  private record Signature(
      Product product, DType dtype, Epilogue epilogue, long alignment, long biasAlignment) {}

  /** What a product is run with. These live as long as the process. */
  private record Plan(
      MemorySegment operation,
      MemorySegment a,
      MemorySegment b,
      MemorySegment y,
      MemorySegment algorithm) {
    Plan with(MemorySegment other) {
      return new Plan(operation, a, b, y, other);
    }
  }

  CublasLtLibrary(Gpu gpu, LibraryPolicy policy) {
    this.gpu = gpu;
    this.policy = policy;
    gpu.device().enter();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
      check(CublasLt.cublasLtCreate(out), "cublasLtCreate");
      handle = out.get(ValueLayout.ADDRESS, 0);
    } finally {
      gpu.device().leave();
    }
  }

  /**
   * Addresses of a product's operands.
   *
   * @param bias of the epilogue, read or written; 0 if it has none
   * @param residual what is added to the product, of y's shape; 0 for nothing
   */
  record Operands(long a, long b, long bias, long residual, long y) {
    /** What cuBLASLt is told of the matrices; it takes 256 bytes for granted otherwise. */
    long alignment() {
      return alignment(a | b | residual | y);
    }

    private static long alignment(long addresses) {
      return addresses == 0 ? 256 : Math.min(256, Long.lowestOneBit(addresses));
    }
  }

  /**
   * y = epilogue(a · b + residual).
   *
   * @return false if cuBLASLt has no algorithm for this, and nothing was written
   */
  boolean matmul(Product product, DType dtype, Epilogue epilogue, Operands operands) {
    gpu.device().enter();
    try {
      Signature signature =
          new Signature(
              product, dtype, epilogue, operands.alignment(), Operands.alignment(operands.bias));
      Optional<Plan> plan = plans.get(signature);
      if (plan == null) {
        List<Plan> choices = build(signature, operands.bias);
        // What adds to its own result cannot be repeated.
        boolean timed = choices.size() > 1 && operands.residual != operands.y;
        plan =
            timed ? Optional.of(tuned(signature, choices, operands)) : choices.stream().findFirst();
        plans.put(signature, plan);
      }
      if (plan.isEmpty()) {
        return false;
      }
      run(plan.get(), epilogue, operands);
      return true;
    } finally {
      gpu.device().leave();
    }
  }

  /**
   * The fastest of several, as it was found before, by this or another process, or is found now.
   */
  private Plan tuned(Signature signature, List<Plan> choices, Operands operands) {
    String name = "cuBLASLt, " + (policy.tf32() ? "TF32, " : "exact, ") + signature;
    Optional<byte[]> before = policy.cache().find(name);
    for (int i = 0; before.isPresent() && i < choices.size(); i++) {
      if (Arrays.equals(before.get(), algorithm(choices.get(i)))) {
        policy
            .tuned()
            .accept(
                signature.toString(), "algorithm number " + (i + 1) + ", as it was found before");
        return choices.get(i);
      }
    }
    Plan best = fastest(signature, choices, operands);
    policy.cache().keep(name, algorithm(best));
    return best;
  }

  /** What tells an algorithm from others of the same build of the library. */
  private static byte[] algorithm(Plan plan) {
    return cublasLtMatmulHeuristicResult_t.algo(plan.algorithm).toArray(ValueLayout.JAVA_BYTE);
  }

  private Plan fastest(Signature signature, List<Plan> choices, Operands operands) {
    double[] times = new double[choices.size()];
    int best = 0;
    for (int i = 0; i < times.length; i++) {
      Plan plan = choices.get(i);
      try {
        times[i] = Stopwatch.time(gpu.device(), () -> run(plan, signature.epilogue, operands));
      } catch (CudaException | DeviceMemoryException e) {
        if (i == 0) {
          throw e; // what would be run without tuning
        }
        times[i] = Double.POSITIVE_INFINITY; // recommended, but not for this after all
      }
      best = times[i] < times[best] ? i : best;
    }
    policy
        .tuned()
        .accept(
            signature.toString(),
            String.format(
                Locale.ROOT,
                "the fastest of %d algorithms is number %d, %.2f times as fast as the first",
                times.length,
                best + 1,
                times[0] / times[best]));
    return choices.get(best);
  }

  private void run(Plan plan, Epilogue epilogue, Operands operands) {
    if (workspace == 0) {
      workspace = gpu.allocator().keep(WORKSPACE);
    }
    if (epilogue.hasBias()) {
      setLong(plan.operation, CublasLt.CUBLASLT_MATMUL_DESC_BIAS_POINTER(), operands.bias);
    }
    boolean adds = operands.residual != 0;
    gpu.device().launched();
    check(
        CublasLt.cublasLtMatmul(
            handle,
            plan.operation,
            one,
            MemorySegment.ofAddress(operands.b),
            plan.b,
            MemorySegment.ofAddress(operands.a),
            plan.a,
            adds ? one : zero,
            MemorySegment.ofAddress(adds ? operands.residual : operands.y),
            plan.y,
            MemorySegment.ofAddress(operands.y),
            plan.y,
            plan.algorithm,
            MemorySegment.ofAddress(workspace),
            WORKSPACE,
            gpu.device().stream()),
        "cublasLtMatmul");
  }

  /** Plans with the algorithms that the library recommends, best first; as many as are wanted. */
  private List<Plan> build(Signature s, long bias) {
    Product p = s.product;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
      int compute =
          policy.tf32() && s.dtype == DType.F32
              ? CublasLt.CUBLAS_COMPUTE_32F_FAST_TF32()
              : CublasLt.CUBLAS_COMPUTE_32F();
      check(
          CublasLt.cublasLtMatmulDescCreate(out, compute, CublasLt.CUDA_R_32F()),
          "cublasLtMatmulDescCreate");
      MemorySegment operation = out.get(ValueLayout.ADDRESS, 0);
      // The library's A is our b. Stored row-major and not transposed, it is bᵀ column-major.
      setInt(operation, CublasLt.CUBLASLT_MATMUL_DESC_TRANSA(), transposed(p.transposeB()));
      setInt(operation, CublasLt.CUBLASLT_MATMUL_DESC_TRANSB(), transposed(p.transposeA()));
      setInt(operation, CublasLt.CUBLASLT_MATMUL_DESC_EPILOGUE(), s.epilogue.code());
      if (s.epilogue.hasBias()) {
        // Before algorithms are asked for: they depend on how it is aligned.
        setLong(operation, CublasLt.CUBLASLT_MATMUL_DESC_BIAS_POINTER(), bias);
      }
      long strideB = p.sharedB() ? 0 : (long) p.k() * p.n();
      long strideA = p.sharedA() ? 0 : (long) p.m() * p.k();
      int wanted = policy.tune() ? CANDIDATES : 1;
      Plan plan =
          new Plan(
              operation,
              layout(out, s.dtype, p.transposeA(), p.m(), p.k(), p.batch(), strideA),
              layout(out, s.dtype, p.transposeB(), p.k(), p.n(), p.batch(), strideB),
              layout(out, s.dtype, false, p.m(), p.n(), p.batch(), (long) p.m() * p.n()),
              cublasLtMatmulHeuristicResult_t.allocateArray(wanted, Arena.global()));
      recommend(s, plan, wanted, out, arena);
      return IntStream.range(0, wanted)
          .mapToObj(i -> cublasLtMatmulHeuristicResult_t.asSlice(plan.algorithm, i))
          .filter(CublasLtLibrary::isUsable)
          .map(plan::with)
          .toList();
    }
  }

  private static int transposed(boolean yes) {
    return yes ? CublasLt.CUBLAS_OP_T() : CublasLt.CUBLAS_OP_N();
  }

  /** The layout of row-major matrices [rows, columns], or of their transposes if stored so. */
  private static MemorySegment layout(
      MemorySegment out,
      DType dtype,
      boolean transposed,
      int rows,
      int columns,
      int batch,
      long stride) {
    int inner = transposed ? rows : columns;
    int outer = transposed ? columns : rows;
    check(
        CublasLt.cublasLtMatrixLayoutCreate(out, type(dtype), inner, outer, inner),
        "cublasLtMatrixLayoutCreate");
    MemorySegment layout = out.get(ValueLayout.ADDRESS, 0);
    if (batch > 1) {
      try (Arena arena = Arena.ofConfined()) {
        check(
            CublasLt.cublasLtMatrixLayoutSetAttribute(
                layout,
                CublasLt.CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT(),
                arena.allocateFrom(ValueLayout.JAVA_INT, batch),
                Integer.BYTES),
            "cublasLtMatrixLayoutSetAttribute");
        check(
            CublasLt.cublasLtMatrixLayoutSetAttribute(
                layout,
                CublasLt.CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET(),
                arena.allocateFrom(ValueLayout.JAVA_LONG, stride),
                Long.BYTES),
            "cublasLtMatrixLayoutSetAttribute");
      }
    }
    return layout;
  }

  /** Puts the algorithms that the library thinks fastest into the plan, as many as it has. */
  private void recommend(
      Signature signature, Plan plan, int wanted, MemorySegment out, Arena arena) {
    for (int i = 0; i < wanted; i++) {
      cublasLtMatmulHeuristicResult_t.state(
          cublasLtMatmulHeuristicResult_t.asSlice(plan.algorithm, i),
          CublasLt.CUBLAS_STATUS_NOT_SUPPORTED());
    }
    check(CublasLt.cublasLtMatmulPreferenceCreate(out), "cublasLtMatmulPreferenceCreate");
    MemorySegment preference = out.get(ValueLayout.ADDRESS, 0);
    try {
      check(
          CublasLt.cublasLtMatmulPreferenceSetAttribute(
              preference,
              CublasLt.CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES(),
              arena.allocateFrom(ValueLayout.JAVA_LONG, WORKSPACE),
              Long.BYTES),
          "cublasLtMatmulPreferenceSetAttribute");
      for (int matrix :
          new int[] {
            CublasLt.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES(),
            CublasLt.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES(),
            CublasLt.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES(),
            CublasLt.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES()
          }) {
        check(
            CublasLt.cublasLtMatmulPreferenceSetAttribute(
                preference,
                matrix,
                arena.allocateFrom(ValueLayout.JAVA_INT, (int) signature.alignment),
                Integer.BYTES),
            "cublasLtMatmulPreferenceSetAttribute");
      }
      // Parts of a product that was split along k are added up in f32.
      check(
          CublasLt.cublasLtMatmulPreferenceSetAttribute(
              preference,
              CublasLt.CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK(),
              arena.allocateFrom(
                  ValueLayout.JAVA_INT, CublasLt.CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE()),
              Integer.BYTES),
          "cublasLtMatmulPreferenceSetAttribute");
      MemorySegment count = arena.allocate(ValueLayout.JAVA_INT);
      int status =
          CublasLt.cublasLtMatmulAlgoGetHeuristic(
              handle,
              plan.operation,
              plan.b,
              plan.a,
              plan.y,
              plan.y,
              preference,
              wanted,
              plan.algorithm,
              count);
      if (status != CublasLt.CUBLAS_STATUS_NOT_SUPPORTED()
          && status != CublasLt.CUBLAS_STATUS_INVALID_VALUE()) {
        check(status, "cublasLtMatmulAlgoGetHeuristic");
      }
      if (status != CublasLt.CUBLAS_STATUS_SUCCESS() || count.get(ValueLayout.JAVA_INT, 0) == 0) {
        policy
            .refused()
            .accept(
                "cuBLASLt " + signature,
                CudaException.text(CublasLt.cublasLtGetStatusString(status)));
      }
    } finally {
      CublasLt.cublasLtMatmulPreferenceDestroy(preference);
    }
  }

  private static boolean isUsable(MemorySegment result) {
    return cublasLtMatmulHeuristicResult_t.state(result) == CublasLt.CUBLAS_STATUS_SUCCESS();
  }

  private static void setInt(MemorySegment operation, int attribute, int value) {
    try (Arena arena = Arena.ofConfined()) {
      set(operation, attribute, arena.allocateFrom(ValueLayout.JAVA_INT, value));
    }
  }

  private static void setLong(MemorySegment operation, int attribute, long value) {
    try (Arena arena = Arena.ofConfined()) {
      set(operation, attribute, arena.allocateFrom(ValueLayout.JAVA_LONG, value));
    }
  }

  private static void set(MemorySegment operation, int attribute, MemorySegment value) {
    check(
        CublasLt.cublasLtMatmulDescSetAttribute(operation, attribute, value, value.byteSize()),
        "cublasLtMatmulDescSetAttribute");
  }

  private static int type(DType dtype) {
    return switch (dtype) {
      case F32 -> CublasLt.CUDA_R_32F();
      case BF16 -> CublasLt.CUDA_R_16BF();
      case F16 -> CublasLt.CUDA_R_16F();
      case I32, I64, U8 ->
          throw new IllegalArgumentException("cuBLASLt: no matrix products of " + dtype);
    };
  }

  private static void check(int status, String call) {
    if (status != CublasLt.CUBLAS_STATUS_SUCCESS()) {
      throw new CudaException(
          String.format(
              Locale.ROOT,
              "cuBLASLt: %s: %s",
              call,
              CudaException.text(CublasLt.cublasLtGetStatusString(status))));
    }
  }
}
