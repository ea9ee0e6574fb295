package nacre.tensor.cpu;

import java.lang.foreign.MemorySegment;
import java.util.List;
import nacre.tensor.DType;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.cpu.engine.MatrixEngine;
import nacre.tensor.reference.ReferenceBackend;
import nacre.tensor.spi.AdamWConstants;
import nacre.tensor.spi.AdamWTensors;
import nacre.tensor.spi.Allocator;
import nacre.tensor.spi.AttentionGradients;
import nacre.tensor.spi.AttentionInputs;
import nacre.tensor.spi.Backend;
import nacre.tensor.spi.Binary;
import nacre.tensor.spi.GroupNormInputs;
import nacre.tensor.spi.LayerNormInputs;
import nacre.tensor.spi.NormGradients;
import nacre.tensor.spi.NormStatistics;
import nacre.tensor.spi.Reduction;
import nacre.tensor.spi.Unary;
import nacre.tensor.spi.Window;

/**
 * The CPU: a library's matrix products and convolutions, vectorized Java loops for the rest. Each
 * family of operations is a class of its own; here they are put together.
 */
final class CpuBackend implements Backend {
  private final String description;
  private final MatrixEngine engine;
  private final Backend plain = new ReferenceBackend();
  private final Allocator allocator;
  private final Team team;
  private final Elementwise elementwise;
  private final Broadcasting broadcasting;
  private final Reductions reductions;
  private final Products products;
  private final UpsampleConvolutionKernel upsampleConvolution;
  private final GroupNormKernel groupNorm;
  private final GroupNormBackward groupNormBackward;
  private final RowNormKernels rowNorms;
  private final LayerNorms layerNorms;
  private final Movement movement;
  private final Permutation permutation;
  private final Resampling resampling;
  private final Pooling pooling;
  private final OptimizerKernels optimizer;
  private final RandomNumbers random;
  private final ClassKernels classes;

  CpuBackend(MatrixEngine engine, Allocator allocator, Team team, String description) {
    this.engine = engine;
    this.allocator = allocator;
    this.team = team;
    this.description = description;
    elementwise = new Elementwise(team);
    broadcasting = new Broadcasting(team, elementwise, engine);
    reductions = new Reductions(team, elementwise);
    products = new Products(engine, plain, elementwise, broadcasting, team, allocator);
    upsampleConvolution = new UpsampleConvolutionKernel(team, engine);
    groupNorm = new GroupNormKernel(team, engine, allocator);
    groupNormBackward = new GroupNormBackward(team);
    rowNorms = new RowNormKernels(team);
    layerNorms = new LayerNorms(engine, rowNorms, elementwise);
    movement = new Movement(team);
    permutation = new Permutation(team);
    resampling = new Resampling(team);
    pooling = new Pooling(team);
    optimizer = new OptimizerKernels(team);
    random = new RandomNumbers(team);
    classes = new ClassKernels(team);
  }

  @Override
  public String describe() {
    return description;
  }

  // ---- memory

  @Override
  public Allocator allocator() {
    return allocator;
  }

  @Override
  public void upload(MemorySegment source, Tensor destination) {
    Tiles.ALL.asSlice(destination.address(), destination.bytes()).copyFrom(source);
  }

  @Override
  public void download(Tensor source, MemorySegment destination) {
    destination.copyFrom(source.segment());
  }

  @Override
  public void poison(Tensor y) {
    Tiles.ALL.asSlice(y.address(), y.bytes()).fill((byte) 0xff);
  }

  @Override
  public void fill(Tensor y, double value) {
    elementwise.fill(y, value);
  }

  @Override
  public void cast(Tensor x, Tensor y) {
    if (engine != null && converts(x.dtype(), y.dtype()) && x.elements() > 0) {
      engine.convert(x, y);
    } else {
      elementwise.cast(x, y);
    }
  }

  private boolean converts(DType from, DType to) {
    boolean narrows = from == DType.F32 && to == DType.BF16;
    boolean widens = from == DType.BF16 && to == DType.F32;
    return (narrows || widens) && engine.supports(DType.BF16);
  }

  @Override
  public void uniform(long seed, long stream, Tensor y) {
    random.uniform(seed, stream, y);
  }

  @Override
  public void normal(long seed, long stream, Tensor y) {
    random.normal(seed, stream, y);
  }

  // ---- elementwise

  @Override
  public void unary(Unary f, Tensor x, Tensor y) {
    elementwise.unary(f, x, y);
  }

