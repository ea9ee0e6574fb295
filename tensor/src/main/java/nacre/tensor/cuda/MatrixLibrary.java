package nacre.tensor.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import nacre.bindings.cublaslt.CublasLt;
import nacre.bindings.cublaslt.cublasLtMatmulHeuristicResult_t;
import nacre.tensor.DType;
import nacre.tensor.cuda.driver.CudaException;

/**
 * Matrix products by cuBLASLt. Its matrices are column-major, so a row-major y = a · b is given to
 * it as yᵀ = bᵀ · aᵀ: the same memory, the operands swapped, nothing copied.
 *
 * <p>Descriptors and the algorithm that the library recommends are made once for a signature and
 * kept; so is the verdict that it has none.
 */
final class MatrixLibrary {
  /** What cuBLASLt may use besides its operands; PyTorch gives it as much. */
  private static final long WORKSPACE = 32L << 20;

  private final Card card;
  private final boolean tf32;
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

  private record Signature(Product product, DType dtype, Epilogue epilogue) {}

  /** What a product is run with. These live as long as the process. */
  private record Plan(
      MemorySegment operation,
      MemorySegment a,
      MemorySegment b,
      MemorySegment y,
      MemorySegment algorithm) {}

  MatrixLibrary(Card card, boolean tf32) {
    this.card = card;
    this.tf32 = tf32;
    card.device().enter();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
      check(CublasLt.cublasLtCreate(out), "cublasLtCreate");
      handle = out.get(ValueLayout.ADDRESS, 0);
    } finally {
      card.device().leave();
    }
  }

  /**
   * y = epilogue(a · b).
   *
   * @param bias of the epilogue, read or written; 0 if it has none
   * @return false if cuBLASLt has no algorithm for this, and nothing was written
   */
  boolean matmul(
      Product product, DType dtype, long a, long b, Epilogue epilogue, long bias, long y) {
    card.device().enter();
    try {
      Optional<Plan> plan =
          plans.computeIfAbsent(new Signature(product, dtype, epilogue), this::build);
      if (plan.isEmpty()) {
        return false;
      }
      run(plan.get(), a, b, epilogue, bias, y);
      return true;
    } finally {
      card.device().leave();
    }
  }

  private void run(Plan plan, long a, long b, Epilogue epilogue, long bias, long y) {
    if (workspace == 0) {
      workspace = card.allocator().keep(WORKSPACE);
    }
    if (epilogue.hasBias()) {
      setLong(plan.operation, CublasLt.CUBLASLT_MATMUL_DESC_BIAS_POINTER(), bias);
    }
    check(
        CublasLt.cublasLtMatmul(
            handle,
            plan.operation,
            one,
            MemorySegment.ofAddress(b),
            plan.b,
            MemorySegment.ofAddress(a),
            plan.a,
            zero,
            MemorySegment.ofAddress(y),
            plan.y,
            MemorySegment.ofAddress(y),
            plan.y,
            plan.algorithm,
            MemorySegment.ofAddress(workspace),
            WORKSPACE,
            card.device().stream()),
        "cublasLtMatmul");
  }

  private Optional<Plan> build(Signature s) {
    Product p = s.product;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
      int compute =
          tf32 && s.dtype == DType.F32
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
      long strideB = p.sharedB() ? 0 : (long) p.k() * p.n();
      Plan plan =
          new Plan(
              operation,
              layout(out, s.dtype, p.transposeA(), p.m(), p.k(), p.batch(), (long) p.m() * p.k()),
              layout(out, s.dtype, p.transposeB(), p.k(), p.n(), p.batch(), strideB),
              layout(out, s.dtype, false, p.m(), p.n(), p.batch(), (long) p.m() * p.n()),
              Arena.global().allocate(cublasLtMatmulHeuristicResult_t.layout()));
      return recommend(plan, out, arena) ? Optional.of(plan) : Optional.empty();
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

  /** Puts the algorithm that the library thinks fastest into the plan, if it has one. */
  private boolean recommend(Plan plan, MemorySegment out, Arena arena) {
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
              1,
              plan.algorithm,
              count);
      if (status == CublasLt.CUBLAS_STATUS_NOT_SUPPORTED()
          || status == CublasLt.CUBLAS_STATUS_INVALID_VALUE()) {
        return false;
      }
      check(status, "cublasLtMatmulAlgoGetHeuristic");
      return count.get(ValueLayout.JAVA_INT, 0) > 0
          && cublasLtMatmulHeuristicResult_t.state(plan.algorithm)
              == CublasLt.CUBLAS_STATUS_SUCCESS();
    } finally {
      CublasLt.cublasLtMatmulPreferenceDestroy(preference);
    }
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
          "cuBLASLt: %s: %s"
              .formatted(call, CudaException.text(CublasLt.cublasLtGetStatusString(status))));
    }
  }
}
