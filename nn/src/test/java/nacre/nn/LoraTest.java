package nacre.nn;

import static nacre.tensor.ops.Ops.*;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Gradients;
import nacre.tensor.Memory;
import nacre.tensor.Recompute;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Unary;
import nacre.tensor.spi.Window;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Adapters beside weights compute what the merged weights do, on every path of every layer. */
class LoraTest {
  private static final String ANY = "*";
  private static final long SEED = 7;

  @BeforeEach
  void poison() {
    Memory.poisonNewTensors(true);
  }

  @AfterEach
  void nothingIsLeft() {
    Memory.poisonNewTensors(false);
    assertEquals(0, Memory.liveTensors());
  }

  /** A layer's use: inputs by their shapes, and what is computed of them. */
  record Use(String name, List<Shape> inputs, Function<Parameters, Function<Tensor[], Tensor>> of) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static Use use(
      String name, Function<Parameters, Function<Tensor[], Tensor>> of, Shape... inputs) {
    return new Use(name, List.of(inputs), of);
  }

  static Stream<Use> uses() {
    Shape rows = Shape.of(2, 3, 5);
    Shape tokens = Shape.of(2, 5, 8);
    Shape image = Shape.of(2, 6, 5, 3);
    return Stream.of(
        use("linear", p -> linear(p, l -> in -> l.forward(in[0])), rows),
        use("linear, activation", p -> linear(p, l -> in -> l.forward(in[0], Unary.GELU)), rows),
        use(
            "linear, residual",
            p -> linear(p, l -> in -> l.forwardAdd(in[0], in[1])),
            rows,
            Shape.of(2, 3, 6)),
        use("linear, GEGLU", p -> linear(p, l -> in -> l.forwardGeglu(in[0])), rows),
        use("linear of a row", p -> linear(p, l -> in -> l.forward(in[0])), Shape.of(5)),
        use("convolution", p -> conv(p, 3, Window.of(1, 1), c -> in -> c.forward(in[0])), image),
        use(
            "convolution, residual",
            p -> conv(p, 3, Window.of(1, 1), c -> in -> c.forward(in[0], in[1])),
            image,
            Shape.of(2, 6, 5, 4)),
        use(
            "convolution, residual of a pixel",
            p -> conv(p, 3, Window.of(1, 1), c -> in -> c.forward(in[0], in[1])),
            image,
            Shape.of(2, 1, 1, 4)),
        use(
            "convolution, stride",
            p -> conv(p, 3, new Window(2, 0, 0, 1, 1), c -> in -> c.forward(in[0])),
            image),
        use(
            "convolution of a pixel",
            p -> conv(p, 1, Window.of(1, 0), c -> in -> c.forward(in[0])),
            image),
        use(
            "convolution, upsampled",
            p -> conv(p, 3, Window.of(1, 1), c -> in -> c.forwardUpsampled(in[0])),
            image),
        use(
            "cross-attention",
            p -> {
              Attention a = new Attention(p, 8, 6, 2, 4);
              return in -> a.forward(in[0], in[1], in[2]);
            },
            tokens,
            Shape.of(2, 4, 6),
            tokens),
        use(
            "feed-forward",
            p -> {
              FeedForward f = new FeedForward(p, 8);
              return in -> f.forward(in[0], in[1]);
            },
            tokens,
            tokens),
        use(
            "MLP",
            p -> {
              Mlp m = new Mlp(p, 8, 12, 4, Unary.GELU_TANH);
              return in -> m.forward(in[0]);
            },
            tokens),
        use(
            "time embedding",
            p -> {
              TimestepMlp m = new TimestepMlp(p, 8, 12, 5);
              return in -> m.forward(in[0], in[1]);
            },
            Shape.of(2, 8),
            Shape.of(2, 5)));
  }

  private static Function<Tensor[], Tensor> linear(
      Parameters p, Function<Linear, Function<Tensor[], Tensor>> use) {
    return use.apply(new Linear(p.at("layer"), 5, 6));
  }

  private static Function<Tensor[], Tensor> conv(
      Parameters p, int kernel, Window window, Function<Conv2d, Function<Tensor[], Tensor>> use) {
    return use.apply(new Conv2d(p.at("layer"), 3, 4, kernel, window));
  }

