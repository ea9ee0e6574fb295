package nacre.lab.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import nacre.cli.options.Accepts;
import nacre.cli.options.DataName;
import nacre.cli.options.PresetName;
import nacre.cli.options.UserException;
import nacre.neuralassets.data.Clip;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.data.ClipSourceProvider;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.FramePair;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.model.Preset;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code nacre bench data}: how fast pairs of frames are read from a data set. */
@Command(
    name = "data",
    description = {
      "Time reading pairs of frames from a data set, on one thread, in rounds; nothing is kept"
          + " from",
      "one pair to the next, so that each opens its clip and decodes two frames."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class DataBench implements Callable<Integer> {
  @Parameters(paramLabel = "[NAME:]PATH", description = "The data set.")
  private String data;

  @Option(
      names = "--preset",
      paramLabel = "NAME|FILE",
      defaultValue = "movi-e",
      description = "The preset for which pairs are drawn; movi-e unless given.")
  private String preset;

  @Option(
      names = "--pairs",
      paramLabel = "N",
      defaultValue = "200",
      description = "Pairs in a round; 200 unless given.")
  @Accepts(from = 1, to = 1_000_000)
  private int pairs;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      defaultValue = "5",
      description = "Rounds, after one that warms up; 5 unless given.")
  @Accepts(from = 1, to = 1000)
  private int rounds;

  @Override
  public Integer call() throws IOException {
    PrintStream out = System.out;
    if (!(PresetName.file(preset).trained() instanceof Preset drawn)) {
      throw new UserException("--preset: " + preset + " draws no pairs of frames");
    }
    DataConfig config = DataConfig.of(drawn.data().orElseThrow());
    int size = drawn.imageSize();
    ClipSource source = DataName.parse(data).open(new ClipSourceProvider.Request(config, size, 0));
    out.printf(Locale.ROOT, "data    %s, %,d clips%n", source.describe(), source.size());
    out.printf(Locale.ROOT, "pairs   %dx%d, %d in each of %d rounds%n", size, size, pairs, rounds);
    SplittableRandom random = new SplittableRandom(0);
    round(source, config, size, random);
    double[] rates = new double[rounds];
    long before = bytesRead();
    for (int i = 0; i < rounds; i++) {
      long begun = System.nanoTime();
      round(source, config, size, random);
      rates[i] = pairs / ((System.nanoTime() - begun) / 1e9);
    }
    long read = bytesRead() - before;
    Arrays.sort(rates);
    out.printf(
        Locale.ROOT,
        "speed   %.0f pairs a second on one thread (%.0f to %.0f), %s read a pair%n",
        rates[rounds / 2],
        rates[0],
        rates[rounds - 1],
        before < 0
            ? "an unknown number of bytes"
            : String.format(Locale.ROOT, "%.2f MB", read / 1e6 / rounds / pairs));
    return 0;
  }

  private void round(ClipSource source, DataConfig config, int size, SplittableRandom random)
      throws IOException {
    for (int i = 0; i < pairs; i++) {
      int index = random.nextInt(source.size());
      Clip clip = Clip.of(source.name(index), source.scene(index), size, config.slots());
      int longest = clip.frames() - 1;
      int gap = random.nextInt(Math.min(config.maxGap(), longest) + 1);
      int first = random.nextInt(clip.frames() - gap);
      int[] slots = IntStream.range(0, clip.objects()).toArray();
      FramePair pair = new FramePair(clip, first, first + gap, slots, false, false, 0);
      PairBatch.of(List.of(pair), size, config.slots());
    }
  }

  /** What this process has read from files, cached or not; −1 where the system does not say. */
  private static long bytesRead() throws IOException {
    Path io = Path.of("/proc/self/io");
    if (!Files.isReadable(io)) {
      return -1;
    }
    return Files.readAllLines(io).stream()
        .filter(line -> line.startsWith("rchar: "))
        .mapToLong(line -> Long.parseLong(line.substring(7)))
        .findFirst()
        .orElse(-1);
  }
}
