package nacre.tensor;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import nacre.tensor.spi.AdamWConstants;
import nacre.tensor.spi.AdamWTensors;
import nacre.tensor.spi.Allocator;
import nacre.tensor.spi.AttentionGradients;
import nacre.tensor.spi.AttentionInputs;
import nacre.tensor.spi.Backend;
import nacre.tensor.spi.Binary;
import nacre.tensor.spi.Collectives;
import nacre.tensor.spi.GroupNormInputs;
import nacre.tensor.spi.LayerNormInputs;
import nacre.tensor.spi.NormGradients;
import nacre.tensor.spi.NormStatistics;
import nacre.tensor.spi.Readback;
import nacre.tensor.spi.Reduction;
import nacre.tensor.spi.Rendezvous;
import nacre.tensor.spi.StepGraph;
import nacre.tensor.spi.Unary;
import nacre.tensor.spi.Window;

/**
 * A device's backend as callers see it: each method notes in the tensors that it writes that they
 * were written, so that a {@link Tape} knows what it saved from what came later. The backends
 * themselves know nothing of it.
 */
final class VersionedBackend implements Backend {
  private final Backend backend;

  VersionedBackend(Backend backend) {
    this.backend = backend;
  }

  /** The device's own. */
  Backend plain() {
    return backend;
  }

  private Backend wrote(Object by, Tensor y) {
    y.written(by);
    return backend;
  }

  private Backend wrote(Object by, Tensor... ys) {
    for (Tensor y : ys) {
      if (y != null) {
        y.written(by);
      }
    }
    return backend;
  }

  private Backend wroteAll(Object by, List<Tensor> ys) {
    for (Tensor y : ys) {
      y.written(by);
    }
    return backend;
  }

  @Override
  public String describe() {
    return backend.describe();
  }

  @Override
  public List<String> explain() {
    return backend.explain();
  }

  @Override
  public long launches() {
    return backend.launches();
  }

  @Override
  public StepGraph stepGraph(Runnable work) {
    return backend.stepGraph(work);
  }

  @Override
  public Range range(String name) {
    return backend.range(name);
  }

  @Override
  public Optional<Collectives> collectives(Rendezvous ranks) {
    return backend.collectives(ranks);
  }

  @Override
  public Allocator allocator() {
    return backend.allocator();
  }

  @Override
  public void upload(MemorySegment source, Tensor destination) {
    wrote("upload", destination).upload(source, destination);
  }

  @Override
  public void download(Tensor source, MemorySegment destination) {
    backend.download(source, destination);
  }

  @Override
  public Readback readLater(Tensor source) {
    return backend.readLater(source);
  }

  @Override
  public void poison(Tensor y) {
    wrote("poison", y).poison(y);
  }

  @Override
  public void fill(Tensor y, double value) {
    wrote("fill", y).fill(y, value);
  }

  @Override
  public void cast(Tensor x, Tensor y) {
    wrote("cast", y).cast(x, y);
  }

  @Override
  public void castAll(List<Tensor> x, List<Tensor> y) {
    wroteAll("cast", y);
    backend.castAll(x, y);
  }

  @Override
  public void uniform(long seed, long stream, Tensor y) {
    wrote("uniform", y).uniform(seed, stream, y);
  }

  @Override
  public void normal(long seed, long stream, Tensor y) {
    wrote("normal", y).normal(seed, stream, y);
  }

  @Override
  public void unary(Unary f, Tensor x, Tensor y) {
    wrote(f, y).unary(f, x, y);
  }

  @Override
  public void unaryBackward(Unary f, Tensor x, Tensor dy, Tensor dx) {
    wrote("unaryBackward", dx).unaryBackward(f, x, dy, dx);
  }

  @Override
  public void binary(Binary f, Tensor a, Tensor b, Tensor y) {
    wrote(f, y).binary(f, a, b, y);
  }

  @Override
  public void affine(Tensor x, double scale, double shift, Tensor y) {
    wrote("affine", y).affine(x, scale, shift, y);
  }

  @Override
  public void mix(Tensor a, double scaleA, Tensor b, double scaleB, Tensor y) {
    wrote("mix", y).mix(a, scaleA, b, scaleB, y);
  }

  @Override
  public void select(Tensor mask, Tensor a, Tensor b, Tensor y) {
    wrote("select", y).select(mask, a, b, y);
  }

  @Override
  public void dropout(Tensor x, double p, long seed, long stream, Tensor y) {
    wrote("dropout", y).dropout(x, p, seed, stream, y);
  }

