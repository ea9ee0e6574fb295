package nacre.tensor.cpu.onednn;

import nacre.bindings.NativeLibrary;
import nacre.tensor.DType;
import nacre.tensor.Tensor;
import nacre.tensor.cpu.engine.HeadEngine;
import nacre.tensor.cpu.engine.MatrixEngine;
import nacre.tensor.spi.Allocator;
import nacre.tensor.spi.Binary;
import nacre.tensor.spi.Unary;
import nacre.tensor.spi.Window;

/** Matrix products and convolutions by oneDNN. */
public final class OneDnnEngine implements MatrixEngine {
  private final String description;
  private final boolean bf16;
  private final Conversions conversions = new Conversions();
  private final MatrixProducts products;
  private final Convolutions convolutions;
  private final TransposedConvolutions transposed;
  private final RowNorms rowNorms;
  private final Pointwise pointwise;
  private final HeadEngines heads;

  /** The engine on a library that was loaded; what it needs beside its operands is lent. */
  public OneDnnEngine(NativeLibrary.Loaded library, Allocator allocator) {
    products = new MatrixProducts(allocator);
    convolutions = new Convolutions(allocator);
    transposed = new TransposedConvolutions(allocator);
    rowNorms = new RowNorms(allocator);
    pointwise = new Pointwise(allocator);
    heads = new HeadEngines(allocator);
    bf16 = Convolutions.trains(DType.BF16);
    description =
        library.name()
            + " "
            + library.version()
            + (bf16 ? "" : ", which computes bf16 in f32 here");
  }

  @Override
  public String describe() {
    return description;
  }

  @Override
  public boolean supports(DType dtype) {
    return dtype == DType.F32 || (dtype == DType.BF16 && bf16);
  }

  @Override
  public boolean fuses(Unary f) {
    return Attributes.algorithm(f).isPresent();
  }

  @Override
  public void convert(Tensor x, Tensor y) {
    conversions.run(x, y);
  }

  @Override
  public void matmul(
      Tensor a, boolean transposeA, Tensor b, boolean transposeB, Tensor bias, Unary f, Tensor y) {
    products.multiply(a, transposeA, b, transposeB, bias, f, y);
  }

  @Override
  public void linear(
      Tensor x, Tensor w, Tensor bias, Unary f, Binary then, Tensor other, Tensor y) {
    products.linear(x, w, bias, f, then, other, y);
  }

  @Override
  public void linearWeightGradient(Tensor x, Tensor dy, Tensor dw, Tensor db) {
    products.weightGradient(x, dy, dw, db);
  }

  @Override
  public void conv2d(
      Tensor x, Tensor w, Tensor bias, Tensor residual, Unary f, Window window, Tensor y) {
    convolutions.forward(x, w, bias, residual, f, window, y);
  }

  @Override
  public void conv2dInputGradient(Tensor dy, Tensor w, Window window, Tensor dx) {
    convolutions.inputGradient(dy, w, window, dx);
  }

  @Override
  public void conv2dWeightGradient(Tensor x, Tensor dy, Window window, Tensor dw, Tensor db) {
    convolutions.weightGradient(x, dy, window, dw, db);
  }

  @Override
  public void transposedConv2d(Tensor x, Tensor w, KernelEnlarger enlarger, Tensor bias, Tensor y) {
    transposed.forward(x, w, enlarger, bias, y);
  }

  @Override
  public HeadEngine heads(boolean member) {
    return heads.lend(member);
  }

  @Override
  public void scaleShift(
      long x, DType dtype, long rows, int columns, long scale, long shift, Unary f, long y) {
    pointwise.scaleShift(x, dtype, rows, columns, scale, shift, f, y);
  }

  @Override
  public void binary(
      Binary f, long a, long b, boolean repeated, DType dtype, long rows, int columns, long y) {
    pointwise.binary(f, a, b, repeated, dtype, rows, columns, y);
  }

  @Override
  public void layerNorm(
      Tensor x, Tensor gamma, Tensor beta, double eps, Tensor y, Tensor mean, Tensor variance) {
    rowNorms.layerNorm(x, gamma, beta, eps, y, mean, variance);
  }

  @Override
  public void layerNormBackward(
      Tensor x,
      Tensor gamma,
      Tensor mean,
      Tensor variance,
      double eps,
      Tensor dy,
      Tensor dx,
      Tensor dgamma,
      Tensor dbeta) {
    rowNorms.layerNormBackward(x, gamma, mean, variance, eps, dy, dx, dgamma, dbeta);
  }
}