  @Override
  public void unaryBackward(Unary f, Tensor x, Tensor dy, Tensor dx) {
    elementwise.unaryBackward(f, x, dy, dx);
  }

  @Override
  public void binary(Binary f, Tensor a, Tensor b, Tensor y) {
    broadcasting.binary(f, a, b, y);
  }

  @Override
  public void affine(Tensor x, double scale, double shift, Tensor y) {
    elementwise.affine(x, scale, shift, y);
  }

  @Override
  public void mix(Tensor a, double scaleA, Tensor b, double scaleB, Tensor y) {
    elementwise.mix(a, scaleA, b, scaleB, y);
  }

  @Override
  public void select(Tensor mask, Tensor a, Tensor b, Tensor y) {
    elementwise.select(mask, a, b, y);
  }

  @Override
  public void dropout(Tensor x, double p, long seed, long stream, Tensor y) {
    random.dropout(x, p, seed, stream, y);
  }

  @Override
  public void geglu(Tensor x, Tensor y) {
    elementwise.geglu(x, y);
  }

  @Override
  public void gegluBackward(Tensor x, Tensor dy, Tensor dx) {
    elementwise.gegluBackward(x, dy, dx);
  }

  // ---- reductions

  @Override
  public void reduce(Reduction r, Tensor x, Tensor y) {
    reductions.reduce(r, x, y);
  }

  @Override
  public void argmax(Tensor x, Tensor y) {
    classes.argmax(x, y);
  }

  @Override
  public void crossEntropy(Tensor logits, Tensor targets, Tensor y) {
    classes.crossEntropy(logits, targets, y);
  }

  @Override
  public void crossEntropyBackward(Tensor logits, Tensor targets, Tensor dy, Tensor dx) {
    classes.crossEntropyBackward(logits, targets, dy, dx);
  }

  @Override
  public void meanSquaredError(Tensor a, Tensor b, Tensor y) {
    reductions.meanSquaredError(a, b, y);
  }

  @Override
  public void meanSquaredErrorBackward(Tensor a, Tensor b, Tensor dy, Tensor da) {
    reductions.meanSquaredErrorBackward(a, b, dy, da);
  }

  // ---- matrix products, convolution, attention

  @Override
  public void matmul(
      Tensor a, boolean transposeA, Tensor b, boolean transposeB, Tensor bias, Unary f, Tensor y) {
    products.matmul(a, transposeA, b, transposeB, bias, f, y);
  }

  @Override
  public void linear(Tensor x, Tensor w, Tensor bias, Unary f, Tensor residual, Tensor y) {
    if (products.fuses(x, y, f)) {
      products.linear(x, w, bias, f, residual, y);
    } else {
      Backend.super.linear(x, w, bias, f, residual, y);
    }
  }

  @Override
  public void linearGeglu(Tensor x, Tensor w, Tensor bias, Tensor y) {
    if (products.fuses(x, y, Unary.GELU)) {
      products.linearGeglu(x, w, bias, y);
    } else {
      Backend.super.linearGeglu(x, w, bias, y);
    }
  }

  @Override
  public void linearWeightGradient(Tensor x, Tensor dy, Tensor dw, Tensor db) {
    products.linearWeightGradient(x, dy, dw, db);
  }

  @Override
  public void conv2d(
      Tensor x, Tensor w, Tensor bias, Tensor residual, Unary f, Window window, Tensor y) {
    products.conv2d(x, w, bias, residual, f, window, y);
  }

  @Override
  public void conv2dInputGradient(Tensor dy, Tensor w, Window window, Tensor dx) {
    products.conv2dInputGradient(dy, w, window, dx);
  }

  @Override
  public void conv2dWeightGradient(Tensor x, Tensor dy, Window window, Tensor dw, Tensor db) {
    products.conv2dWeightGradient(x, dy, window, dw, db);
  }

  @Override
  public void upsampleConv2d(Tensor x, Tensor w, Tensor bias, Tensor y) {
    if (upsampleConvolution.serves(x, w)) {
      upsampleConvolution.forward(x, w, bias, y);
    } else {
      Backend.super.upsampleConv2d(x, w, bias, y);
    }
  }

  @Override
  public Shape attentionState(Shape q, Shape k) {
    return Products.attentionState();
  }

  @Override
  public void attention(AttentionInputs in, Tensor y, Tensor state) {
    products.attention(in, y);
  }

