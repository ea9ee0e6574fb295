package nacre.evaluation.threedit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import nacre.nn.AdamW;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Gradients;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.Ops;
import nacre.weights.Layout;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** 3DIT against PyTorch, diffusers and transformers at tiny sizes: {@code export_3dit.py}. */
class ThreeDitTest {
  private static final Path CHECKPOINT = ThreeDitCase.path("checkpoint.ckpt");

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  private static Parameters parameters() {
    return Parameters.create(Device.cpu(), DType.F32, 3);
  }

  private static ThreeDit loaded(Parameters p) throws WeightsException {
    ThreeDit model = new ThreeDit(p, ThreeDitCase.config());
    new ThreeDitFile(CHECKPOINT).load(p, model.config());
    return model;
  }

  private static ThreeDitObjective.Inputs inputs(
      ThreeDitCase x, ThreeDit model, ThreeDitObjective objective) throws WeightsException {
    Tensor sources = x.tensor("input.source");
    return new ThreeDitObjective.Inputs(
        model.tokens(x.ids(), sources),
        model.source(sources),
        x.tensor("input.T"),
        model.vae().encode(x.tensor("input.target")).moments(),
        x.tensor("input.latent_noise"),
        x.tensor("input.drawn"),
        objective.timesteps(x.timesteps()),
        x.tensor("input.noise"));
  }

  @Test
  void tokensAndContextAreThose() throws WeightsException {
    try (Scope _ = Scope.open();
        ThreeDitCase x = new ThreeDitCase()) {
      ThreeDit model = loaded(parameters());
      assertEquals(8, model.config().tokens());
      Tensor sources = x.tensor("input.source");
      x.assertNear("output.image_pixels", model.imagePixels(sources), 0);
      Tensor tokens = model.tokens(x.ids(), sources);
      x.assertNear("output.tokens", tokens, 0);
      x.assertNear("output.context", model.context(tokens, x.tensor("input.T")), 0);
      x.assertNear("output.concat", model.source(sources), 0);
    }
  }

  @Test
  void lossGradientsAndStepAreThose() throws WeightsException {
    try (Scope _ = Scope.open();
        ThreeDitCase x = new ThreeDitCase()) {
      Parameters p = parameters();
      ThreeDit model = loaded(p);
      ThreeDitObjective objective = new ThreeDitObjective(model, new ConditionDropout(0.05));
      ThreeDitObjective.Inputs in = inputs(x, model, objective);
      AdamW.Config config = new AdamW.Config(0.9, 0.999, 1e-4, 0.01, Double.POSITIVE_INFINITY);
      AdamW optimizer =
          new AdamW(p.trainable(), config, List.of(ThreeDitTrainer.projectionGroup(10, config)));
      try (Tape tape = Tape.open()) {
        Tensor loss = objective.loss(in);
        x.assertNear("output.loss", loss, 0);
        Gradients gradients = tape.backward(loss);
        double largest = 0;
        for (String name : p.trainable().keySet()) {
          largest = Math.max(largest, norm(x.tensor("grad." + name).toFloats()));
        }
        for (Map.Entry<String, Tensor> each : p.trainable().entrySet()) {
          String name = "grad." + each.getKey();
          x.assertNear(name, gradients.of(each.getValue()), largest / 1000);
        }
        optimizer.step(gradients, 1e-3);
      }
      int compared = 0;
      for (Map.Entry<String, Tensor> each : p.trainable().entrySet()) {
        if (x.has("updated." + each.getKey())) {
          x.assertNear("updated." + each.getKey(), each.getValue(), 0);
          compared++;
        }
      }
      assertTrue(compared > 100, compared + " updated parameters");
      assertTrue(p.trainable().containsKey("cc_projection.bias"));
      assertFalse(p.trainable().keySet().stream().anyMatch(n -> n.startsWith("vae.")));
    }
  }

