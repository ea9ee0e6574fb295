package nacre.lab.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.util.Locale;
import java.util.concurrent.Callable;
import nacre.cli.options.Accepts;
import nacre.cli.options.DTypeOption;
import nacre.cli.options.PresetName;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.model.Conditioning;
import nacre.neuralassets.model.NeuralAssets;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.Sampler;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.RandomNormal;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code nacre bench edit}: one picture drawn from a source frame and poses, with all that belongs
 * to it: the image encoder, all steps with guidance, the decoder. Weights are random. The peer is a
 * program that draws the same and prints, last, a line of JSON with {@code median_ms}.
 */
@Command(
    name = "edit",
    description = {
      "Time the drawing of an edited picture, and beside it that of another program.",
      "",
      "Example: nacre bench edit --dtype bfloat16 --peer 'python3 tools/lab/bench/torch_edit.py'",
      ""
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class EditBench implements Callable<Integer> {
  @Option(
      names = "--preset",
      paramLabel = "NAME|FILE",
      defaultValue = "paper",
      description = "What to draw with; paper unless given.")
  private String preset;

  @Option(
      names = "--dtype",
      paramLabel = "NAME",
      defaultValue = "float32",
      converter = DTypeOption.class,
      description = "Weights and activations are float32, unless given, or bfloat16.")
  private DType dtype;

  @Option(
      names = "--pictures",
      paramLabel = "N",
      defaultValue = "1",
      description = "Pictures timed in each round, after one that is not; 1 unless given.")
  @Accepts(from = 1, to = 1000)
  private int pictures;

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
              + "--threads N --pictures N.")
  private String peer;

  @Override
  public Integer call() throws IOException, InterruptedException {
    Preset chosen = PresetName.assets(preset);
    DataConfig data = TrainStepBench.data(chosen);
    PrintStream out = System.out;
    out.println("machine " + Peer.machine());
    out.printf(
        Locale.ROOT,
        "edit    preset %s, %d by %d pixels, %d steps, guidance %s, %s%n",
        chosen.name(),
        chosen.imageSize(),
        chosen.imageSize(),
        chosen.sampling().numInferenceSteps(),
        chosen.sampling().guidanceScale(),
        dtype);
    new Turns(rounds, 1)
        .take(
            out,
            () -> round(chosen, data),
            peer == null ? null : () -> askPeer(chosen, data.slots()));
    return 0;
  }

  private double round(Preset chosen, DataConfig data) {
    Device device = Device.cpu();
    try (Scope _ = Scope.open()) {
      Parameters weights = Parameters.create(device, dtype, 0).frozen();
      NeuralAssets model = new NeuralAssets(weights, chosen, dtype);
      weights.prepack();
      Conditioning one = HeldOut.pairs(data, 1, chosen.imageSize()).conditioning();
      int side = chosen.sampleSize();
      Tensor noise =
          RandomNormal.normal(device, Shape.of(1, side, side, chosen.sampleChannels()), 1, 0);
      double[] times = new double[pictures];
      for (int i = -1; i < pictures; i++) {
        long begin = System.nanoTime();
        try (Scope _ = Scope.open()) {
          Sampler.of(model).sample(one, noise).toFloats();
        }
        if (i >= 0) {
          times[i] = (System.nanoTime() - begin) / 1e6;
        }
      }
      return Peer.median(times);
    } finally {
      device.backend().allocator().trim();
    }
  }

  private double askPeer(Preset chosen, int slots) throws IOException, InterruptedException {
    return new Peer(peer).median(chosen, slots, dtype, "--pictures", Integer.toString(pictures));
  }
}
