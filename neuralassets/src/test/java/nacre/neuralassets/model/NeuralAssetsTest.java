package nacre.neuralassets.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import nacre.neuralassets.scene.PoseVector;
import nacre.neuralassets.training.Objective;
import nacre.neuralassets.training.StepInputs;
import nacre.nn.AdamW;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Gradients;
import nacre.tensor.Memory;
import nacre.tensor.Philox;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tape;
import nacre.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Properties of the model beyond its numbers, which the tests of tools/cli compare with PyTorch.
 */
class NeuralAssetsTest {
  private static final Device CPU = Device.cpu();
  private static final Preset TINY = Preset.builtin("tiny");
  private static final int B = 4;

  @BeforeEach
  void poison() {
    Memory.poisonNewTensors(true);
  }

  @AfterEach
  void nothingIsLeft() {
    Memory.poisonNewTensors(false);
    assertEquals(0, Memory.liveTensors());
    assertEquals(0, Memory.liveBytes());
  }

  private static float[] random(int length, long stream) {
    float[] values = new float[length];
    Philox.uniform(5, stream, 0, values);
    return values;
  }

  /** Two objects in each, in the left and in the right half. */
  private static Conditioning conditioning(int size) {
    float[] boxes = new float[B * 8];
    for (int b = 0; b < B; b++) {
      float[] two = {0, 0, 1, 0.5f, 0, 0.5f, 1, 1};
      System.arraycopy(two, 0, boxes, 8 * b, 8);
    }
    return Conditioning.of(
        size,
        2,
        random(B * size * size * 3, 1),
        boxes,
        random(B * 2 * PoseVector.LENGTH, 2),
        random(B * PoseVector.LENGTH, 3));
  }

  private static StepInputs inputs(NeuralAssets model, Tensor target, Tensor steps, Tensor noise) {
    return new StepInputs(model.prepare(conditioning(16)), target, steps, noise);
  }

  private static Tensor normal(int... shape) {
    Tensor x = Tensor.empty(CPU, DType.F32, Shape.of(shape));
    x.backend().normal(9, 9, x);
    return x;
  }

