package nacre.cli.reference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import nacre.cli.TestGpu;
import nacre.neuralassets.model.Conditioning;
import nacre.neuralassets.model.EncodedConditioning;
import nacre.neuralassets.model.NeuralAssets;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.Sampler;
import nacre.neuralassets.model.TrainingConfig;
import nacre.neuralassets.training.ModelFolder;
import nacre.nn.AccumulatedGradients;
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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** One training step and one sampling of the whole model, number by number against PyTorch. */
@Tag("cuda")
class TrainStepTest {
  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  @ParameterizedTest
  @CsvSource({
    "train-step-demo, cpu",
    "train-step-paper, cpu",
    "train-step-lora, cpu",
    "train-step-demo, reference",
    "train-step-paper, reference",
    "train-step-lora, reference",
    "train-step-demo, cuda",
    "train-step-paper, cuda",
    "train-step-lora, cuda",
    "train-step-sd1, cpu",
    "train-step-sd1, reference",
    "train-step-sd1, cuda",
    "train-step-sd2, cpu",
    "train-step-sd2, reference",
    "train-step-sd2, cuda",
    "train-step-latents, cpu",
    "train-step-latents, reference",
    "train-step-latents, cuda",
    "train-step-boxes, cpu",
    "train-step-boxes, reference",
    "train-step-boxes, cuda",
    "train-step-geometry, cpu",
    "train-step-geometry, reference",
    "train-step-geometry, cuda",
    "train-step-objects, cpu",
    "train-step-objects, reference",
    "train-step-objects, cuda"
  })
  void lossGradientsAndUpdatesArePyTorchs(String name, String deviceName) throws IOException {
    Device device = device(deviceName);
    try (TrainStepBundle bundle = TrainStepBundle.open(name);
        Scope _ = Scope.open()) {
      Parameters p = Parameters.unwritten(device, DType.F32);
      NeuralAssets model = new NeuralAssets(p, bundle.preset());
      bundle.tensors().under("weight.").loadInto(p.all());
      AdamW optimizer = optimizer(p, bundle.preset());
      try (Tape tape = Tape.open()) {
        Tensor loss = bundle.loss(model);
        float wanted = bundle.floats("output.loss")[0];
        assertEquals(wanted, loss.item(), wanted * bundle.tolerance());
        Gradients gradients = tape.backward(loss);
        compareGradients(bundle, p.trainable(), gradients, bundle.tolerance());
        optimizer.step(gradients, bundle.preset().training().learningRate());
      }
      double norm = bundle.floats("grad_norm")[0];
      assertEquals(norm, optimizer.gradientNorm(), norm * bundle.tolerance());
      compareUpdates(bundle, p.trainable());
      Map<String, float[]> before = bundle.all("weight.");
      Map<String, Tensor> frozen = new TreeMap<>(p.all());
      frozen.keySet().removeAll(p.trainable().keySet());
      frozen.forEach((key, weight) -> assertArrayEquals(before.get(key), weight.toFloats(), key));
    }
  }

