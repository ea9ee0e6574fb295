package nacre.tensor.cuda;

import nacre.tensor.Tensor;
import nacre.tensor.cuda.CublasLtLibrary.Epilogue;
import nacre.tensor.spi.Unary;

/** Matrix products: by cuBLASLt wherever it can, else by our own kernel. */
final class CudaProducts {
  private final CublasLtLibrary library;
  private final MatrixKernels kernels;
  private final ElementwiseKernels elementwise;
  private final ReductionKernels reductions;
  private final Explanation explanation;

  CudaProducts(
      CublasLtLibrary library,
      MatrixKernels kernels,
      ElementwiseKernels elementwise,
      ReductionKernels reductions,
      Explanation explanation) {
    this.library = library;
    this.kernels = kernels;
    this.elementwise = elementwise;
    this.reductions = reductions;
    this.explanation = explanation;
  }

  void matmul(
      Tensor a, boolean transposeA, Tensor b, boolean transposeB, Tensor bias, Unary f, Tensor y) {
    if (y.elements() == 0) {
      return;
    }
    Product product = Product.of(a, transposeA, b, transposeB, y);
    if (product.k() == 0) {
      kernels.matmul(product, a, b, bias, f, y);
      return;
    }
    Epilogue epilogue = epilogue(bias != null, f);
    if (run(product, a, b, epilogue, bias, y)) {
      explanation.count("matmul", "cuBLASLt");
      return;
    }
    // An activation that cuBLASLt lacks, or not for this: afterwards, in place.
    Epilogue plain = bias == null ? Epilogue.NONE : Epilogue.BIAS;
    if (run(product, a, b, plain, bias, y)) {
      if (f != null) {
        elementwise.unary(f, y, y);
      }
      explanation.count("matmul", "cuBLASLt, then " + f);
      return;
    }
    kernels.matmul(product, a, b, bias, f, y);
    explanation.count("matmul", "own kernel");
  }

  /** y = f(x · wᵀ + bias) + residual; the residual in the same pass where there is no f. */
  void linear(Tensor x, Tensor w, Tensor bias, Unary f, Tensor residual, Tensor y) {
    if (f == null && residual != null && y.elements() > 0 && x.elements() > 0) {
      Product product = Product.of(x, false, w, true, y);
      if (run(product, x, w, epilogue(bias != null, null), bias, residual, y)) {
        explanation.count("linear, residual", "cuBLASLt");
        return;
      }
    }
    matmul(x, false, w, true, bias, f, y);
    if (residual != null && y.elements() > 0) {
      kernels.finish(y, null, residual, null);
      explanation.count("linear, residual", "own kernel, afterwards");
    }
  }

  /**
   * y [count, .., n] = x [.., k] · w [count, n, k] transposed, in one launch; false if it is not.
   */
  boolean linears(Tensor x, Tensor w, Tensor y) {
    boolean served =
        y.elements() > 0
            && x.elements() > 0
            && run(Product.several(x, w), x, w, Epilogue.NONE, null, y);
    if (served) {
      explanation.count("linears", "cuBLASLt");
    }
    return served;
  }

  private boolean run(
      Product product, Tensor a, Tensor b, Epilogue epilogue, Tensor bias, Tensor y) {
    return run(product, a, b, epilogue, bias, null, y);
  }

  private boolean run(
      Product product,
      Tensor a,
      Tensor b,
      Epilogue epilogue,
      Tensor bias,
      Tensor residual,
      Tensor y) {
    return epilogue != null
        && library.matmul(
            product,
            y.dtype(),
            epilogue,
            new CublasLtLibrary.Operands(
                a.address(), b.address(), address(bias), address(residual), y.address()));
  }

  private static long address(Tensor tensor) {
    return tensor == null ? 0 : tensor.address();
  }

  /** What does bias and activation at once, or null. cuBLASLt's GELU is the approximate one. */
  private static Epilogue epilogue(boolean bias, Unary f) {
    return switch (f) {
      case null -> bias ? Epilogue.BIAS : Epilogue.NONE;
      case RELU -> bias ? Epilogue.RELU_BIAS : Epilogue.RELU;
      case GELU_TANH -> bias ? Epilogue.GELU_BIAS : Epilogue.GELU;
      default -> null;
    };
  }

  /** dw [o, i] = dyᵀ · x, and db [o] the column sums of dy, in the same pass where it can be. */
  void linearWeightGradient(Tensor x, Tensor dy, Tensor dw, Tensor db) {
    if (dw.elements() == 0) {
      return;
    }
    int rows = Math.toIntExact(x.elements() / x.dim(-1));
    Product product = new Product(1, dw.dim(0), dw.dim(1), rows, true, false, true);
    boolean both = db != null && rows > 0 && run(product, dy, x, Epilogue.BIAS_GRADIENT, db, dw);
    if (both) {
      explanation.count("linearWeightGradient", "cuBLASLt");
      return;
    }
    boolean served = rows > 0 && run(product, dy, x, Epilogue.NONE, null, dw);
    if (!served) {
      kernels.matmul(product, dy, x, null, null, dw);
    }
    String cublas = db == null ? "cuBLASLt" : "cuBLASLt, then sums";
    explanation.count("linearWeightGradient", served ? cublas : "own kernel");
    if (db != null) {
      int o = dy.dim(-1);
      reductions.columns(dy.address(), dy.dtype(), rows, o, db.address(), db.dtype());
    }
  }
}