  @Test
  void trainingLearnsAndKeepsNothing() {
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.create(CPU, DType.F32, 1);
      NeuralAssets model = new NeuralAssets(p, TINY);
      Objective objective = new Objective(model);
      AdamW optimizer = new AdamW(p.trainable(), AdamW.Config.defaults());
      Tensor target = normal(B, 16, 16, 3);
      Tensor noise = normal(B, 8, 8, 12);
      int[] timesteps = {100, 400, 600, 900};
      float first = 0;
      float last = 0;
      long tensors = 0;
      long bytes = 0;
      for (int step = 0; step < 15; step++) {
        try (Scope _ = Scope.open();
            Tape tape = Tape.open()) {
          Tensor loss =
              objective.loss(inputs(model, target, objective.timesteps(timesteps), noise));
          optimizer.step(tape.backward(loss), 3e-3);
          last = loss.item();
        }
        if (step == 0) {
          first = last;
          tensors = Memory.liveTensors();
          bytes = Memory.liveBytes();
        }
        assertEquals(tensors, Memory.liveTensors());
        assertEquals(bytes, Memory.liveBytes());
      }
      assertTrue(last < 0.8 * first, first + " to " + last);
    }
  }

  @Test
  void seedsMakeTheModelAndTheImage() {
    float[] first = sample(1, 1.5);
    assertArrayEquals(first, sample(1, 1.5));
    assertTrue(difference(first, sample(2, 1.5)) > 1e-3);
    assertTrue(difference(first, sample(1, 1)) > 1e-5);
  }

  private static float[] sample(long seed, double guidance) {
    try (Scope _ = Scope.open()) {
      NeuralAssets model = new NeuralAssets(Parameters.create(CPU, DType.F32, seed), TINY);
      Tensor noise = normal(B, 8, 8, 12);
      Tensor images = new Sampler(model, 3, guidance).sample(conditioning(16), noise);
      assertEquals(Shape.of(B, 16, 16, 3), images.shape());
      return images.toFloats();
    }
  }

  private static double difference(float[] a, float[] b) {
    double largest = 0;
    for (int i = 0; i < a.length; i++) {
      largest = Math.max(largest, Math.abs(a[i] - b[i]));
    }
    return largest;
  }

  @Test
  void guidanceOfOneIsTheConditionalModel() {
    float[] exact = sample(1, 1);
    float[] near = sample(1, 1 + 1e-6);
    assertTrue(difference(exact, near) < 1e-4);
  }

  @Test
  void aSecondModelStandsOnTheSameTensors() {
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.create(CPU, DType.F32, 1);
      float[] first = new NeuralAssets(p, TINY).tokens(conditioning(16)).toFloats();
      Map<String, Tensor> tensors = p.all();
      long before = Memory.liveTensors();
      NeuralAssets second = new NeuralAssets(Parameters.over(tensors), TINY);
      assertArrayEquals(first, second.tokens(conditioning(16)).toFloats());
      // Its tokens and its coordinates.
      assertEquals(before + 2, Memory.liveTensors());
    }
  }

  @Test
  void samplesFoldAndUnfold() {
    try (Scope _ = Scope.open()) {
      NeuralAssets model = new NeuralAssets(Parameters.create(CPU, DType.F32, 1), TINY);
      Tensor images = normal(B, 16, 16, 3);
      Tensor folded = model.samples().toSamples(images, null);
      assertEquals(Shape.of(B, 8, 8, 12), folded.shape());
      // Pixel (2y + dy, 2x + dx), color c, is at (y, x), channel (2dy + dx) · 3 + c.
      float wanted = images.get(((0 * 16 + 2 * 3 + 1) * 16 + 2 * 5 + 0) * 3 + 2);
      assertEquals(wanted, folded.get((3 * 8 + 5) * 12 + (2 * 1 + 0) * 3 + 2));
      assertArrayEquals(images.toFloats(), model.samples().toImages(folded).toFloats());
    }
  }

  @Test
  void latentsAreDrawnAndTheirAutoencoderIsLeftAlone() {
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.create(CPU, DType.F32, 1);
      NeuralAssets model = new NeuralAssets(p, TinyLatent.preset());
      Tensor target = normal(B, 16, 16, 3);
      Tensor noise = normal(B, 8, 8, 4);
      int[] timesteps = {1, 300, 600, 900};
      try (Tape tape = Tape.open()) {
        Objective objective = new Objective(model);
        Tensor encoded = model.samples().encode(target);
        StepInputs mode = inputs(model, encoded, objective.timesteps(timesteps), noise);
        Tensor likeliest = objective.loss(mode);
        Tensor drawn =
            objective.loss(
                new StepInputs(mode.conditioning(), encoded, noise, mode.timesteps(), noise, null));
        assertTrue(Math.abs(likeliest.item() - drawn.item()) > 1e-4);
        Gradients gradients = tape.backward(drawn);
        p.all()
            .forEach(
                (name, parameter) -> {
                  boolean wanted = !name.startsWith("vae.");
                  assertEquals(wanted, gradients.of(parameter) != null, name);
                });
      }
      Tensor images = Sampler.of(model).sample(conditioning(16), noise);
      assertEquals(Shape.of(B, 16, 16, 3), images.shape());
      // Without noise, there and back is what the autoencoder makes of an image.
      SampleSpace.Latents latents = (SampleSpace.Latents) model.samples();
      float[] around = latents.toImages(latents.toSamples(target, null)).toFloats();
      float[] wanted = latents.vae().decode(latents.vae().encode(target).mode()).toFloats();
      assertTrue(difference(wanted, around) < 1e-5);
    }
  }

  @Test
  void theEncoderMayWorkAtAnotherSize() {
    String json =
        TINY.json()
            .replaceFirst("\"image_size\": 16,\n    \"patch", "\"image_size\": 8,\n    \"patch");
    assertTrue(!json.equals(TINY.json()));
    try (Scope _ = Scope.open()) {
      Preset preset = Preset.of("mine", json);
      assertEquals(8, preset.imageEncoder().imageSize());
      NeuralAssets model = new NeuralAssets(Parameters.create(CPU, DType.F32, 1), preset);
      assertEquals(Shape.of(B, 12, 32), model.tokens(conditioning(16)).shape());
    }
  }

  @Test
  void imagesOfAnotherSizeAreRefused() {
    try (Scope _ = Scope.open()) {
      NeuralAssets model = new NeuralAssets(Parameters.create(CPU, DType.F32, 1), TINY);
      IllegalArgumentException e =
          assertThrows(IllegalArgumentException.class, () -> model.tokens(conditioning(32)));
      assertTrue(e.getMessage().contains("32 pixels, the preset says 16"), e.getMessage());
    }
  }

  /**
   * Of two samples a side the centers are at 1/4 and 3/4; the second octave's angles are double.
   */
  @Test
  void coordinateChannelsAreWavesOfThePlace() {
    float h = (float) Math.sqrt(0.5);
    float[] wanted = {
      h, h, h, h, 1, 0, 1, 0, // left, top: π/4 and π/4, then π/2 and π/2
      h, -h, h, h, -1, 0, 1, 0, // right, top: 3π/4 and π/4, then 3π/2 and π/2
      h, h, h, -h, 1, 0, -1, 0, // left, bottom
      h, -h, h, -h, -1, 0, -1, 0 // right, bottom
    };
    assertArrayEquals(wanted, CoordinateChannels.waves(2, 2), 1e-6f);
    assertArrayEquals(
        new float[] {1, 0, 1, 0, 0, -1, 0, -1, 0, 1, 0, 1}, CoordinateChannels.waves(1, 3), 1e-6f);
  }

  @Test
  void withoutOctavesThereAreNone() {
    try (Scope _ = Scope.open()) {
      String plain =
          Preset.builtin("tiny")
              .json()
              .replace("\"coordinate_octaves\": 1", "\"coordinate_octaves\": 0")
              .replace("\"in_channels\": 16", "\"in_channels\": 12");
      Preset preset = Preset.of("plain", plain);
      Parameters p = Parameters.create(Device.cpu(), DType.F32, 1);
      NeuralAssets model = new NeuralAssets(p, preset);
      assertEquals(12, p.all().get("unet.conv_in.weight").dim(3));
      int side = preset.sampleSize();
      Tensor noisy = Tensor.zeros(Device.cpu(), DType.F32, Shape.of(1, side, side, 12));
      Tensor time = Tensor.zeros(Device.cpu(), DType.F32, Shape.of(1));
      assertEquals(noisy.shape(), model.denoise(noisy, time, model.unconditionalTokens(2)).shape());
    }
  }
}