  /** The step of the whole batch, computed in parts of one pair or two. */
  @ParameterizedTest
  @CsvSource({
    "train-step-demo, cpu, 2",
    "train-step-paper, cpu, 4",
    "train-step-demo, reference, 4",
    "train-step-paper, cuda, 2",
    "train-step-sd1, cpu, 2",
    "train-step-sd1, cuda, 4",
    "train-step-sd2, cpu, 4",
    "train-step-sd2, cuda, 2",
    "train-step-latents, cpu, 2",
    "train-step-boxes, cpu, 2",
    "train-step-geometry, cpu, 4"
  })
  void accumulatedGradientsAndUpdatesArePyTorchs(String name, String deviceName, int parts)
      throws IOException {
    Device device = device(deviceName);
    try (TrainStepBundle bundle = TrainStepBundle.open(name);
        Scope _ = Scope.open()) {
      Parameters p = Parameters.unwritten(device, DType.F32);
      NeuralAssets model = new NeuralAssets(p, bundle.preset());
      bundle.tensors().under("weight.").loadInto(p.all());
      AdamW optimizer = optimizer(p, bundle.preset());
      AccumulatedGradients sums = new AccumulatedGradients(p.trainable(), parts);
      for (int round = 0; round < 2; round++) { // the second adds to sums that are there already
        sums.clear();
        for (int part = 0; part < parts; part++) {
          try (Scope _ = Scope.open();
              Tape tape = part % 2 == 0 ? Tape.open() : Tape.openRecomputing()) {
            sums.add(tape, bundle.loss(model, part, parts));
          }
        }
        Comparison gradients = new Comparison();
        for (Map.Entry<String, float[]> wanted : bundle.all("grad.weight.").entrySet()) {
          Tensor sum = sums.of(p.all().get(wanted.getKey()));
          gradients.add(wanted.getKey(), sum.toFloats(), wanted.getValue());
        }
        gradients.assertClose(bundle.tolerance());
        float loss = bundle.floats("output.loss")[0];
        assertEquals(loss, sums.loss().item(), loss * bundle.tolerance());
      }
      optimizer.setLearningRate(bundle.preset().training().learningRate());
      optimizer.step(sums::of);
      double norm = bundle.floats("grad_norm")[0];
      assertEquals(norm, optimizer.gradientNorm(), norm * bundle.tolerance());
      compareUpdates(bundle, p.trainable());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "train-step-demo, cpu, float32",
    "train-step-paper, cpu, float32",
    "train-step-paper, cpu, bfloat16",
    "train-step-lora, cpu, float32",
    "train-step-lora, cpu, bfloat16",
    "train-step-demo, reference, float32",
    "train-step-demo, cuda, float32",
    "train-step-paper, cuda, float32",
    "train-step-lora, cuda, float32",
    "train-step-sd1, cpu, float32",
    "train-step-sd2, cpu, bfloat16",
    "train-step-boxes, cpu, float32"
  })
  void recomputingChangesNoBit(String name, String deviceName, String dtype) throws IOException {
    Device device = device(deviceName);
    DType compute = dtype.equals("bfloat16") ? DType.BF16 : DType.F32;
    try (TrainStepBundle bundle = TrainStepBundle.open(name);
        Scope _ = Scope.open()) {
      Parameters p = Parameters.unwritten(device, DType.F32);
      NeuralAssets model = new NeuralAssets(p, bundle.preset(), compute);
      bundle.tensors().under("weight.").loadInto(p.all());
      Map<String, float[]> wanted = lossAndGradients(bundle, model, p, Tape::open);
      Map<String, float[]> got = lossAndGradients(bundle, model, p, Tape::openRecomputing);
      assertEquals(p.trainable().size() + 1, wanted.size());
      wanted.forEach((key, numbers) -> assertArrayEquals(numbers, got.get(key), key));
    }
  }

  private static Map<String, float[]> lossAndGradients(
      TrainStepBundle bundle, NeuralAssets model, Parameters p, Supplier<Tape> tapes)
      throws IOException {
    Map<String, float[]> numbers = new TreeMap<>();
    try (Scope _ = Scope.open();
        Tape tape = tapes.get()) {
      Tensor loss = bundle.loss(model);
      numbers.put("loss", loss.toFloats());
      Gradients gradients = tape.backward(loss);
      p.trainable().forEach((key, weight) -> numbers.put(key, gradients.of(weight).toFloats()));
    }
    return numbers;
  }

  private static Device device(String name) {
    assumeTrue(
        !name.equals("cuda") || TestGpu.find().isPresent(),
        "there is no GPU, and no simulated one was built");
    return Device.of(name);
  }