  @Override
  public void attentionBackward(
      AttentionInputs in, Tensor y, Tensor dy, Tensor state, AttentionGradients out) {
    products.attentionBackward(in, y, dy, out);
  }

  @Override
  public void softmax(Tensor x, Tensor y) {
    rowNorms.softmax(x, y);
  }

  @Override
  public void softmaxBackward(Tensor y, Tensor dy, Tensor dx) {
    rowNorms.softmaxBackward(y, dy, dx);
  }

  // ---- normalization

  @Override
  public void groupNorm(GroupNormInputs in, Tensor y, NormStatistics statistics) {
    groupNorm.statistics(in.x(), in.groups(), in.eps(), statistics);
    groupNorm.apply(in, statistics, y);
  }

  @Override
  public void groupNormStatistics(Tensor x, int groups, double eps, NormStatistics statistics) {
    groupNorm.statistics(x, groups, eps, statistics);
  }

  @Override
  public void groupNormApply(GroupNormInputs in, NormStatistics statistics, Tensor y) {
    groupNorm.apply(in, statistics, y);
  }

  @Override
  public void groupNormBackward(
      GroupNormInputs in, NormStatistics statistics, Tensor dy, NormGradients out) {
    groupNormBackward.run(in, statistics, dy, out);
  }

  @Override
  public void layerNorm(LayerNormInputs in, Tensor y, NormStatistics statistics) {
    layerNorms.forward(in, y, statistics);
  }

  @Override
  public void layerNormBackward(
      LayerNormInputs in, NormStatistics statistics, Tensor dy, NormGradients out) {
    layerNorms.backward(in, statistics, dy, out);
  }

  // ---- movement

  @Override
  public void slice(Tensor x, int[] starts, Tensor y) {
    movement.slice(x, starts, y);
  }

  @Override
  public void place(Tensor x, int[] starts, Tensor y) {
    movement.place(x, starts, y);
  }

  @Override
  public void permute(Tensor x, int[] axes, Tensor y) {
    permutation.permute(x, axes, y);
  }

  @Override
  public void gather(Tensor table, Tensor indices, Tensor y) {
    movement.gather(table, indices, y);
  }

  @Override
  public void gatherBackward(Tensor indices, Tensor dy, Tensor dtable) {
    movement.gatherBackward(indices, dy, dtable);
  }

  // ---- resampling

  @Override
  public void upsampleNearest(Tensor x, int factor, Tensor y) {
    resampling.upsampleNearest(x, factor, y);
  }

  @Override
  public void upsampleNearestBackward(Tensor dy, int factor, Tensor dx) {
    resampling.upsampleNearestBackward(dy, factor, dx);
  }

  @Override
  public void averagePool(Tensor x, int factor, Tensor y) {
    resampling.averagePool(x, factor, y);
  }

  @Override
  public void averagePoolBackward(Tensor dy, int factor, Tensor dx) {
    resampling.averagePoolBackward(dy, factor, dx);
  }

  @Override
  public void pool(Reduction r, Tensor x, int kernel, Window window, Tensor y) {
    pooling.forward(r, x, kernel, window, y);
  }

  @Override
  public void poolBackward(Reduction r, Tensor x, int kernel, Window window, Tensor dy, Tensor dx) {
    pooling.backward(r, x, kernel, window, dy, dx);
  }

  @Override
  public void cropResize(Tensor x, Tensor boxes, Tensor y) {
    resampling.cropResize(x, boxes, y);
  }

  @Override
  public void cropResizeBackward(Tensor dy, Tensor boxes, Tensor dx) {
    resampling.cropResizeBackward(dy, boxes, dx);
  }

  @Override
  public void sinusoids(
      Tensor t, boolean cosineFirst, double frequencyShift, double maxPeriod, Tensor y) {
    plain.sinusoids(t, cosineFirst, frequencyShift, maxPeriod, y);
  }

  // ---- optimization

  @Override
  public void sumOfSquares(List<Tensor> tensors, Tensor y) {
    reductions.sumOfSquares(tensors, y);
  }

  @Override
  public void adamW(
      AdamWTensors tensors, Tensor squaredNorm, Tensor learningRate, AdamWConstants constants) {
    optimizer.adamW(tensors, squaredNorm, learningRate, constants);
  }

  @Override
  public void lerp(List<Tensor> y, List<Tensor> x, Tensor weight) {
    optimizer.lerp(y, x, weight);
  }
}
