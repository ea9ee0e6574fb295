package nacre.tensor.reference;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.AdamWConstants;
import nacre.tensor.spi.AdamWTensors;
import nacre.tensor.spi.AttentionGradients;
import nacre.tensor.spi.AttentionInputs;
import nacre.tensor.spi.Backend;
import nacre.tensor.spi.GroupNormInputs;
import nacre.tensor.spi.LayerNormInputs;
import nacre.tensor.spi.NormGradients;
import nacre.tensor.spi.NormStatistics;
import nacre.tensor.spi.Reduction;
import nacre.tensor.spi.Unary;
import nacre.tensor.spi.Window;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * The plain backend, by which the others are judged, against numbers that PyTorch computed in f64.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TorchValuesTest {
  private final Device device = Device.reference();
  private final Backend backend = device.backend();
  private final TorchValues torch = TorchValues.load();
  private Scope scope;

  @BeforeAll
  void poison() {
    Memory.poisonNewTensors(true);
  }

  @BeforeEach
  void open() {
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
    assertEquals(0, Memory.liveTensors());
  }

  @AfterAll
  void everythingWasCompared() {
    Memory.poisonNewTensors(false);
    assertEquals(Set.of(), torch.unused());
  }

  private Tensor high(double height, double phase, int... dims) {
    Shape shape = Shape.of(dims);
    float[] values = new float[(int) shape.elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (height * Math.sin(0.7 * i + phase));
    }
    return Tensor.of(device, shape, values);
  }

  private Tensor wave(double phase, int... dims) {
    return high(1, phase, dims);
  }

  private Tensor empty(int... dims) {
    return Tensor.empty(device, DType.F32, Shape.of(dims));
  }

  @Test
  void activations() {
    float[] positive = {0.0625f, 0.5f, 1, 2.25f, 4, 7.5f};
    float[] all = {-7.5f, -4, -2.25f, -1, -0.5f, -0.0625f, 0.0625f, 0.5f, 1, 2.25f, 4, 7.5f};
    for (Unary f : Unary.values()) {
      float[] points = f == Unary.SQRT || f == Unary.LOG ? positive : all;
      Tensor x = Tensor.of(device, Shape.of(points.length), points);
      Tensor y = x.like();
      backend.unary(f, x, y);
      torch.check("unary." + f, y);
      Tensor one = Tensor.full(device, DType.F32, x.shape(), 1);
      backend.unaryBackward(f, x, one, y);
      torch.check("unary." + f + ".dx", y);
    }
  }

  @Test
  void geglu() {
    Tensor x = high(3, 0.1, 3, 10);
    Tensor y = empty(3, 5);
    backend.geglu(x, y);
    torch.check("geglu", y);
    Tensor dx = x.like();
    backend.gegluBackward(x, wave(1.1, 3, 5), dx);
    torch.check("geglu.dx", dx);
  }

  @Test
  void convolution() {
    Window down = new Window(2, 0, 0, 1, 1);
    convolution("conv.down", new int[] {2, 5, 6, 3}, new int[] {4, 3, 3, 3}, down);
    Window uneven = new Window(1, 2, 0, 1, 3);
    convolution("conv.uneven", new int[] {1, 4, 5, 2}, new int[] {3, 2, 3, 2}, uneven);
  }

  private void convolution(String name, int[] input, int[] weight, Window window) {
    Tensor x = wave(0.2, input);
    Tensor w = wave(0.4, weight);
    Tensor bias = wave(0.6, weight[0]);
    int oh = window.outHeight(input[1], weight[1]);
    int ow = window.outWidth(input[2], weight[2]);
    int[] output = {input[0], oh, ow, weight[0]};
    Tensor y = empty(output);
    backend.conv2d(x, w, bias, wave(0.8, output), Unary.SILU, window, y);
    torch.check(name + ".silu", y);
    Tensor dy = wave(1.0, output);
    Tensor dx = x.like();
    Tensor dw = w.like();
    Tensor db = bias.like();
    backend.conv2dInputGradient(dy, w, window, dx);
    backend.conv2dWeightGradient(x, dy, window, dw, db);
    torch.check(name + ".dx", dx);
    torch.check(name + ".dw", dw);
    torch.check(name + ".db", db);
  }

  @Test
  void linear() {
    Tensor x = wave(0.3, 2, 3, 5);
    Tensor w = wave(0.5, 4, 5);
    Tensor bias = wave(0.7, 4);
    Tensor y = empty(2, 3, 4);
    backend.matmul(x, false, w, true, bias, Unary.GELU, y);
    torch.check("linear.gelu", y);
    Tensor dy = wave(0.9, 2, 3, 4);
    Tensor dx = x.like();
    Tensor dw = w.like();
    Tensor db = bias.like();
    backend.matmul(dy, false, w, false, null, null, dx);
    backend.linearWeightGradient(x, dy, dw, db);
    torch.check("linear.dx", dx);
    torch.check("linear.dw", dw);
    torch.check("linear.db", db);
    // The same weight gradient as a product with its first operand transposed.
    backend.matmul(dy.view(Shape.of(6, 4)), true, x.view(Shape.of(6, 5)), false, null, null, dw);
    torch.check("linear.dw", dw);
  }

  @Test
  void groupNorm() {
    groupNorm("groupNorm", false);
    groupNorm("groupNorm.silu", true);
  }

  private void groupNorm(String name, boolean silu) {
    Tensor x = wave(0.15, 2, 3, 2, 8);
    Tensor gamma = wave(0.35, 8);
    Tensor beta = wave(0.55, 8);
    Tensor y = x.like();
    Tensor mean = empty(2, 4);
    Tensor rstd = empty(2, 4);
    GroupNormInputs in = new GroupNormInputs(x, gamma, beta, 4, 1e-3, silu);
    NormStatistics statistics = new NormStatistics(mean, rstd);
    backend.groupNorm(in, y, statistics);
    torch.check(name, y);
    torch.check(name + ".mean", mean);
    torch.check(name + ".rstd", rstd);
    Tensor dx = x.like();
    Tensor dgamma = gamma.like();
    Tensor dbeta = beta.like();
    Tensor dy = wave(0.75, 2, 3, 2, 8);
    backend.groupNormBackward(in, statistics, dy, new NormGradients(dx, dgamma, dbeta));
    torch.check(name + ".dx", dx);
    torch.check(name + ".dgamma", dgamma);
    torch.check(name + ".dbeta", dbeta);
  }

  @Test
  void layerNorm() {
    Tensor x = wave(0.25, 5, 7);
    Tensor gamma = wave(0.45, 7);
    Tensor beta = wave(0.65, 7);
    Tensor y = x.like();
    Tensor mean = empty(5);
    Tensor rstd = empty(5);
    LayerNormInputs in = new LayerNormInputs(x, gamma, beta, 1e-3);
    NormStatistics statistics = new NormStatistics(mean, rstd);
    backend.layerNorm(in, y, statistics);
    torch.check("layerNorm", y);
    Tensor dx = x.like();
    Tensor dgamma = gamma.like();
    Tensor dbeta = beta.like();
    backend.layerNormBackward(
        in, statistics, wave(0.85, 5, 7), new NormGradients(dx, dgamma, dbeta));
    torch.check("layerNorm.dx", dx);
    torch.check("layerNorm.dgamma", dgamma);
    torch.check("layerNorm.dbeta", dbeta);
  }

  @Test
  void attention() {
    attention("attention", false);
    attention("attention.causal", true);
  }

  private void attention(String name, boolean causal) {
    Tensor q = wave(0.12, 2, 4, 2, 3);
    Tensor k = wave(0.32, 2, 5, 2, 3);
    Tensor v = wave(0.52, 2, 5, 2, 3);
    Tensor y = q.like();
    Tensor state = q.like(backend.attentionState(q.shape(), k.shape()));
    AttentionInputs in = new AttentionInputs(q, k, v, 0.9, causal);
    backend.attention(in, y, state);
    torch.check(name, y);
    Tensor without = q.like();
    backend.attention(in, without, null);
    torch.check(name, without);
    Tensor dq = q.like();
    Tensor dk = k.like();
    Tensor dv = v.like();
    Tensor dy = wave(0.72, 2, 4, 2, 3);
    backend.attentionBackward(in, y, dy, state, new AttentionGradients(dq, dk, dv));
    torch.check(name + ".dq", dq);
    torch.check(name + ".dk", dk);
    torch.check(name + ".dv", dv);
  }

  @Test
  void softmax() {
    Tensor x = high(3, 0.22, 4, 6);
    Tensor y = x.like();
    backend.softmax(x, y);
    torch.check("softmax", y);
    Tensor dx = x.like();
    backend.softmaxBackward(y, wave(0.42, 4, 6), dx);
    torch.check("softmax.dx", dx);
  }

  @Test
  void meanSquaredError() {
    Tensor a = wave(0.13, 3, 7);
    Tensor b = wave(0.33, 3, 7);
    Tensor y = empty();
    backend.meanSquaredError(a, b, y);
    torch.check("mse", y);
    Tensor da = a.like();
    backend.meanSquaredErrorBackward(a, b, Tensor.of(device, Shape.of(), 0.7f), da);
    torch.check("mse.da", da);
  }

  @Test
  void resize() {
    resize("resize.shrink", 4, 3);
    resize("resize.grow", 12, 10);
    resize("resize.mixed", 4, 10);
  }

  private void resize(String name, int height, int width) {
    Tensor x = wave(0.14, 2, 9, 7, 2);
    Tensor boxes = Tensor.of(device, Shape.of(2, 1, 4), 0, 0, 1, 1, 0, 0, 1, 1);
    Tensor y = empty(2, 1, height, width, 2);
    backend.cropResize(x, boxes, y);
    torch.check(name, y);
    Tensor dx = x.like();
    backend.cropResizeBackward(wave(0.34, 2, 1, height, width, 2), boxes, dx);
    torch.check(name + ".dx", dx);
  }

  @Test
  void pool() {
    pool("pool.even", Shape.of(2, 4, 6, 3), 2, Window.of(2, 0));
    pool("pool.around", Shape.of(1, 5, 4, 2), 3, Window.of(1, 1));
    pool("pool.behind", Shape.of(1, 6, 4, 2), 3, new Window(2, 0, 0, 1, 1));
  }

  private void pool(String name, Shape image, int kernel, Window window) {
    Tensor x = wave(0.17, image.toArray());
    int oh = window.outHeight(image.dim(1), kernel);
    int ow = window.outWidth(image.dim(2), kernel);
    for (Reduction r : List.of(Reduction.MAX, Reduction.MEAN)) {
      String which = name + "." + r.name().toLowerCase(Locale.ROOT);
      Tensor y = empty(image.dim(0), oh, ow, image.dim(3));
      backend.pool(r, x, kernel, window, y);
      torch.check(which, y);
      Tensor dx = x.like();
      Tensor dy = wave(0.37, image.dim(0), oh, ow, image.dim(3));
      backend.poolBackward(r, x, kernel, window, dy, dx);
      torch.check(which + ".dx", dx);
    }
  }

  @Test
  void crop() {
    Tensor x = wave(0.24, 1, 9, 7, 2);
    float[][] list = {
      {0, 0, 1, 1},
      {0.125f, 0.25f, 0.75f, 0.875f},
      {-0.375f, 0.5f, 0.625f, 1.375f},
      {-0.5f, -0.25f, 1.5f, 1.25f},
      {0.4375f, 0.5625f, 0.46875f, 0.59375f},
      {0, 0, 0, 0},
      {0.75f, 0.625f, 0.25f, 0.375f},
      {1.75f, 0.25f, 2.25f, 0.5f},
    };
    Tensor boxes = empty(1, list.length, 4);
    float[] flat = new float[list.length * 4];
    for (int i = 0; i < flat.length; i++) {
      flat[i] = list[i / 4][i % 4];
    }
    boxes.copyFrom(flat);
    Tensor y = empty(1, list.length, 2, 3, 2);
    backend.cropResize(x, boxes, y);
    torch.check("crop", y);
    Tensor dx = x.like();
    backend.cropResizeBackward(wave(0.44, 1, list.length, 2, 3, 2), boxes, dx);
    torch.check("crop.dx", dx);
  }

  @Test
  void timesteps() {
    Tensor t = Tensor.of(device, Shape.of(4), 0, 1, 17.5f, 999);
    for (int dim = 8; dim <= 9; dim++) {
      for (int shift = 0; shift <= 1; shift++) {
        Tensor y = empty(4, dim);
        backend.sinusoids(t, false, shift, 10000, y);
        torch.check("timesteps." + dim + "." + shift + ".sine", y);
        backend.sinusoids(t, true, shift, 10000, y);
        torch.check("timesteps." + dim + "." + shift + ".cosine", y);
      }
    }
  }

  @Test
  void adamW() {
    adamW("adamw", Double.POSITIVE_INFINITY);
    adamW("adamw.clipped", 1.5);
  }

  private void adamW(String name, double maxNorm) {
    List<Tensor> p = List.of(wave(0.16, 5), wave(0.36, 2, 3));
    List<Tensor> m = p.stream().map(t -> Tensor.zeros(device, DType.F32, t.shape())).toList();
    List<Tensor> v = p.stream().map(t -> Tensor.zeros(device, DType.F32, t.shape())).toList();
    List<Tensor> counts = p.stream().map(_ -> Tensor.ofInts(device, Shape.of(), 0)).toList();
    AdamWConstants constants = new AdamWConstants(0.8, 0.95, 1e-6, 0.1, maxNorm, 1, 0);
    Tensor rate = Tensor.of(device, Shape.of(), 0.05f);
    Tensor norm = empty();
    for (int step = 1; step <= 3; step++) {
      List<Tensor> g = List.of(wave(step - 0.5, 5), wave(step - 0.25, 2, 3));
      backend.sumOfSquares(g, norm);
      AdamWTensors tensors = new AdamWTensors(p, g, m, v, counts);
      backend.adamW(tensors, maxNorm < 10 ? norm : null, rate, constants);
    }
    torch.check(name + ".0", p.get(0));
    torch.check(name + ".1", p.get(1));
  }
}
