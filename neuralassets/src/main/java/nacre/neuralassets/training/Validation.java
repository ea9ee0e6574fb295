package nacre.neuralassets.training;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import nacre.neuralassets.data.ClipPool;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.EncodedFrames;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.data.PairSampler;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.TrainingConfig;
import nacre.tensor.spi.Rendezvous;

/**
 * The validation loss: the training objective of the averaged parameters on pairs of held-out
 * clips. Pairs, timesteps and noise are drawn as in training, source frames as they are, but once,
 * and are the same in every run, so that losses of different steps and runs compare.
 */
public final class Validation {
  /** The number of pairs; from few clips several are drawn. */
  private static final int PAIRS = 64;

  /** Pairs whose noise is drawn together, whatever the batches of training. */
  private static final int TOGETHER = 8;

  private static final long SEED = 1;

  private final List<PairBatch> batches = new ArrayList<>();

  /**
   * Reads the pairs.
   *
   * @param clips the held-out clips, at least one
   * @param timesteps of the diffusion
   * @throws IOException in one line, if a clip cannot be read
   */
  public Validation(ClipSource clips, DataConfig config, Preset preset, int timesteps)
      throws IOException {
    this(
        new ClipPool(clips, config, preset.imageSize()),
        config,
        preset,
        timesteps,
        EncodedFrames.NONE);
  }

  /**
   * Reads the pairs.
   *
   * @param encoded what is known of the frames' encodings; the others as for {@link
   *     #Validation(ClipSource, DataConfig, Preset, int)}
   */
  public Validation(
      ClipPool clips, DataConfig config, Preset preset, int timesteps, EncodedFrames encoded) {
    TrainingConfig training = preset.training();
    var diffusion =
        new PairSampler.Diffusion(training.dropProbability(), timesteps, training.timestepPower());
    int size = preset.imageSize();
    PairSampler sampler =
        new PairSampler(
            clips, config.withWholeSources(), diffusion, SEED, size, of(preset, encoded));
    for (int i = 0; i < PAIRS / TOGETHER; i++) {
      batches.add(sampler.batch(i, TOGETHER));
    }
  }

  private static EncodedFrames of(Preset preset, EncodedFrames encoded) {
    return preset.seesSource() ? encoded.withSources() : encoded;
  }

  /** The mean loss over all pairs. */
  public double loss(Trainer trainer) {
    return loss(trainer, Rendezvous.ALONE);
  }

  /** The mean loss over all pairs, which ranks divide: as by one process, up to rounding. */
  public double loss(Trainer trainer, Rendezvous ranks) {
    ByteBuffer mine = ByteBuffer.allocate(batches.size() * Double.BYTES);
    for (int i = ranks.rank(); i < batches.size(); i += ranks.ranks()) {
      mine.putDouble(trainer.averagedLoss(batches.get(i), i));
    }
    byte[][] all = ranks.all(Arrays.copyOf(mine.array(), mine.position()));
    double sum = 0;
    for (int i = 0; i < batches.size(); i++) {
      int at = i / ranks.ranks() * Double.BYTES;
      sum += ByteBuffer.wrap(all[i % ranks.ranks()]).getDouble(at);
    }
    return sum / batches.size();
  }
}
