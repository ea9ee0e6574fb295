package nacre.tensor.reference;

import java.lang.foreign.MemorySegment;
import java.util.List;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.AdamWConstants;
import nacre.tensor.spi.AdamWTensors;
import nacre.tensor.spi.Allocator;
import nacre.tensor.spi.AttentionGradients;
import nacre.tensor.spi.AttentionInputs;
import nacre.tensor.spi.Backend;
import nacre.tensor.spi.Binary;
import nacre.tensor.spi.GroupNormInputs;
import nacre.tensor.spi.HostAllocator;
import nacre.tensor.spi.LayerNormInputs;
import nacre.tensor.spi.NormGradients;
import nacre.tensor.spi.NormStatistics;
import nacre.tensor.spi.Reduction;
import nacre.tensor.spi.Unary;
import nacre.tensor.spi.Window;

/**
 * Every operation in plain Java that can be checked by eye: one thread, accumulation in double, one
 * rounding at the end. It is what the other backends are measured against.
 */
public final class ReferenceBackend implements Backend {
  private final Allocator allocator = new HostAllocator();

  /** A backend with memory of its own. */
  public ReferenceBackend() {}

  @Override
  public String describe() {
    return "plain Java, one thread";
  }

  @Override
  public Allocator allocator() {
    return allocator;
  }

  @Override
  public void upload(MemorySegment source, Tensor destination) {
    MemorySegment.copy(source, 0, Elements.memory(destination), 0, destination.bytes());
  }

  @Override
  public void download(Tensor source, MemorySegment destination) {
    MemorySegment.copy(source.segment(), 0, destination, 0, source.bytes());
  }

  @Override
  public void poison(Tensor y) {
    Elements.memory(y).fill((byte) 0xFF);
  }

  @Override
  public void fill(Tensor y, double value) {
    PlainMovement.fill(y, value);
  }

  @Override
  public void cast(Tensor x, Tensor y) {
    PlainMovement.cast(x, y);
  }

  @Override
  public void uniform(long seed, long stream, Tensor y) {
    PlainRandom.uniform(seed, stream, y);
  }

  @Override
  public void normal(long seed, long stream, Tensor y) {
    PlainRandom.normal(seed, stream, y);
  }

  @Override
  public void unary(Unary f, Tensor x, Tensor y) {
    PlainElementwise.unary(f, x, y);
  }

  @Override
  public void unaryBackward(Unary f, Tensor x, Tensor dy, Tensor dx) {
    PlainElementwise.unaryBackward(f, x, dy, dx);
  }

  @Override
  public void binary(Binary f, Tensor a, Tensor b, Tensor y) {
    PlainElementwise.binary(f, a, b, y);
  }

  @Override
  public void affine(Tensor x, double scale, double shift, Tensor y) {
    PlainElementwise.affine(x, scale, shift, y);
  }

  @Override
  public void mix(Tensor a, double scaleA, Tensor b, double scaleB, Tensor y) {
    PlainElementwise.mix(a, scaleA, b, scaleB, y);
  }

  @Override
  public void select(Tensor mask, Tensor a, Tensor b, Tensor y) {
    PlainElementwise.select(mask, a, b, y);
  }

  @Override
  public void dropout(Tensor x, double p, long seed, long stream, Tensor y) {
    PlainRandom.dropout(x, p, seed, stream, y);
  }

  @Override
  public void geglu(Tensor x, Tensor y) {
    PlainElementwise.geglu(x, y);
  }

  @Override
  public void gegluBackward(Tensor x, Tensor dy, Tensor dx) {
    PlainElementwise.gegluBackward(x, dy, dx);
  }

  @Override
  public void reduce(Reduction r, Tensor x, Tensor y) {
    PlainElementwise.reduce(r, x, y);
  }

  @Override
  public void argmax(Tensor x, Tensor y) {
    PlainClasses.argmax(x, y);
  }

  @Override
  public void crossEntropy(Tensor logits, Tensor targets, Tensor y) {
    PlainClasses.crossEntropy(logits, targets, y);
  }

  @Override
  public void crossEntropyBackward(Tensor logits, Tensor targets, Tensor dy, Tensor dx) {
    PlainClasses.crossEntropyBackward(logits, targets, dy, dx);
  }

  @Override
  public void meanSquaredError(Tensor a, Tensor b, Tensor y) {
    PlainElementwise.meanSquaredError(a, b, y);
  }

  @Override
  public void meanSquaredErrorBackward(Tensor a, Tensor b, Tensor dy, Tensor da) {
    PlainElementwise.meanSquaredErrorBackward(a, b, dy, da);
  }

  @Override
  public void matmul(
      Tensor a, boolean transposeA, Tensor b, boolean transposeB, Tensor bias, Unary f, Tensor y) {
    PlainMatrix.matmul(a, transposeA, b, transposeB, bias, f, y);
  }

  @Override
  public void linearWeightGradient(Tensor x, Tensor dy, Tensor dw, Tensor db) {
    PlainMatrix.linearWeightGradient(x, dy, dw, db);
  }

  @Override
  public void conv2d(
      Tensor x, Tensor w, Tensor bias, Tensor residual, Unary f, Window window, Tensor y) {
    PlainConvolution.forward(x, w, bias, residual, f, window, y);
  }

