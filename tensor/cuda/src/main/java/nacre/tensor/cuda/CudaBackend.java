package nacre.tensor.cuda;

import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import nacre.bindings.CudaLibraries;
import nacre.bindings.Nvtx;
import nacre.tensor.Range;
import nacre.tensor.Settings;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.cuda.cudnn.CudnnLibrary;
import nacre.tensor.cuda.driver.CudaAllocator;
import nacre.tensor.cuda.driver.CudaDevice;
import nacre.tensor.cuda.driver.CudaStepGraph;
import nacre.tensor.cuda.driver.IndexFaults;
import nacre.tensor.cuda.driver.Kernels;
import nacre.tensor.cuda.driver.LibraryPolicy;
import nacre.tensor.cuda.driver.PlanCache;
import nacre.tensor.cuda.driver.Readbacks;
import nacre.tensor.cuda.driver.Staging;
import nacre.tensor.cuda.driver.Tickets;
import nacre.tensor.cuda.nccl.NcclCollectives;
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
 * An NVIDIA GPU: matrix products by cuBLASLt, convolutions and attention by cuDNN, everything else
 * and whatever they refuse by the kernels in {@code native}. All work goes through one stream, in
 * the order in which it was asked for, and only {@link #download} waits for it.
 */
final class CudaBackend implements Backend {
  private final Gpu gpu;
  private final Staging staging;
  private final Readbacks readbacks;
  private final ElementwiseKernels elementwise;
  private final ReductionKernels reductions;
  private final CudaProducts products;
  private final CudaGeglu geglu;
  private final CudaConvolutions convolutions;
  private final CudaAttention attention;
  private final AttentionKernels softmax;
  private final NormKernels norms;
  private final MovementKernels movement;
  private final ResamplingKernels resampling;
  private final PoolingKernels pooling;
  private final OptimizerKernels optimizer;
  private final ClassKernels classes;
  private final boolean graphs;
  private final String precision;
  private final Explanation explanation = new Explanation(CudaBackend::warn);

  private final Nvtx nvtx; // null where nobody is named anything

  CudaBackend(CudaDevice device, Settings settings) {
    nvtx = settings.nvtx() ? CudaLibraries.nvtx().orElse(null) : null;
    if (settings.nvtx() && nvtx == null) {
      warn(
          "layers have no names in profiles: NVTX is not found; pip install nvidia-nvtx, or"
              + " NACRE_NVTX=off");
    }
    graphs = settings.graph();
    CudaAllocator allocator = new CudaAllocator(device);
    gpu =
        new Gpu(
            device,
            allocator,
            new Kernels(device, settings.cache().resolve("kernels")),
            new IndexFaults(device),
            new Tickets(device, allocator));
    staging = new Staging(device, gpu.faults());
    readbacks = new Readbacks(device, gpu.faults());
    elementwise = new ElementwiseKernels(gpu);
    reductions = new ReductionKernels(gpu, elementwise);
    MatrixKernels matrices = new MatrixKernels(gpu);
    LibraryPolicy policy =
        new LibraryPolicy(
            settings.tf32(),
            settings.tune(),
            PlanCache.of(device, settings.cache().resolve("plans")),
            (kind, engine) -> explanation.count("plans, " + kind, engine),
            explanation::tuned,
            explanation::refused);
    CublasLtLibrary blas = new CublasLtLibrary(gpu, policy);
    products = new CudaProducts(blas, matrices, elementwise, reductions, explanation);
    geglu = new CudaGeglu(gpu, blas, elementwise, policy, explanation);
    CudnnLibrary dnn = new CudnnLibrary(device, gpu.allocator(), policy);
    convolutions =
        new CudaConvolutions(dnn, new ConvolutionKernels(gpu, reductions), matrices, explanation);
    softmax = new AttentionKernels(gpu);
    attention = new CudaAttention(dnn, softmax, explanation);
    norms = new NormKernels(gpu, reductions);
    movement = new MovementKernels(gpu);
    resampling = new ResamplingKernels(gpu);
    pooling = new PoolingKernels(gpu);
    optimizer = new OptimizerKernels(gpu, reductions);
    classes = new ClassKernels(gpu, reductions);
    precision = (settings.tf32() ? ", TF32" : "") + (settings.tune() ? ", tuned" : "");
  }

  private static void warn(String warning) {
    System.getLogger("nacre.tensor.cuda").log(Level.WARNING, warning);
  }

  @Override
  public String describe() {
    return gpu.device() + ", " + gpu.device().describe() + precision;
  }

  @Override
  public Range range(String name) {
    if (nvtx == null) {
      return Range.NONE;
    }
    nvtx.push(name);
    return nvtx::pop;
  }

  @Override
  public List<String> explain() {
    return explanation.lines();
  }

  @Override
  public long launches() {
    return gpu.device().launches();
  }

  /** Into a CUDA graph, unless {@link nacre.tensor.Setting#GRAPH} is off. */
  @Override
  public StepGraph stepGraph(Runnable work) {
    return graphs
        ? new CudaStepGraph(
            gpu.device(), gpu.allocator(), work, run -> explanation.count("captured steps", run))
        : work::run;
  }

  /** By NCCL. */
  @Override
  public Optional<Collectives> collectives(Rendezvous ranks) {
    return NcclCollectives.join(gpu.device(), ranks);
  }

  // ---- memory

  @Override
  public Allocator allocator() {
    return gpu.allocator();
  }

  @Override
  public void upload(MemorySegment source, Tensor destination) {
    gpu.allocator().requireUnfollowed("upload", destination, "write it before");
    staging.upload(source, destination.address(), destination.bytes());
  }

  @Override
  public void download(Tensor source, MemorySegment destination) {
    gpu.allocator().requireUnfollowed("download", source, "read it after");
    staging.download(source.address(), destination, source.bytes());
  }

  @Override
  public Readback readLater(Tensor source) {
    if (source.bytes() > Readbacks.BYTES) {
      return Backend.super.readLater(source);
    }
    gpu.allocator().requireUnfollowed("readLater", source, "read it after");
    return readbacks.begin(source.address(), source.bytes());
  }

  @Override
  public void poison(Tensor y) {
    staging.poison(y.address(), y.bytes());
  }

  @Override
  public void fill(Tensor y, double value) {
    elementwise.fill(y, value);
  }

  @Override
  public void cast(Tensor x, Tensor y) {
    elementwise.cast(x, y);
  }

  @Override
  public void castAll(List<Tensor> x, List<Tensor> y) {
    if (OptimizerKernels.castsAll(x.getFirst().dtype(), y.getFirst().dtype())) {
      optimizer.cast(x, y);
    } else {
      Backend.super.castAll(x, y);
    }
  }

  @Override
  public void uniform(long seed, long stream, Tensor y) {
    elementwise.random("uniform", seed, stream, y);
  }

  @Override
  public void normal(long seed, long stream, Tensor y) {
    elementwise.random("normal", seed, stream, y);
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
    elementwise.binary(f, a, b, y);
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
    elementwise.dropout(x, p, seed, stream, y);
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
    products.linear(x, w, bias, f, residual, y);
  }

  @Override
  public void linears(Tensor x, Tensor w, Tensor y) {
    if (!products.linears(x, w, y)) {
      Backend.super.linears(x, w, y);
    }
  }

  @Override
  public void linearGeglu(Tensor x, Tensor w, Tensor bias, Tensor y) {
    if (!geglu.inOneLaunch(x, w, bias, y)) {
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
    convolutions.conv2d(x, w, bias, residual, f, window, y);
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
  public Shape attentionState(Shape q, Shape k) {
    return Shape.of(q.dim(0), q.dim(2), q.dim(1));
  }

  @Override
  public void attention(AttentionInputs in, Tensor y, Tensor state) {
    attention.attention(in, y, state);
  }

  @Override
  public void attentionBackward(
      AttentionInputs in, Tensor y, Tensor dy, Tensor state, AttentionGradients out) {
    attention.attentionBackward(in, y, dy, state, out);
  }

  @Override
  public void softmax(Tensor x, Tensor y) {
    softmax.softmax(x, y);
  }

  @Override
  public void softmaxBackward(Tensor y, Tensor dy, Tensor dx) {
    softmax.softmaxBackward(y, dy, dx);
  }

  // ---- normalization

  @Override
  public void groupNorm(GroupNormInputs in, Tensor y, NormStatistics statistics) {
    norms.groupNorm(in, y, statistics);
  }

  @Override
  public void groupNormStatistics(Tensor x, int groups, double eps, NormStatistics statistics) {
    norms.groupNormStatistics(x, groups, eps, statistics);
  }

  @Override
  public void groupNormApply(GroupNormInputs in, NormStatistics statistics, Tensor y) {
    norms.groupNormApply(in, statistics, y);
  }

  @Override
  public void groupNormBackward(
      GroupNormInputs in, NormStatistics statistics, Tensor dy, NormGradients out) {
    norms.groupNormBackward(in, statistics, dy, out);
  }

  @Override
  public void layerNorm(LayerNormInputs in, Tensor y, NormStatistics statistics) {
    norms.layerNorm(in, y, statistics);
  }

  @Override
  public void layerNormBackward(
      LayerNormInputs in, NormStatistics statistics, Tensor dy, NormGradients out) {
    norms.layerNormBackward(in, statistics, dy, out);
  }

  // ---- movement and resampling

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
    movement.permute(x, axes, y);
  }

  @Override
  public void gather(Tensor table, Tensor indices, Tensor y) {
    movement.gather(table, indices, y);
  }

  @Override
  public void gatherBackward(Tensor indices, Tensor dy, Tensor dtable) {
    movement.gatherBackward(indices, dy, dtable);
  }

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
    resampling.sinusoids(t, cosineFirst, frequencyShift, maxPeriod, y);
  }

  // ---- optimization

  @Override
  public void sumOfSquares(List<Tensor> tensors, Tensor y) {
    optimizer.sumOfSquares(tensors, y);
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