  @ParameterizedTest
  @MethodSource("uses")
  void besideTheWeightIsAsMerged(Use use) {
    for (Device device : List.of(Device.cpu(), Device.of("reference"))) {
      compare(use, device, DType.F32, Tape::open, 2e-5);
      compare(use, device, DType.F32, Tape::openRecomputing, 2e-5);
    }
    compare(use, Device.cpu(), DType.BF16, Tape::open, 3e-2);
  }

  private static void compare(
      Use use, Device device, DType compute, Supplier<Tape> tapes, double tolerance) {
    try (Scope _ = Scope.open()) {
      Parameters p = adapted(use, device);
      int at = 0;
      Tensor[] in = new Tensor[use.inputs.size()];
      for (Shape shape : use.inputs) {
        in[at] = normal(device, shape, SEED, 100 + at).track();
        at++;
      }
      Map<String, Tensor> leaves = new LinkedHashMap<>(p.adapters());
      for (int i = 0; i < in.length; i++) {
        leaves.put("input " + i, in[i]);
      }
      Map<String, float[]> beside =
          run(tapes, leaves, () -> block(use.of.apply(over(p)), in(compute, in)));
      Map<String, float[]> merged =
          run(
              Tape::open,
              leaves,
              () -> use.of.apply(Parameters.over(merge(p))).apply(in(DType.F32, in)));
      assertEquals(merged.keySet(), beside.keySet());
      merged.forEach((key, wanted) -> assertNear(key, wanted, beside.get(key), tolerance));
      float[] recorded = beside.get("output");
      Tensor free = use.of.apply(over(p)).apply(in(compute, in));
      assertNear("output without a tape", recorded, cast(free, DType.F32).toFloats(), tolerance);
    }
  }

  /** As layers are computed that mark their blocks for gradient checkpointing. */
  private static Tensor block(Function<Tensor[], Tensor> layer, Tensor... in) {
    return Recompute.block(inputs -> layer.apply(inputs.toArray(Tensor[]::new)), in);
  }

  /** Parameters of a use's layers with adapters at random beside all of them. */
  private static Parameters adapted(Use use, Device device) {
    Parameters p =
        Parameters.create(device, DType.F32, SEED).adapted(new LoraConfig(2, 3, List.of(ANY)));
    use.of.apply(p);
    p.requireTargets();
    int stream = 0;
    for (Tensor factor : p.adapters().values()) {
      factor.backend().normal(SEED, stream++, factor);
    }
    return p;
  }

  /** The same tensors for another building of the layers. */
  private static Parameters over(Parameters p) {
    return Parameters.over(p.all()).adapted(new LoraConfig(2, 3, List.of(ANY)));
  }

  private static Tensor[] in(DType compute, Tensor... in) {
    return Stream.of(in).map(x -> cast(x, compute)).toArray(Tensor[]::new);
  }

  /** Weights with the changes of the adapters in them, so that gradients reach A and B. */
  private static Map<String, Tensor> merge(Parameters p) {
    Map<String, Tensor> merged = new LinkedHashMap<>(p.base());
    merged.replaceAll(
        (name, weight) -> {
          String layer = name.substring(0, name.lastIndexOf('.'));
          Tensor a = p.all().get(layer + ".lora_A.weight");
          if (a == null || !name.endsWith(".weight")) {
            return weight;
          }
          Tensor b = p.all().get(layer + ".lora_B.weight");
          Tensor product = matmul(reshape(b, b.dim(0), 2), reshape(a, 2, -1));
          return add(weight, affine(reshape(product, weight.shape().toArray()), 1.5, 0));
        });
    return merged;
  }

  /** The output, and the gradients of leaves from a loss in which every number counts. */
  private static Map<String, float[]> run(
      Supplier<Tape> tapes, Map<String, Tensor> leaves, Supplier<Tensor> work) {
    Map<String, float[]> numbers = new LinkedHashMap<>();
    try (Scope _ = Scope.open();
        Tape tape = tapes.get()) {
      Tensor y = cast(work.get(), DType.F32);
      numbers.put("output", y.toFloats());
      Tensor factors = normal(y.device(), y.shape(), SEED, 1000);
      Gradients gradients = tape.backward(Map.of(y, factors));
      leaves.forEach((name, leaf) -> numbers.put(name, gradients.of(leaf).toFloats()));
    }
    return numbers;
  }