  @Override
  public void conv2dInputGradient(Tensor dy, Tensor w, Window window, Tensor dx) {
    PlainConvolution.inputGradient(dy, w, window, dx);
  }

  @Override
  public void conv2dWeightGradient(Tensor x, Tensor dy, Window window, Tensor dw, Tensor db) {
    PlainConvolution.weightGradient(x, dy, window, dw, db);
  }

  @Override
  public Shape attentionState(Shape q, Shape k) {
    return PlainAttention.state(q);
  }

  @Override
  public void attention(AttentionInputs in, Tensor y, Tensor state) {
    PlainAttention.attention(in, y, state);
  }

  @Override
  public void attentionBackward(
      AttentionInputs in, Tensor y, Tensor dy, Tensor state, AttentionGradients out) {
    PlainAttention.attentionBackward(in, y, dy, state, out);
  }

  @Override
  public void softmax(Tensor x, Tensor y) {
    PlainAttention.softmax(x, y);
  }

  @Override
  public void softmaxBackward(Tensor y, Tensor dy, Tensor dx) {
    PlainAttention.softmaxBackward(y, dy, dx);
  }

  @Override
  public void groupNorm(GroupNormInputs in, Tensor y, NormStatistics statistics) {
    PlainNormalization.groupNorm(in, y, statistics);
  }

  @Override
  public void groupNormStatistics(Tensor x, int groups, double eps, NormStatistics statistics) {
    PlainNormalization.groupNormStatistics(x, groups, eps, statistics);
  }

  @Override
  public void groupNormApply(GroupNormInputs in, NormStatistics statistics, Tensor y) {
    PlainNormalization.groupNormApply(in, statistics, y);
  }

  @Override
  public void groupNormBackward(
      GroupNormInputs in, NormStatistics statistics, Tensor dy, NormGradients out) {
    PlainNormalization.groupNormBackward(in, statistics, dy, out);
  }

  @Override
  public void layerNorm(LayerNormInputs in, Tensor y, NormStatistics statistics) {
    PlainNormalization.layerNorm(in, y, statistics);
  }

  @Override
  public void layerNormBackward(
      LayerNormInputs in, NormStatistics statistics, Tensor dy, NormGradients out) {
    PlainNormalization.layerNormBackward(in, statistics, dy, out);
  }

  @Override
  public void slice(Tensor x, int[] starts, Tensor y) {
    PlainMovement.slice(x, starts, y);
  }

  @Override
  public void place(Tensor x, int[] starts, Tensor y) {
    PlainMovement.place(x, starts, y);
  }

  @Override
  public void permute(Tensor x, int[] axes, Tensor y) {
    PlainMovement.permute(x, axes, y);
  }

  @Override
  public void gather(Tensor table, Tensor indices, Tensor y) {
    PlainMovement.gather(table, indices, y);
  }

  @Override
  public void gatherBackward(Tensor indices, Tensor dy, Tensor dtable) {
    PlainMovement.gatherBackward(indices, dy, dtable);
  }

  @Override
  public void upsampleNearest(Tensor x, int factor, Tensor y) {
    PlainResampling.upsampleNearest(x, factor, y);
  }

  @Override
  public void upsampleNearestBackward(Tensor dy, int factor, Tensor dx) {
    PlainResampling.upsampleNearestBackward(dy, factor, dx);
  }

  @Override
  public void averagePool(Tensor x, int factor, Tensor y) {
    PlainResampling.averagePool(x, factor, y);
  }

  @Override
  public void averagePoolBackward(Tensor dy, int factor, Tensor dx) {
    PlainResampling.averagePoolBackward(dy, factor, dx);
  }

  @Override
  public void pool(Reduction r, Tensor x, int kernel, Window window, Tensor y) {
    new PlainPooling(x.shape(), y.shape(), kernel, window).forward(r, x, y);
  }

  @Override
  public void poolBackward(Reduction r, Tensor x, int kernel, Window window, Tensor dy, Tensor dx) {
    new PlainPooling(dx.shape(), dy.shape(), kernel, window).backward(r, x, dy, dx);
  }

  @Override
  public void cropResize(Tensor x, Tensor boxes, Tensor y) {
    PlainResampling.cropResize(x, boxes, y);
  }

  @Override
  public void cropResizeBackward(Tensor dy, Tensor boxes, Tensor dx) {
    PlainResampling.cropResizeBackward(dy, boxes, dx);
  }

  @Override
  public void sinusoids(
      Tensor t, boolean cosineFirst, double frequencyShift, double maxPeriod, Tensor y) {
    PlainResampling.sinusoids(t, cosineFirst, frequencyShift, maxPeriod, y);
  }

  @Override
  public void sumOfSquares(List<Tensor> tensors, Tensor y) {
    PlainOptimizer.sumOfSquares(tensors, y);
  }

  @Override
  public void adamW(
      AdamWTensors tensors, Tensor squaredNorm, Tensor learningRate, AdamWConstants constants) {
    PlainOptimizer.adamW(tensors, squaredNorm, learningRate, constants);
  }

  @Override
  public void lerp(List<Tensor> y, List<Tensor> x, Tensor weight) {
    PlainOptimizer.lerp(y, x, weight);
  }
}
