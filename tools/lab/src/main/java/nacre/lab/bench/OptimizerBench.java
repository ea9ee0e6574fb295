package nacre.lab.bench;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import nacre.cli.options.Accepts;
import nacre.cli.options.CudaOptions;
import nacre.cli.options.DeviceChoice;
import nacre.cli.options.PresetName;
import nacre.neuralassets.data.ClipPool;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.data.PairSampler;
import nacre.neuralassets.data.RenderedClips;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.PretrainedAutoencoder;
import nacre.neuralassets.model.TrainingConfig;
import nacre.neuralassets.training.RunLength;
import nacre.neuralassets.training.Trainer;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Tensor;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code nacre bench optimizer}: how far training with optimizer states and parameters in fewer
 * bits leads from training in f32, on the same pairs with the same noise. The first row, the same
 * with activations in bf16, is the measure of the others. The last line says what part of a step in
 * f32 the update and the gradients' norm take.
 */
@Command(
    name = "optimizer",
    description = {
      "Compare training with optimizer states and parameters in fewer bits with float32.",
      "",
      "Example: nacre bench optimizer --preset tiny --steps 200",
      ""
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class OptimizerBench implements Callable<Integer> {
  private static final long SEED = 1;

  @Option(
      names = "--preset",
      paramLabel = "NAME|FILE",
      defaultValue = "tiny",
      description = "What to train on rendered scenes; tiny unless given.")
  private String preset;

  @Mixin private CudaOptions cuda;

  @Option(
      names = "--device",
      paramLabel = "NAME",
      defaultValue = "cpu",
      description = "Where to compute; cpu unless given.")
  private String device;

  @Option(
      names = "--steps",
      paramLabel = "N",
      defaultValue = "200",
      description = "Steps of each run; 200 unless given.")
  @Accepts(from = 1, to = 1e6)
  private int steps;

  /** A way to train, by the keys of the preset that make it. */
  private record Way(String name, DType compute, Map<String, String> keys) {}

  private static final List<Way> WAYS =
      List.of(
          new Way("activations bfloat16", DType.BF16, Map.of()),
          new Way("moments bfloat16", DType.F32, Map.of("optimizer_state", "bfloat16")),
          new Way("moments int8", DType.F32, Map.of("optimizer_state", "int8")),
          new Way("parameters bfloat16, stochastic", DType.F32, narrow("stochastic", "float32")),
          new Way("parameters bfloat16, compensated", DType.F32, narrow("compensated", "float32")),
          new Way("both bfloat16, stochastic", DType.F32, narrow("stochastic", "bfloat16")),
          new Way("both bfloat16, compensated", DType.F32, narrow("compensated", "bfloat16")));

  private static Map<String, String> narrow(String rounding, String state) {
    return Map.of("parameters", "bfloat16", "rounding", rounding, "optimizer_state", state);
  }

  /**
   * What came of a run.
   *
   * @param loss the mean of its last quarter
   * @param bytes of parameters and optimizer state for each trained element
   * @param step seconds of a step, the median
   * @param norm what its update takes
   */
  private record Outcome(
      Map<String, float[]> changes, double loss, double bytes, double step, NormShare norm) {}

  /** The mean loss of the last quarter of a run, and the median of the seconds of a step. */
  private record Course(double loss, double step) {}

  @Override
  public Integer call() throws IOException {
    Preset chosen = PresetName.assets(preset);
    Device on = DeviceChoice.of(device, cuda.settings());
    PrintStream out = System.out;
    out.println("device  " + on.backend().describe());
    out.printf(Locale.ROOT, "run     preset %s, %d steps%n%n", chosen.name(), steps);
    out.println("| | bytes a parameter | error of what was learned | loss of the last quarter |");
    out.println("| --- | --- | --- | --- |");
    Outcome exact = train(on, chosen, new Way("float32", DType.F32, Map.of()));
    row(out, "float32", exact, exact);
    for (Way way : WAYS) {
      row(out, way.name, train(on, chosen, way), exact);
    }
    out.println();
    out.println(exact.norm.describe(exact.step));
    return 0;
  }

  private static void row(PrintStream out, String name, Outcome outcome, Outcome exact) {
    out.printf(
        Locale.ROOT,
        "| %s | %.1f | %.4f | %.5f |%n",
        name,
        outcome.bytes,
        distance(outcome.changes, exact.changes),
        outcome.loss);
  }

  /** The norm of the difference between two runs' changes of all parameters, of that of one. */
  private static double distance(Map<String, float[]> a, Map<String, float[]> b) {
    double difference = 0;
    double whole = 0;
    for (Map.Entry<String, float[]> entry : b.entrySet()) {
      float[] other = a.get(entry.getKey());
      for (int i = 0; i < other.length; i++) {
        double wanted = entry.getValue()[i];
        difference += (other[i] - wanted) * (other[i] - wanted);
        whole += wanted * wanted;
      }
    }
    return Math.sqrt(difference / whole);
  }

  private Outcome train(Device on, Preset chosen, Way way) throws IOException {
    ObjectNode root = (ObjectNode) new JsonMapper().readTree(chosen.json());
    way.keys.forEach(root.withObject("training")::put);
    Preset mine = Preset.of(chosen.name(), root.toString());
    Map<String, float[]> changes = begin(on, chosen);
    try (Trainer trainer = new Trainer(mine, on, way.compute, SEED)) {
      if (mine.vaeFrom().isPresent()) {
        trainer.begin(PretrainedAutoencoder.open(mine.vaeFrom().get()));
      }
      Course course = run(trainer, mine);
      trainer.trainedParameters().forEach((name, p) -> subtract(p, changes.get(name)));
      long elements = elements(trainer.trainedParameters());
      long bytes = bytes(trainer.trainedParameters()) + bytes(trainer.optimizer().state());
      NormShare norm = NormShare.of(trainer, on);
      return new Outcome(changes, course.loss, bytes / (double) elements, course.step, norm);
    } finally {
      on.backend().allocator().trim();
    }
  }

  /** The trained parameters before the first step, in f32, from which all runs are measured. */
  private static Map<String, float[]> begin(Device on, Preset chosen) {
    Map<String, float[]> values = new TreeMap<>();
    try (Trainer trainer = new Trainer(chosen, on, SEED)) {
      trainer.trainedParameters().forEach((name, p) -> values.put(name, p.toFloats()));
    }
    return values;
  }

  private Course run(Trainer trainer, Preset mine) throws IOException {
    TrainingConfig t = mine.training();
    DataConfig data = TrainStepBench.data(mine);
    var clips =
        new ClipPool(
            new RenderedClips(data, HeldOut.trainingScenes(SEED), mine.imageSize()),
            data,
            mine.imageSize());
    var diffusion =
        new PairSampler.Diffusion(t.dropProbability(), trainer.timesteps(), t.timestepPower());
    var pairs = new PairSampler(clips, data, diffusion, SEED, mine.imageSize());
    int quarter = Math.max(1, steps / 4);
    double sum = 0;
    double[] seconds = new double[steps];
    for (int step = 0; step < steps; step++) {
      double rate = RunLength.rate(t, step, steps);
      PairBatch batch = pairs.batch(step, t.batchSize());
      long begun = System.nanoTime();
      double loss = trainer.step(batch, rate);
      seconds[step] = (System.nanoTime() - begun) * 1e-9;
      sum += step >= steps - quarter ? loss : 0;
    }
    return new Course(sum / quarter, NormShare.median(seconds));
  }

  private static void subtract(Tensor parameter, float[] from) {
    float[] after = parameter.toFloats();
    for (int i = 0; i < after.length; i++) {
      from[i] = after[i] - from[i];
    }
  }

  private static long elements(Map<String, Tensor> tensors) {
    return tensors.values().stream().mapToLong(Tensor::elements).sum();
  }

  private static long bytes(Map<String, Tensor> tensors) {
    return tensors.values().stream().mapToLong(Tensor::bytes).sum();
  }
}
