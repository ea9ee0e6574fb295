package nacre.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import nacre.cli.options.ShareOption;
import nacre.cli.options.UserException;
import nacre.cli.output.Progress;
import nacre.cli.ranks.Ranks;
import nacre.datasets.tfrecord.Shard;
import nacre.datasets.tfrecord.ShardIndex;
import nacre.datasets.tfrecord.ShardedClips;
import nacre.tensor.Memory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code nacre data index}. */
@Command(
    name = "index",
    description = {
      "Make the indexes of a data set's TFRecord files, and check all of their records.",
      "A run makes those that are missing when it needs them. Where it was stopped it goes on."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class DataIndex implements Callable<Integer>, ManyProcesses {
  /** Damaged records that are told of. */
  private static final int TOLD = 20;

  @Parameters(paramLabel = "[NAME:]PATH", description = "The data set.")
  private String data;

  @Mixin private ShareOption share;

  @Override
  public Integer call() throws IOException {
    PrintStream print = System.out;
    if (!(DataChoice.open(data) instanceof ShardedClips source)) {
      throw new UserException(
          data + ": is no data set of TFRecord files, which alone have indexes");
    }
    print.println("data    " + source.describe());
    List<Shard> all = source.shards();
    List<Shard> shards = all.subList(share.share().from(all.size()), share.share().to(all.size()));
    long records = 0;
    long frames = 0;
    long damaged = 0;
    boolean isStopped = false;
    List<String> faults = new ArrayList<>();
    Ranks ranks = Ranks.current();
    var limit = new Progress.Limit.Steps(shards.size(), "file");
    try (StopSignal stop = new StopSignal();
        Progress progress = Progress.start(print, limit, 0, Memory::liveBytes)) {
      for (int i = 0; i < shards.size() && !isStopped; i++) {
        for (ShardIndex.Entry entry : shards.get(i).index().entries()) {
          records++;
          frames += entry.frames();
          if (entry.fault() != null && damaged++ < TOLD) {
            faults.add("damaged " + shards.get(i).path() + ": " + entry.fault());
          }
        }
        progress.step(i + 1, 1);
        isStopped = stop.requested();
      }
    }
    ranks.lines(faults).stream().limit(TOLD).forEach(print::println);
    if (ranks.any(isStopped)) {
      print.println("stopped; the same command goes on");
      return TrainCommand.INTERRUPTED;
    }
    records = ranks.sum(records);
    frames = ranks.sum(frames);
    damaged = ranks.sum(damaged);
    print.printf(
        Locale.ROOT, "index   %,d records, %,d frames, %,d damaged%n", records, frames, damaged);
    return damaged == 0 ? 0 : 1;
  }
}