  private static void assertNear(String name, float[] wanted, float[] got, double tolerance) {
    assertEquals(wanted.length, got.length, name);
    double error = 0;
    double norm = 0;
    for (int i = 0; i < wanted.length; i++) {
      error += Math.pow(wanted[i] - got[i], 2);
      norm += Math.pow(wanted[i], 2);
    }
    assertTrue(norm > 0, name);
    assertTrue(Math.sqrt(error / norm) <= tolerance, name + ": " + Math.sqrt(error / norm));
  }

  @Test
  void theBaseIsFrozenAndAdaptersBeginWithNoChange() {
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.create(Device.cpu(), DType.F32, SEED);
      Parameters unet = p.at("unet").storedIn(DType.BF16).adapted(LoraConfig.ofRank(3));
      Attention attention = new Attention(unet.at("attn1"), 8, 8, 2, 4);
      new Linear(unet.at("proj_in"), 8, 8);
      new Linear(p.at("neck"), 8, 8);
      unet.requireTargets();
      assertEquals(
          Set.of(
              "unet.attn1.to_q.lora_A.weight",
              "unet.attn1.to_q.lora_B.weight",
              "unet.attn1.to_k.lora_A.weight",
              "unet.attn1.to_k.lora_B.weight",
              "unet.attn1.to_v.lora_A.weight",
              "unet.attn1.to_v.lora_B.weight",
              "unet.attn1.to_out.0.lora_A.weight",
              "unet.attn1.to_out.0.lora_B.weight",
              "neck.weight",
              "neck.bias"),
          p.trainable().keySet());
      assertEquals(8, unet.adapters().size());
      assertEquals(
          Set.of(
              "attn1.to_q.weight",
              "attn1.to_k.weight",
              "attn1.to_v.weight",
              "attn1.to_out.0.weight",
              "attn1.to_out.0.bias",
              "proj_in.weight",
              "proj_in.bias"),
          unet.base().keySet());
      unet.base().values().forEach(each -> assertEquals(DType.BF16, each.dtype()));
      p.trainable().values().forEach(each -> assertEquals(DType.F32, each.dtype()));
      Tensor a = p.all().get("unet.attn1.to_q.lora_A.weight");
      assertEquals(Shape.of(3, 8), a.shape());
      for (float value : a.toFloats()) {
        assertTrue(value != 0 && Math.abs(value) <= 1 / Math.sqrt(8), "A: " + value);
      }
      assertArrayEquals(new float[24], p.all().get("unet.attn1.to_q.lora_B.weight").toFloats());
      Tensor x = normal(Device.cpu(), Shape.of(1, 3, 8), SEED, 1);
      Attention plain = new Attention(Parameters.over(unet.base()).at("attn1"), 8, 8, 2, 4);
      assertArrayEquals(plain.forward(x).toFloats(), attention.forward(x).toFloats());
    }
  }

  @Test
  void adaptersOfUnwrittenParametersAreWritten() {
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.unwritten(Device.cpu(), DType.BF16).adapted(LoraConfig.ofRank(2));
      new Linear(p.at("to_q"), 5, 6);
      Parameters other =
          Parameters.create(Device.cpu(), DType.F32, 0).adapted(LoraConfig.ofRank(2));
      new Linear(other.at("to_q"), 5, 6);
      p.adapters()
          .forEach(
              (name, factor) ->
                  assertArrayEquals(
                      other.adapters().get(name).toFloats(), factor.toFloats(), name));
      assertEquals(2, p.adapters().size());
    }
  }

  @Test
  void adaptersOfAFrozenPlaceAreFrozen() {
    try (Scope _ = Scope.open()) {
      LoraConfig config = new LoraConfig(2, 2, List.of("to_q"));
      Parameters before = Parameters.create(Device.cpu(), DType.BF16, 1).frozen().adapted(config);
      Parameters after = Parameters.create(Device.cpu(), DType.BF16, 1).adapted(config).frozen();
      for (Parameters p : List.of(before, after)) {
        new Linear(p.at("to_q"), 5, 6);
        assertEquals(4, p.all().size());
        assertEquals(Map.of(), p.trainable());
        p.all().values().forEach(each -> assertEquals(DType.BF16, each.dtype()));
        p.requireTargets();
      }
    }
  }

  @Test
  void someAdaptersOfAPlaceAreFrozen() {
    try (Scope _ = Scope.open()) {
      LoraConfig config = new LoraConfig(2, 2, List.of("first.to_q", "second.to_q"));
      Parameters p = Parameters.create(Device.cpu(), DType.F32, 1).adapted(config);
      Parameters some = p.frozen(name -> name.startsWith("first."));
      new Linear(some.at("first").at("to_q"), 5, 6);
      new Linear(some.at("second").at("to_q"), 5, 6);
      assertEquals(
          Set.of("second.to_q.lora_A.weight", "second.to_q.lora_B.weight"), p.trainable().keySet());
      p.requireTargets(); // what the narrower place has built counts
    }
  }

  /** 0.5 (alpha / rank of 1 and 2) · B A with A of ones and B of threes is 3 everywhere. */
  @Test
  void adaptersAreMergedOnce() {
    try (Scope _ = Scope.open()) {
      LoraConfig config = new LoraConfig(2, 1, List.of("to_q"));
      Parameters p = Parameters.create(Device.cpu(), DType.F32, 1).adapted(config);
      new Linear(p.at("to_q"), 2, 2);
      p.adapters()
          .forEach(
              (name, factor) ->
                  factor.copyFrom(
                      name.contains("lora_A")
                          ? new float[] {1, 1, 1, 1}
                          : new float[] {3, 3, 3, 3}));
      Tensor weight = p.all().get("to_q.weight");
      float[] wanted = weight.toFloats();
      for (int i = 0; i < wanted.length; i++) {
        wanted[i] += 3;
      }
      for (int time = 0; time < 2; time++) {
        Parameters merged = p.merged(config);
        assertArrayEquals(wanted, weight.toFloats(), 1e-6f);
        new Linear(merged.at("to_q"), 2, 2);
        assertArrayEquals(wanted, merged.all().get("to_q.weight").toFloats(), 1e-6f);
        assertEquals(Map.of(), p.adapters());
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "to_q, a.to_q, true",
    "to_q, to_q, true",
    "to_q, a.into_q, false",
    "to_q, a.to_q.b, false",
    "attn1.to_q, x.attn1.to_q, true",
    "attn1.to_q, x.attn2.to_q, false",
    "to_*, a.to_out.0, true",
    "down_blocks.*.conv1, down_blocks.0.resnets.1.conv1, true",
    "down_blocks.*.conv1, up_blocks.0.resnets.1.conv1, false",
    "a*b*c, x.a1b2c, true",
    "a*b*c, x.a1c2b, false",
    "ab*ba, aba, false",
    "*, anything.at.all, true",
  })
  void targetsAreNamesFromADotOn(String target, String layer, boolean named) {
    assertEquals(named, LoraConfig.names(target, layer));
  }

  @Test
  void targetsOfNoLayerAreRefused() {
    try (Scope _ = Scope.open()) {
      LoraConfig config = new LoraConfig(2, 2, List.of("to_q", "to_kv", "norm"));
      Parameters p = Parameters.create(Device.cpu(), DType.F32, 1).adapted(config);
      new Attention(p.at("attn1"), 8, 8, 2, 4);
      new LayerNorm(p.at("norm"), 8);
      assertEquals(
          "lora.targets: no linear layer or convolution is named to_kv, norm; there are"
              + " attn*.to_q, attn*.to_k, attn*.to_v, attn*.to_out.*",
          assertThrows(IllegalArgumentException.class, p::requireTargets).getMessage());
      Parameters.create(Device.cpu(), DType.F32, 1).requireTargets();
    }
  }

  @Test
  void settingsAreChecked() {
    refused("lora.rank must be a whole number from 1 to 16384, not 0", 0, 1, "to_q");
    refused("lora.alpha must be a number from 0.001 to 1000000, not NaN", 4, Double.NaN, "to_q");
    refused("lora.targets must name at least one layer, none empty", 4, 4);
    refused("lora.targets must name at least one layer, none empty", 4, 4, "to_q", " ");
  }

  private static void refused(String message, int rank, double alpha, String... targets) {
    assertEquals(
        message,
        assertThrows(
                IllegalArgumentException.class, () -> new LoraConfig(rank, alpha, List.of(targets)))
            .getMessage());
  }
}
