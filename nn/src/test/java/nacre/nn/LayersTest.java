package nacre.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Gradients;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.Cast;
import nacre.tensor.ops.Ops;
import nacre.tensor.spi.Unary;
import nacre.tensor.spi.Window;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every layer against PyTorch, diffusers and transformers: outputs and all gradients. */
class LayersTest {
  private static final Device CPU = Device.cpu();

  @BeforeEach
  void poison() {
    Memory.poisonNewTensors(true);
  }

  @AfterEach
  void nothingIsLeft() {
    Memory.poisonNewTensors(false);
    assertEquals(0, Memory.liveTensors());
  }

  /** Builds a layer of a bundle's configuration; the result runs it on the bundle's inputs. */
  interface Layer {
    Function<Map<String, Tensor>, Tensor> build(Parameters p, Bundle bundle);
  }

  record Case(String bundle, String output, Layer layer) {
    @Override
    public String toString() {
      return bundle;
    }
  }

  private static Case of(String bundle, Layer layer) {
    return new Case(bundle, "out", layer);
  }

  static Stream<Case> cases() {
    Layer linear =
        (p, b) -> {
          boolean bias = b.config().get("bias").asBoolean();
          Linear l = new Linear(p, b.integer("in_features"), b.integer("out_features"), bias);
          return x -> l.forward(x.get("x"));
        };
    Layer conv =
        (p, b) -> {
          int in = b.integer("in_channels");
          int kernel = b.integer("kernel_size");
          boolean bias = b.config().path("bias").asBoolean(true);
          Conv2d c =
              new Conv2d(
                  p,
                  in,
                  b.integer("out_channels"),
                  kernel,
                  Window.of(b.integer("stride"), b.integer("padding")),
                  Initializer.kaimingUniform(),
                  bias ? Initializer.zeros() : null);
          return x -> c.forward(x.get("x"));
        };
    Layer groupNorm =
        (p, b) -> {
          double eps = b.config().get("eps").asDouble();
          GroupNorm n = new GroupNorm(p, b.integer("num_groups"), b.integer("num_channels"), eps);
          return x -> n.forward(x.get("x"));
        };
    Layer layerNorm =
        (p, b) -> {
          int width = b.config().get("normalized_shape").get(0).asInt();
          LayerNorm n = new LayerNorm(p, width, b.config().get("eps").asDouble());
          return x -> n.forward(x.get("x"));
        };
    Layer attention =
        (p, b) -> {
          int width = b.integer("query_dim");
          int context = b.config().get("cross_attention_dim").asInt(width);
          boolean bias = b.config().path("bias").asBoolean(false);
          Attention a =
              new Attention(p, width, context, b.integer("heads"), b.integer("dim_head"), bias);
          return x ->
              x.containsKey("context")
                  ? a.forward(x.get("x"), x.get("context"))
                  : a.forward(x.get("x"));
        };
    Layer feedForward =
        (p, b) -> {
          FeedForward f = new FeedForward(p, b.integer("dim"));
          return x -> f.forward(x.get("x"));
        };
    Layer embedding =
        (p, b) -> {
          TimestepMlp t = new TimestepMlp(p, b.integer("in_channels"), b.integer("time_embed_dim"));
          return x -> t.forward(x.get("x"));
        };
    Layer vit =
        (p, b) -> {
          Vit v = new Vit(p, VitConfig.of(b.config()));
          return x -> v.forward(x.get("pixel_values"));
        };
    return Stream.of(
        of("linear", linear),
        of("linear-no-bias", linear),
        of("conv2d-1x1", conv),
        of("conv2d-3x3", conv),
        of("conv2d-3x3-stride2", conv),
        of("conv2d-patchify", conv),
        of("group-norm", groupNorm),
        of("layer-norm", layerNorm),
        of("self-attention", attention),
        of("cross-attention", attention),
        of("feed-forward", feedForward),
        of("timestep-embedding", embedding),
        new Case("vit", "last_hidden_state", vit),
        new Case("vit-no-qkv-bias", "last_hidden_state", vit));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void computesAndDifferentiatesAsPyTorch(Case c) throws IOException {
    try (Scope _ = Scope.open();
        Bundle bundle = Bundle.open(c.bundle, CPU)) {
      Parameters p = Parameters.create(CPU, DType.F32, 1);
      Function<Map<String, Tensor>, Tensor> layer = c.layer.build(p, bundle);
      bundle.loadWeights(p);
      Map<String, Tensor> inputs = bundle.inputs();
      long before = Memory.liveTensors();
      Map<String, Tensor> gradients = new LinkedHashMap<>();
      try (Scope _ = Scope.open();
          Tape tape = Tape.open()) {
        Tensor out = layer.apply(inputs);
        bundle.assertClose(Map.of("output." + c.output, out));
        Gradients found = tape.backward(Map.of(out, bundle.tensor("cotangent." + c.output)));
        p.all().forEach((name, w) -> gradients.put("grad.weight." + name, found.of(w)));
        inputs.forEach((name, x) -> gradients.put("grad.input." + name, found.of(x)));
        gradients.forEach((name, gradient) -> assertNotNull(gradient, name));
        bundle.assertClose(gradients);
      }
      assertEquals(before, Memory.liveTensors());
    }
  }

  @Test
  void computesWithoutATapeWhatItComputesWithOne() throws IOException {
    try (Scope _ = Scope.open();
        Bundle bundle = Bundle.open("vit", CPU)) {
      Parameters p = Parameters.unwritten(CPU, DType.F32);
      Vit vit = new Vit(p, VitConfig.of(bundle.config()));
      bundle.loadWeights(p);
      Tensor pixels = bundle.tensor("input.pixel_values");
      long before = Memory.liveTensors();
      Tensor out = vit.forward(pixels);
      assertEquals(before + 1, Memory.liveTensors());
      bundle.assertClose(Map.of("output.last_hidden_state", out));
      Tensor map = vit.features(pixels);
      assertEquals(Shape.of(2, 3, 3, 18), map.shape());
      assertEquals(out.toFloats()[18], map.toFloats()[0]);
      Tensor wide = Tensor.zeros(CPU, DType.F32, Shape.of(1, 12, 20, 3));
      assertEquals(
          Shape.of(1, 12 / vit.config().patchSize(), 20 / vit.config().patchSize(), 18),
          vit.features(wide).shape());
      for (Shape shape : List.of(Shape.of(1, 12, 1, 3), Shape.of(1, 12, 12, 4))) {
        Tensor x = Tensor.zeros(CPU, DType.F32, shape);
        assertThrows(IllegalArgumentException.class, () -> vit.forward(x));
      }
    }
  }

  @Test
  void computesInItsInputsPrecisionAndLearnsInItsOwn() throws IOException {
    try (Scope _ = Scope.open();
        Bundle bundle = Bundle.open("vit", CPU);
        Tape tape = Tape.open()) {
      Parameters p = Parameters.create(CPU, DType.F32, 1);
      Vit vit = new Vit(p, VitConfig.of(bundle.config()));
      bundle.loadWeights(p);
      Tensor exact = bundle.tensor("output.last_hidden_state");
      Tensor pixels = Cast.cast(bundle.tensor("input.pixel_values"), DType.BF16);
      Tensor out = vit.forward(pixels);
      assertEquals(DType.BF16, out.dtype());
      float[] rounded = out.toFloats();
      float[] wanted = exact.toFloats();
      double error = 0;
      double norm = 0;
      for (int i = 0; i < wanted.length; i++) {
        error += Math.pow(rounded[i] - wanted[i], 2);
        norm += Math.pow(wanted[i], 2);
      }
      assertTrue(error > 0 && Math.sqrt(error / norm) < 0.03, "error " + Math.sqrt(error / norm));
      Gradients gradients = tape.backward(Map.of(out, out.detach()));
      p.all().forEach((name, w) -> assertEquals(DType.F32, gradients.of(w).dtype(), name));
    }
  }

  /** The fused forms compute what their parts compute. */
  @Test
  void fusedFormsAreTheirParts() {
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.create(CPU, DType.F32, 3);
      float[] values = new float[2 * 3 * 3 * 4];
      for (int i = 0; i < values.length; i++) {
        values[i] = (i * 7 % 11 - 5) / 4f;
      }
      Tensor x = Tensor.of(CPU, Shape.of(2, 3, 3, 4), values);
      GroupNorm norm = new GroupNorm(p.at("norm"), 2, 4, 1e-5);
      assertArrayEquals(
          Ops.silu(norm.forward(x)).toFloats(), norm.forwardSilu(x).toFloats(), 1e-6f);
      Conv2d conv = new Conv2d(p.at("conv"), 4, 5, 3, 1, 1);
      Tensor enlarged = Ops.upsampleNearest(x, 2);
      assertArrayEquals(
          conv.forward(enlarged).toFloats(), conv.forwardUpsampled(x).toFloats(), 1e-5f);
      Conv2d unpadded = new Conv2d(p.at("unpadded"), 4, 5, 3, 1, 0);
      assertThrows(IllegalStateException.class, () -> unpadded.forwardUpsampled(x));
    }
  }