  /** PyTorch's own autocast is off by 0.14 in the worst gradient of an adapter, 0.028 in all. */
  @ParameterizedTest
  @CsvSource({
    "train-step-demo, 0.1, 0.02",
    "train-step-paper, 0.1, 0.02",
    "train-step-lora, 0.2, 0.04",
    "train-step-sd1, 0.1, 0.02",
    "train-step-sd2, 0.1, 0.02",
    "train-step-latents, 0.1, 0.02",
    "train-step-boxes, 0.1, 0.02"
  })
  void bfloat16ComesNear(String name, double tolerance, double together) throws IOException {
    try (TrainStepBundle bundle = TrainStepBundle.open(name);
        Scope _ = Scope.open()) {
      Parameters p = Parameters.unwritten(Device.cpu(), DType.F32);
      NeuralAssets model = new NeuralAssets(p, bundle.preset(), DType.BF16);
      bundle.tensors().under("weight.").loadInto(p.all());
      try (Tape tape = Tape.open()) {
        Tensor loss = bundle.loss(model);
        float wanted = bundle.floats("output.loss")[0];
        assertEquals(wanted, loss.item(), wanted * 0.01);
        Comparison comparison =
            compareGradients(bundle, p.trainable(), tape.backward(loss), tolerance);
        comparison.assertCloseTogether(together);
      }
    }
  }

  private static AdamW optimizer(Parameters p, Preset preset) {
    TrainingConfig t = preset.training();
    AdamW.Config config =
        new AdamW.Config(
            t.adamBeta1(), t.adamBeta2(), t.adamEpsilon(), t.weightDecay(), t.maxGradNorm());
    return new AdamW(p.trainable(), config, preset.trainable().groups(t.weightDecay()));
  }

  private static Comparison compareGradients(
      TrainStepBundle bundle, Map<String, Tensor> parameters, Gradients gradients, double tolerance)
      throws IOException {
    Comparison comparison = new Comparison();
    for (Map.Entry<String, float[]> wanted : bundle.all("grad.weight.").entrySet()) {
      Tensor gradient = gradients.of(parameters.get(wanted.getKey()));
      assertNotNull(gradient, wanted.getKey());
      comparison.add(wanted.getKey(), gradient.toFloats(), wanted.getValue());
    }
    assertEquals(parameters.size(), comparison.size());
    comparison.assertClose(tolerance);
    return comparison;
  }

  /** Compares the changes: beside the parameters themselves a wrong step would hardly show. */
  private static void compareUpdates(TrainStepBundle bundle, Map<String, Tensor> parameters)
      throws IOException {
    Comparison changes = new Comparison();
    Map<String, float[]> before = bundle.all("weight.");
    for (Map.Entry<String, float[]> wanted : bundle.all("updated.").entrySet()) {
      String name = wanted.getKey();
      float[] got = withinRounding(parameters.get(name).toFloats(), wanted.getValue());
      changes.add(name, minus(got, before.get(name)), minus(wanted.getValue(), before.get(name)));
    }
    assertEquals(parameters.size(), changes.size());
    changes.assertClose(bundle.tolerance());
  }

  /**
   * Takes what differs in the last two bits for equal: decay and step each round the parameter
   * once, and a small step of a large parameter has no digits to spare.
   */
  private static float[] withinRounding(float[] got, float[] wanted) {
    float[] rounded = got.clone();
    for (int i = 0; i < got.length; i++) {
      if (Math.abs(got[i] - wanted[i]) <= 2 * Math.ulp(wanted[i])) {
        rounded[i] = wanted[i];
      }
    }
    return rounded;
  }

  private static float[] minus(float[] a, float[] b) {
    float[] difference = new float[a.length];
    for (int i = 0; i < a.length; i++) {
      difference[i] = a[i] - b[i];
    }
    return difference;
  }

