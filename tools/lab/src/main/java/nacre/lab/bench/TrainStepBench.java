package nacre.lab.bench;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintStream;
import java.util.Locale;
import java.util.concurrent.Callable;
import nacre.cli.options.Accepts;
import nacre.cli.options.CudaOptions;
import nacre.cli.options.DTypeOption;
import nacre.cli.options.DeviceChoice;
import nacre.cli.options.PresetName;
import nacre.cli.options.UsageException;
import nacre.cli.options.UserException;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.PretrainedAutoencoder;
import nacre.neuralassets.training.Trainer;
import nacre.tensor.DType;
import nacre.tensor.Device;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code nacre bench train-step}: where there is an autoencoder the encoding of the target frames,
 * forward, backward, clipping, AdamW and EMA on one batch that was drawn before. The peer is a
 * program that times the same step and prints, last, a line of JSON with {@code median_ms}; the two
 * take turns, so that a machine that slows down slows both. Each turn builds the model anew, so
 * that one of the two is in memory at a time. Weights are random but for a preset's own
 * autoencoder.
 */
@Command(
    name = "train-step",
    description = {
      "Time a training step of a preset, and beside it that of another program.",
      "",
      "Examples: nacre bench train-step --peer 'python3 tools/lab/bench/torch_train_step.py'",
      "          nacre bench train-step --preset paper --batch 1 --dtype bfloat16 --steps 5 \\",
      "              --warm-up 2",
      ""
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class TrainStepBench implements Callable<Integer> {
  /** No virtual machine has to warm up there. */
  private static final int PEER_WARM_UP = 10;

  @Option(
      names = "--preset",
      paramLabel = "NAME|FILE",
      defaultValue = "demo",
      description = "What to train; demo unless given.")
  private String preset;

  @Mixin private CudaOptions cuda;

  @Option(
      names = "--device",
      paramLabel = "NAME",
      defaultValue = "cpu",
      description = "Where to compute; cpu unless given. A peer wants cpu, where it computes.")
  private String device;

  @Option(
      names = "--dtype",
      paramLabel = "NAME",
      defaultValue = "float32",
      converter = DTypeOption.class,
      description = "Compute in float32, unless given, or bfloat16; weights are float32.")
  private DType dtype;

  @Option(
      names = "--batch",
      paramLabel = "N",
      description = "Pairs of a step; the preset's batch_size unless given.")
  @Accepts(from = 1, to = 65536)
  private Integer batchSize;

  @Option(
      names = "--warm-up",
      paramLabel = "N",
      defaultValue = "60",
      description =
          "Steps before the timed ones in each round, of a peer at most 10; 60 unless given.")
  @Accepts(from = 1, to = 1e6)
  private int warmUp;

  @Option(
      names = "--steps",
      paramLabel = "N",
      defaultValue = "60",
      description = "Steps timed in each round; 60 unless given.")
  @Accepts(from = 1, to = 1e6)
  private int steps;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      defaultValue = "3",
      description = "Turns that each takes; 3 unless given.")
  @Accepts(from = 1, to = 1000)
  private int rounds;

  @Option(
      names = "--peer",
      paramLabel = "COMMAND",
      description =
          "A command, split at blanks, that is given --config FILE --slots N --dtype NAME "
              + "--threads N --warmup N --steps N.")
  private String peer;

  @Override
  public Integer call() throws IOException, InterruptedException {
    Preset chosen = sized(PresetName.assets(preset));
    DataConfig data = data(chosen);
    PrintStream out = System.out;
    Device on = DeviceChoice.of(device, cuda.settings());
    if (peer != null && !on.isHost()) {
      throw new UsageException("--peer computes on the CPU: it wants --device cpu, not " + device);
    }
    out.println("device  " + on.backend().describe());
    out.println("machine " + Peer.machine());
    out.printf(
        Locale.ROOT,
        "step    preset %s, batch %d, %s; median of %d steps in each of %d rounds%n",
        chosen.name(),
        chosen.training().batchSize(),
        dtype,
        steps,
        rounds);
    new Turns(rounds, chosen.training().batchSize())
        .take(
            out,
            () -> round(chosen, data, on),
            peer == null ? null : () -> askPeer(chosen, data.slots()));
    return 0;
  }

  /** The preset with the batch size that was asked for. */
  private Preset sized(Preset chosen) throws IOException {
    if (batchSize == null) {
      return chosen;
    }
    ObjectNode root = (ObjectNode) new JsonMapper().readTree(chosen.json());
    root.withObject("training").put("batch_size", batchSize.intValue());
    return Preset.of(chosen.name(), root.toString());
  }

  /** Median milliseconds of a step of a model that is built for it, and freed. */
  private double round(Preset chosen, DataConfig data, Device on) throws IOException {
    try (Trainer trainer = new Trainer(chosen, on, dtype, 0)) {
      if (chosen.vaeFrom().isPresent()) {
        trainer.begin(PretrainedAutoencoder.open(chosen.vaeFrom().get()));
      }
      PairBatch batch = batch(chosen, data, trainer);
      time(trainer, batch, warmUp);
      return time(trainer, batch, steps);
    } finally {
      on.backend().allocator().trim();
    }
  }

  static DataConfig data(Preset preset) {
    return preset
        .data()
        .map(DataConfig::of)
        .orElseThrow(() -> new UserException("bench: preset " + preset.name() + " says no data"));
  }

  static PairBatch batch(Preset preset, DataConfig data, Trainer trainer) {
    int count = preset.training().batchSize();
    PairBatch batch = HeldOut.pairs(data, count, preset.imageSize());
    for (int i = 0; i < count; i++) {
      batch.timesteps()[i] = i * trainer.timesteps() / count;
    }
    return batch;
  }

  /** Median milliseconds of a step. */
  private static double time(Trainer trainer, PairBatch batch, int steps) {
    double[] times = new double[steps];
    for (int i = 0; i < steps; i++) {
      long begin = System.nanoTime();
      trainer.step(batch, 1e-4);
      times[i] = (System.nanoTime() - begin) / 1e6;
    }
    return Peer.median(times);
  }

  private double askPeer(Preset chosen, int slots) throws IOException, InterruptedException {
    return new Peer(peer)
        .median(
            chosen,
            slots,
            dtype,
            "--warmup",
            Integer.toString(Math.min(warmUp, PEER_WARM_UP)),
            "--steps",
            Integer.toString(steps));
  }
}