  /** One patch is the smallest image; anything smaller, or of other channels, is refused. */
  @Test
  void anImageHasAtLeastOnePatch() {
    try (Scope _ = Scope.open()) {
      VitConfig config = new VitConfig(6, 1, 2, 8, "gelu", 1e-6, 8, 4, 3, true);
      Vit vit = new Vit(Parameters.create(CPU, DType.F32, 3), config);
      assertEquals(
          Shape.of(1, 2, 6),
          vit.forward(Tensor.zeros(CPU, DType.F32, Shape.of(1, 4, 4, 3))).shape());
      for (Shape wrong :
          List.of(
              Shape.of(1, 3, 4, 3),
              Shape.of(1, 4, 3, 3),
              Shape.of(1, 4, 4, 1),
              Shape.of(4, 4, 3))) {
        Tensor pixels = Tensor.zeros(CPU, DType.F32, wrong);
        assertThrows(IllegalArgumentException.class, () -> vit.forward(pixels), wrong.toString());
      }
      for (int heads : List.of(0, -2)) {
        assertThrows(
            IllegalArgumentException.class,
            () -> new VitConfig(6, 1, heads, 8, "gelu", 1e-6, 8, 4, 3, true));
      }
      assertThrows(
          IllegalArgumentException.class,
          () -> new VitConfig(0, 1, 2, 8, "gelu", 1e-6, 8, 4, 3, true));
    }
  }