  @ParameterizedTest
  @CsvSource({
    "train-step-demo",
    "train-step-paper",
    "train-step-lora",
    "train-step-boxes",
    "train-step-geometry",
    "train-step-objects"
  })
  void tokensAndPredictionArePyTorchs(String name) throws IOException {
    Device device = Device.cpu();
    try (TrainStepBundle bundle = TrainStepBundle.open(name);
        Scope _ = Scope.open()) {
      NeuralAssets model = model(bundle, device);
      EncodedConditioning given = model.encode(bundle.conditioning());
      Tensor tokens = given.tokens();
      Tensor noisy = bundle.tensor("output.noisy", device);
      float[] steps = bundle.floats("input.timestep");
      Tensor timesteps = Tensor.of(device, Shape.of(steps.length), steps);
      Tensor prediction = model.denoise(noisy, timesteps, given);
      Comparison comparison = new Comparison();
      comparison.add("tokens", tokens.toFloats(), bundle.floats("output.tokens"));
      comparison.add("prediction", prediction.toFloats(), bundle.floats("output.prediction"));
      comparison.assertClose(bundle.tolerance());

      // The third sample is dropped; its tokens are those that need no image.
      int dropped = 2;
      float[] free = model.unconditionalTokens(bundle.conditioning().slots()).toFloats();
      float[] theirs = bundle.floats("output.tokens");
      float[] row =
          java.util.Arrays.copyOfRange(theirs, dropped * free.length, (dropped + 1) * free.length);
      Comparison unconditional = new Comparison();
      unconditional.add("unconditional", free, row);
      unconditional.assertClose(bundle.tolerance());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "train-step-demo, cpu",
    "train-step-paper, cpu",
    "train-step-lora, cpu",
    "train-step-sd1, cpu",
    "train-step-sd2, cpu",
    "train-step-latents, cpu",
    "train-step-boxes, cpu",
    "train-step-geometry, cpu",
    "train-step-objects, cpu",
    "train-step-demo, cuda",
    "train-step-sd2, cuda",
    "train-step-boxes, cuda"
  })
  void samplesArePyTorchs(String name, String deviceName) throws IOException {
    Device device = device(deviceName);
    try (TrainStepBundle bundle = TrainStepBundle.open(name);
        Scope _ = Scope.open()) {
      NeuralAssets model = model(bundle, device);
      long before = Memory.liveTensors();
      int[] told = {0};
      try (Scope _ = Scope.open()) {
        Tensor noise = bundle.tensor("input.noise", device);
        Conditioning conditioning = bundle.keptConditioning();
        Tensor images = Sampler.of(model).sample(conditioning, noise, step -> told[0] = step);
        assertEquals(before + 2, Memory.liveTensors());
        Comparison comparison = new Comparison();
        comparison.add("image", images.toFloats(), bundle.floats("sampled.image"));
        comparison.assertClose(bundle.tolerance());
      }
      assertEquals(bundle.preset().sampling().numInferenceSteps(), told[0]);
    }
  }

  /** A folder whose adapters are merged when it is loaded, of weights that were stored in bf16. */
  @ParameterizedTest
  @CsvSource({"float32", "bfloat16"})
  void aModelFolderDrawsAsTheAdaptersBesideTheWeights(String dtype, @TempDir Path folder)
      throws IOException {
    DType compute = dtype.equals("bfloat16") ? DType.BF16 : DType.F32;
    try (TrainStepBundle bundle = TrainStepBundle.open("train-step-lora");
        Scope _ = Scope.open()) {
      Parameters p = Parameters.unwritten(Device.cpu(), DType.F32);
      new NeuralAssets(p, bundle.preset(), compute);
      bundle.tensors().under("weight.").loadInto(p.all());
      assertEquals(compute, p.all().get("unet.conv_in.weight").dtype());
      ModelFolder.write(folder, bundle.preset(), p.all());
      NeuralAssets beside = new NeuralAssets(Parameters.over(p.all()), bundle.preset());
      NeuralAssets merged = ModelFolder.load(folder, Device.cpu());
      Comparison comparison = new Comparison();
      comparison.add("image", sampled(bundle, merged), sampled(bundle, beside));
      comparison.assertClose(2e-5);
      if (compute == DType.F32) {
        Comparison pytorch = new Comparison();
        pytorch.add("image", sampled(bundle, merged), bundle.floats("sampled.image"));
        pytorch.assertClose(bundle.tolerance());
      }
    }
  }

  private static float[] sampled(TrainStepBundle bundle, NeuralAssets model) throws IOException {
    Tensor noise = bundle.tensor("input.noise", model.device());
    return Sampler.of(model).sample(bundle.keptConditioning(), noise, _ -> {}).toFloats();
  }

  private static NeuralAssets model(TrainStepBundle bundle, Device device) throws IOException {
    Parameters p = Parameters.unwritten(device, DType.F32);
    NeuralAssets model = new NeuralAssets(p, bundle.preset());
    bundle.tensors().under("weight.").loadInto(p.all());
    return model;
  }
}