  @Override
  public void geglu(Tensor x, Tensor y) {
    wrote("geglu", y).geglu(x, y);
  }

  @Override
  public void gegluBackward(Tensor x, Tensor dy, Tensor dx) {
    wrote("gegluBackward", dx).gegluBackward(x, dy, dx);
  }

  @Override
  public void reduce(Reduction r, Tensor x, Tensor y) {
    wrote(r, y).reduce(r, x, y);
  }

  @Override
  public void argmax(Tensor x, Tensor y) {
    wrote("argmax", y).argmax(x, y);
  }

  @Override
  public void meanSquaredError(Tensor a, Tensor b, Tensor y) {
    wrote("meanSquaredError", y).meanSquaredError(a, b, y);
  }

  @Override
  public void meanSquaredErrorBackward(Tensor a, Tensor b, Tensor dy, Tensor da) {
    wrote("meanSquaredErrorBackward", da).meanSquaredErrorBackward(a, b, dy, da);
  }

  @Override
  public void crossEntropy(Tensor logits, Tensor targets, Tensor y) {
    wrote("crossEntropy", y).crossEntropy(logits, targets, y);
  }

  @Override
  public void crossEntropyBackward(Tensor logits, Tensor targets, Tensor dy, Tensor dx) {
    wrote("crossEntropyBackward", dx).crossEntropyBackward(logits, targets, dy, dx);
  }

  @Override
  public void matmul(
      Tensor a, boolean transposeA, Tensor b, boolean transposeB, Tensor bias, Unary f, Tensor y) {
    wrote("matmul", y).matmul(a, transposeA, b, transposeB, bias, f, y);
  }

  @Override
  public void linear(Tensor x, Tensor w, Tensor bias, Unary f, Tensor residual, Tensor y) {
    wrote("linear", y).linear(x, w, bias, f, residual, y);
  }

  @Override
  public void linears(Tensor x, Tensor w, Tensor y) {
    wrote("linears", y).linears(x, w, y);
  }

  @Override
  public void linearGeglu(Tensor x, Tensor w, Tensor bias, Tensor y) {
    wrote("linearGeglu", y).linearGeglu(x, w, bias, y);
  }

  @Override
  public void linearWeightGradient(Tensor x, Tensor dy, Tensor dw, Tensor db) {
    wrote("linearWeightGradient", dw, db).linearWeightGradient(x, dy, dw, db);
  }

  @Override
  public void conv2d(
      Tensor x, Tensor w, Tensor bias, Tensor residual, Unary f, Window window, Tensor y) {
    wrote("conv2d", y).conv2d(x, w, bias, residual, f, window, y);
  }

  @Override
  public void conv2dInputGradient(Tensor dy, Tensor w, Window window, Tensor dx) {
    wrote("conv2dInputGradient", dx).conv2dInputGradient(dy, w, window, dx);
  }

  @Override
  public void conv2dWeightGradient(Tensor x, Tensor dy, Window window, Tensor dw, Tensor db) {
    wrote("conv2dWeightGradient", dw, db).conv2dWeightGradient(x, dy, window, dw, db);
  }

  @Override
  public void upsampleConv2d(Tensor x, Tensor w, Tensor bias, Tensor y) {
    wrote("upsampleConv2d", y).upsampleConv2d(x, w, bias, y);
  }

  @Override
  public Shape attentionState(Shape q, Shape k) {
    return backend.attentionState(q, k);
  }

  @Override
  public void attention(AttentionInputs in, Tensor y, Tensor state) {
    wrote("attention", y, state).attention(in, y, state);
  }

  @Override
  public void attentionBackward(
      AttentionInputs in, Tensor y, Tensor dy, Tensor state, AttentionGradients out) {
    wrote("attentionBackward", out.dq(), out.dk(), out.dv())
        .attentionBackward(in, y, dy, state, out);
  }

  @Override
  public void softmax(Tensor x, Tensor y) {
    wrote("softmax", y).softmax(x, y);
  }

  @Override
  public void softmaxBackward(Tensor y, Tensor dy, Tensor dx) {
    wrote("softmaxBackward", dx).softmaxBackward(y, dy, dx);
  }

  @Override
  public void groupNorm(GroupNormInputs in, Tensor y, NormStatistics statistics) {
    wrote("groupNorm", y, statistics.mean(), statistics.rstd()).groupNorm(in, y, statistics);
  }

  @Override
  public void groupNormStatistics(Tensor x, int groups, double eps, NormStatistics statistics) {
    wrote("groupNormStatistics", statistics.mean(), statistics.rstd())
        .groupNormStatistics(x, groups, eps, statistics);
  }