  @Test
  void looksUpVectors() {
    try (Scope _ = Scope.open()) {
      Embedding embedding = new Embedding(Parameters.create(CPU, DType.F32, 3), 4, 5);
      Tensor found = embedding.forward(Tensor.ofInts(CPU, Shape.of(2), 3, 0));
      float[] table = embedding.weight().toFloats();
      assertEquals(Shape.of(2, 5), found.shape());
      assertEquals(table[15], found.toFloats()[0]);
      assertEquals(table[4], found.toFloats()[9]);
    }
  }

  @Test
  void mlpNamesItsLayersAsClipDoes() {
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.create(CPU, DType.F32, 3);
      Mlp mlp = new Mlp(p.at("mlp"), 3, 5, 2, Unary.GELU_TANH);
      assertEquals(
          "[mlp.fc1.weight, mlp.fc1.bias, mlp.fc2.weight, mlp.fc2.bias]",
          p.all().keySet().toString());
      assertEquals(
          Shape.of(4, 2), mlp.forward(Tensor.zeros(CPU, DType.F32, Shape.of(4, 3))).shape());
    }
  }

  @Test
  void saysWhichNumbersDoNotGoTogether() {
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.create(CPU, DType.F32, 3);
      Exception e =
          assertThrows(IllegalArgumentException.class, () -> new GroupNorm(p, 3, 8, 1e-5));
      assertEquals("GroupNorm: channels 8 is no multiple of groups 3", e.getMessage());
      e =
          assertThrows(
              IllegalArgumentException.class,
              () -> new VitConfig(10, 1, 3, 8, "gelu", 1e-6, 8, 4, 3, true));
      assertTrue(e.getMessage().contains("hidden_size 10"), e.getMessage());
      e =
          assertThrows(
              IllegalArgumentException.class,
              () -> new VitConfig(9, 1, 3, 8, "gulp", 1e-6, 8, 4, 3, true));
      assertTrue(e.getMessage().contains("gulp"), e.getMessage());
    }
  }

  @Test
  void configurationsSurviveTheRoundTrip() {
    VitConfig config = new VitConfig(9, 1, 3, 8, "gelu_new", 1e-6, 8, 4, 3, false);
    assertEquals(config, VitConfig.of(config.toJson()));
  }
}
