package nacre.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Locale;
import java.util.function.BooleanSupplier;
import nacre.cli.options.UserException;
import nacre.cli.output.Progress;
import nacre.cli.ranks.Ranks;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.data.EncodedFrames;
import nacre.neuralassets.latents.LatentCache;
import nacre.neuralassets.latents.LatentPass;
import nacre.neuralassets.training.Trainer;
import nacre.tensor.Memory;

/**
 * The cache of {@code train --cache-latents} in a run.
 *
 * @param cache null without that option
 */
record LatentCaching(LatentCache cache) implements AutoCloseable {

  /**
   * Opens the cache.
   *
   * @param folder null without {@code --cache-latents}
   */
  static LatentCaching open(Path folder, Trainer trainer, PrintStream out) throws IOException {
    return new LatentCaching(
        folder == null
            ? null
            : LatentCache.open(
                folder,
                trainer.preset(),
                trainer.parameters(),
                line -> out.println("note    " + line)));
  }

  /** Complains in one line about data that cannot be cached. */
  static void requireFinite(Path folder, ClipSource source) {
    if (folder != null && source.size() == ClipSource.ENDLESS) {
      throw new UserException(
          "--cache-latents: "
              + source.describe()
              + ": there is no end of them to encode beforehand; give a data set with --data, or"
              + " leave the option out");
    }
  }

  /** What is known of the frames' encodings. */
  EncodedFrames frames() {
    return cache == null ? EncodedFrames.NONE : cache;
  }

  /**
   * Encodes the frames that the cache lacks; of several ranks each its share.
   *
   * @return false if stopped meanwhile; what was encoded is kept
   */
  boolean fill(RunData data, Trainer trainer, PrintStream out, BooleanSupplier stop, Ranks ranks)
      throws IOException {
    if (cache == null) {
      return true;
    }
    LatentPass pass =
        new LatentPass(cache, data.source(), data.config(), trainer.averaged(), data.bad());
    boolean done = ranks.ofFirst(pass.isComplete());
    if (!done) {
      ranks.rendezvous().barrier(); // the last to open it has cleared what was left behind
      try (Progress progress =
          Progress.start(out, new Progress.Limit.Steps(0), 0, Memory::liveBytes)) {
        done =
            pass.encode(
                stop,
                (at, total) -> progress.phase("encoding the data set's frames", at, total),
                ranks.share());
      }
      done = !ranks.any(!done);
      cache.reread();
      if (done && ranks.isFirst()) {
        pass.complete();
      }
    }
    out.printf(
        Locale.ROOT,
        "latents %,d frames in %s, %,d of them encoded now%s%n",
        cache.frames(),
        cache.folder(),
        ranks.sum(pass.encoded()),
        done ? "" : "; stopped before the last");
    return done;
  }

  @Override
  public void close() {
    if (cache != null) {
      cache.close();
    }
  }
}