  @Override
  public void groupNormApply(GroupNormInputs in, NormStatistics statistics, Tensor y) {
    wrote("groupNormApply", y).groupNormApply(in, statistics, y);
  }

  @Override
  public void groupNormBackward(
      GroupNormInputs in, NormStatistics statistics, Tensor dy, NormGradients out) {
    wrote("groupNormBackward", out.dx(), out.dgamma(), out.dbeta())
        .groupNormBackward(in, statistics, dy, out);
  }

  @Override
  public void layerNorm(LayerNormInputs in, Tensor y, NormStatistics statistics) {
    wrote("layerNorm", y, statistics.mean(), statistics.rstd()).layerNorm(in, y, statistics);
  }

  @Override
  public void layerNormBackward(
      LayerNormInputs in, NormStatistics statistics, Tensor dy, NormGradients out) {
    wrote("layerNormBackward", out.dx(), out.dgamma(), out.dbeta())
        .layerNormBackward(in, statistics, dy, out);
  }

  @Override
  public void slice(Tensor x, int[] starts, Tensor y) {
    wrote("slice", y).slice(x, starts, y);
  }

  @Override
  public void place(Tensor x, int[] starts, Tensor y) {
    wrote("place", y).place(x, starts, y);
  }

  @Override
  public void permute(Tensor x, int[] axes, Tensor y) {
    wrote("permute", y).permute(x, axes, y);
  }

  @Override
  public void gather(Tensor table, Tensor indices, Tensor y) {
    wrote("gather", y).gather(table, indices, y);
  }

  @Override
  public void gatherBackward(Tensor indices, Tensor dy, Tensor dtable) {
    wrote("gatherBackward", dtable).gatherBackward(indices, dy, dtable);
  }

  @Override
  public void upsampleNearest(Tensor x, int factor, Tensor y) {
    wrote("upsampleNearest", y).upsampleNearest(x, factor, y);
  }

  @Override
  public void upsampleNearestBackward(Tensor dy, int factor, Tensor dx) {
    wrote("upsampleNearestBackward", dx).upsampleNearestBackward(dy, factor, dx);
  }

  @Override
  public void averagePool(Tensor x, int factor, Tensor y) {
    wrote("averagePool", y).averagePool(x, factor, y);
  }

  @Override
  public void averagePoolBackward(Tensor dy, int factor, Tensor dx) {
    wrote("averagePoolBackward", dx).averagePoolBackward(dy, factor, dx);
  }

  @Override
  public void pool(Reduction r, Tensor x, int kernel, Window window, Tensor y) {
    wrote("pool", y).pool(r, x, kernel, window, y);
  }

  @Override
  public void poolBackward(Reduction r, Tensor x, int kernel, Window window, Tensor dy, Tensor dx) {
    wrote("poolBackward", dx).poolBackward(r, x, kernel, window, dy, dx);
  }

  @Override
  public void cropResize(Tensor x, Tensor boxes, Tensor y) {
    wrote("cropResize", y).cropResize(x, boxes, y);
  }

  @Override
  public void cropResizeBackward(Tensor dy, Tensor boxes, Tensor dx) {
    wrote("cropResizeBackward", dx).cropResizeBackward(dy, boxes, dx);
  }

  @Override
  public void sinusoids(
      Tensor t, boolean cosineFirst, double frequencyShift, double maxPeriod, Tensor y) {
    wrote("sinusoids", y).sinusoids(t, cosineFirst, frequencyShift, maxPeriod, y);
  }

  @Override
  public void sumOfSquares(List<Tensor> tensors, Tensor y) {
    wrote("sumOfSquares", y).sumOfSquares(tensors, y);
  }

  @Override
  public void adamW(
      AdamWTensors tensors, Tensor squaredNorm, Tensor learningRate, AdamWConstants constants) {
    wroteAll("adamW", tensors.parameters());
    wroteAll("adamW", tensors.compensations());
    wroteAll("adamW", tensors.m());
    wroteAll("adamW", tensors.v());
    wroteAll("adamW", tensors.mScales());
    wroteAll("adamW", tensors.vScales());
    wroteAll("adamW", tensors.steps());
    wroteAll("adamW", tensors.averages());
    backend.adamW(tensors, squaredNorm, learningRate, constants);
  }

  @Override
  public void lerp(List<Tensor> y, List<Tensor> x, Tensor weight) {
    wroteAll("lerp", y);
    backend.lerp(y, x, weight);
  }
}