  private static double norm(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += (double) value * value;
    }
    return Math.sqrt(sum);
  }

  /** Each of the four pictures drops something else. */
  @Test
  void dropoutHasThreeWays() {
    try (Scope _ = Scope.open()) {
      Tensor drawn =
          Tensor.of(Device.cpu(), Shape.of(7), 0, 0.049f, 0.051f, 0.099f, 0.101f, 0.149f, 0.151f);
      Tensor ones = Tensor.full(Device.cpu(), DType.F32, Shape.of(7, 1, 1), 1);
      Tensor squares = Tensor.full(Device.cpu(), DType.F32, Shape.of(7, 1, 1, 1), 1);
      ConditionDropout dropout = new ConditionDropout(0.05);
      float[] tokens = {0, 0, 0, 0, 1, 1, 1};
      float[] source = {1, 1, 0, 0, 0, 0, 1};
      assertArrayEquals(tokens, dropout.tokens(ones, drawn).toFloats());
      assertArrayEquals(source, dropout.source(squares, drawn).toFloats());
    }
  }

  @Test
  void drawingsAreThose() throws WeightsException {
    try (Scope _ = Scope.open();
        ThreeDitCase x = new ThreeDitCase()) {
      ThreeDit model = loaded(parameters());
      Tensor sources = x.tensor("input.source");
      Tensor context = model.context(model.tokens(x.ids(), sources), x.tensor("input.T"));
      for (double guidance : new double[] {1, 3}) {
        Tensor drawn =
            new ThreeDitSampler(model, 4, guidance, 1)
                .sample(
                    context,
                    model.source(sources),
                    x.tensor("input.noise"),
                    i -> assertDoesNotThrow(() -> x.step(i)),
                    _ -> {});
        float[] expected =
            x.tensor("sampled." + (guidance == 1 ? "unguided" : "guided")).toFloats();
        assertArrayEquals(expected, drawn.toFloats(), 1e-3f);
        assertTrue(norm(expected) / Math.sqrt(expected.length) > 0.05, "the picture is all gray");
      }
    }
  }

  /** What is written, averages or not, is what is read. */
  @Test
  void foldersAreReadAgain(@TempDir Path folder) throws Exception {
    try (Scope _ = Scope.open()) {
      Parameters written = parameters();
      ThreeDit model = loaded(written);
      ThreeDitFolder.save(folder, written.all(), model.config());
      assertEquals(model.config(), ThreeDitFolder.config(folder));
      Parameters read = Parameters.create(Device.cpu(), DType.F32, 4);
      new ThreeDit(read, ThreeDitFolder.config(folder));
      ThreeDitFolder.load(folder, read, model.config());
      assertSame(written, read);
    }
  }

  private static void assertSame(Parameters expected, Parameters actual) {
    assertEquals(expected.all().keySet(), actual.all().keySet());
    expected
        .all()
        .forEach(
            (name, tensor) ->
                assertArrayEquals(tensor.toFloats(), actual.all().get(name).toFloats(), name));
  }

  /** The names of averages are the others' without dots; files may be wrapped. */
  @Test
  void averagesAndWrappedFilesAreRead(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("3dit.safetensors");
    try (Scope _ = Scope.open();
        StateDict dict = StateDict.open(CHECKPOINT)) {
      Map<String, Tensor> all = new HashMap<>();
      for (var entry : dict.entries().entrySet()) {
        Tensor tensor =
            entry
                .getValue()
                .toTensor(Device.cpu(), DType.F32, Layout.ofParameter(entry.getValue().shape()));
        all.put("state_dict." + entry.getKey(), tensor);
        if (entry.getKey().startsWith("model.diffusion_model.")) {
          String name = entry.getKey().substring("model.".length()).replace(".", "");
          all.put("state_dict.model_ema." + name, Ops.scale(tensor, 0.5));
        }
      }
      new SafeTensorsWriter().addParameters(all).write(file);
      Parameters plain = parameters();
      ThreeDit model = new ThreeDit(plain, ThreeDitCase.config());
      new ThreeDitFile(file).load(plain, model.config());
      Parameters direct = parameters();
      loaded(direct);
      assertSame(direct, plain);
      new ThreeDitFile(file, true).load(plain, model.config());
      for (Map.Entry<String, Tensor> each : direct.all().entrySet()) {
        float[] expected = each.getValue().toFloats();
        for (int i = 0; each.getKey().startsWith("unet.") && i < expected.length; i++) {
          expected[i] *= 0.5f;
        }
        assertArrayEquals(expected, plain.all().get(each.getKey()).toFloats(), each.getKey());
      }
      WeightsException none =
          assertThrows(
              WeightsException.class,
              () -> new ThreeDitFile(CHECKPOINT, true).load(plain, model.config()));
      assertTrue(none.getMessage().contains("model_ema."), none.getMessage());
    }
  }

  /** From Stable Diffusion: zeros for the source's latent, and the identity for tokens. */
  @Test
  void aModelBeginsWithStableDiffusion(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("sd.safetensors");
    try (Scope _ = Scope.open();
        StateDict dict = StateDict.open(CHECKPOINT)) {
      Map<String, Tensor> all = new HashMap<>();
      for (var entry : dict.entries().entrySet()) {
        String name = entry.getKey();
        if (name.startsWith("model.") || name.startsWith("first_stage_model.")) {
          Tensor tensor =
              entry
                  .getValue()
                  .toTensor(Device.cpu(), DType.F32, Layout.ofParameter(entry.getValue().shape()));
          boolean first = name.equals("model.diffusion_model.input_blocks.0.0.weight");
          all.put(name, first ? Ops.slice(tensor, 3, 0, 4) : tensor);
        }
      }
      new SafeTensorsWriter().addParameters(all).write(file);
      Parameters begun = parameters();
      ThreeDit model = new ThreeDit(begun, ThreeDitCase.config());
      new ThreeDitFile(file).begin(begun, model.config());
      Parameters direct = parameters();
      loaded(direct);
      float[] narrow = direct.all().get("unet.conv_in.weight").toFloats();
      float[] wide = begun.all().get("unet.conv_in.weight").toFloats();
      for (int i = 0; i < wide.length; i++) {
        assertEquals(i % 8 < 4 ? narrow[i] : 0, wide[i], "channel " + i % 8);
      }
      assertArrayEquals(
          direct.all().get("unet.conv_out.weight").toFloats(),
          begun.all().get("unet.conv_out.weight").toFloats());
      float[] projection = begun.all().get("cc_projection.weight").toFloats();
      for (int i = 0; i < projection.length; i++) {
        int column = i % 16;
        assertTrue(
            column < 12
                ? projection[i] == (column == i / 16 ? 1 : 0)
                : projection[i] != 0 && Math.abs(projection[i]) <= 0.25, // 1 / √16
            "weight " + i);
      }
      assertArrayEquals(new float[12], begun.all().get("cc_projection.bias").toFloats());
    }
  }

  @Test
  void otherFilesAreRefused() throws WeightsException {
    try (Scope _ = Scope.open()) {
      Parameters p = parameters();
      ThreeDit model = new ThreeDit(p, ThreeDitCase.config());
      WeightsException refused =
          assertThrows(
              WeightsException.class,
              () ->
                  new ThreeDitFile(ThreeDitCase.path("case.safetensors")).load(p, model.config()));
      assertTrue(refused.getMessage().contains("no checkpoint of 3DIT"), refused.getMessage());
    }
  }

  /** The published sizes: 859.5 million in the UNet of 8 channels, 772 · 768 + 768 in the layer. */
  @Test
  void publishedSizesAreThose() {
    ThreeDitConfig config = ThreeDitConfig.published();
    assertEquals(78, config.tokens());
    assertEquals(1, ThreeDitConfig.zero123().tokens());
    assertEquals(256, config.imageSize());
    assertEquals(32, config.latentSide());
    assertEquals(List.of(8, 8, 8, 8), config.unet().heads());
    assertEquals(8, config.unet().inChannels());
  }
}
