package nacre.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import nacre.cli.options.Accepts;
import nacre.cli.options.ShareOption;
import nacre.cli.options.UserException;
import nacre.cli.output.Progress;
import nacre.cli.ranks.Ranks;
import nacre.datasets.pack.PackWriter;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.data.Share;
import nacre.tensor.Memory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code nacre data pack}. */
@Command(
    name = "pack",
    description = {
      "Pack a data set at a model's size: pictures without loss, boxes and cameras, nothing else.",
      "Where it was stopped it goes on. A pack is a data set, for --data; so is a folder of packs",
      "that several processes wrote, each its share."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class DataPack implements Callable<Integer>, ManyProcesses {
  @Parameters(paramLabel = "[NAME:]PATH", description = "The data set.")
  private String data;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "FOLDER",
      description =
          "The pack's folder; of several processes that a launcher started, of their packs.")
  private Path out;

  @Option(
      names = "--size",
      paramLabel = "PIXELS",
      defaultValue = "256",
      description = "Width and height of the frames; 256 unless given.")
  @Accepts(from = 8, to = 4096)
  private int size;

  @Option(
      names = "--shard-mb",
      paramLabel = "N",
      defaultValue = "512",
      description = "Size of a file in MB, about; 512 unless given.")
  @Accepts(from = 1, to = 1_000_000)
  private long shard;

  @Mixin private ShareOption share;

  @Mixin private Skipping skipping;

  @Override
  public Integer call() throws IOException {
    PrintStream print = System.out;
    ClipSource all = DataChoice.open(data);
    if (all.size() == ClipSource.ENDLESS) {
      throw new UserException(all.describe() + ": has no end, and cannot be packed");
    }
    Share part = share.share();
    print.println("data    " + all.describe());
    boolean done;
    var limit = new Progress.Limit.Steps(part.of(all).size(), "clip");
    try (StopSignal stop = new StopSignal();
        Progress progress = Progress.start(print, limit, 0, Memory::liveBytes)) {
      var bad = skipping.bad(progress::note);
      PackWriter writer = new PackWriter(folder(), all, part, size, shard << 20, bad);
      done = writer.run(stop::requested, (at, total) -> progress.step(at, 1));
      if (bad.count() > 0) {
        progress.note(String.format(Locale.ROOT, "left out: %,d", bad.count()));
      }
    }
    done = !Ranks.current().any(!done);
    print.println(done ? "pack    " + out : "stopped; the same command goes on");
    return done ? 0 : TrainCommand.INTERRUPTED;
  }

  /** Where this process packs. */
  private Path folder() {
    Ranks ranks = Ranks.current();
    return ranks.several()
        ? out.resolve(String.format(Locale.ROOT, "%d-of-%d", ranks.rank() + 1, ranks.ranks()))
        : out;
  }
}
