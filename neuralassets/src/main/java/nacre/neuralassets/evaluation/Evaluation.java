package nacre.neuralassets.evaluation;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.IntConsumer;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.data.Share;
import nacre.neuralassets.model.Conditioning;
import nacre.neuralassets.model.NeuralAssets;
import nacre.neuralassets.model.Sampler;
import nacre.neuralassets.scene.PoseVector;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.RandomNormal;
import nacre.tensor.spi.Rendezvous;

/**
 * An evaluation of how well a model places objects: the similarity of its images to the true target
 * frames within the 2D boxes of the targets' objects, beside two baselines.
 *
 * @param pairs number of pairs that counted; those whose target frame shows no object do not
 * @param model similarity of the model's images
 * @param copy similarity of the source frames themselves
 * @param foreign similarity of the model's images with the poses of another pair
 */
public record Evaluation(int pairs, Similarity model, Similarity copy, Similarity foreign) {
  /** The number of images that have noise in common. */
  public static final int BATCH = 40;

  /** Numbers that are found of a pair. */
  private static final int PAIR = 6;

  /** How a rank's answer begins. */
  private static final byte DONE = 0;

  private static final byte CANCELED = 1;

  /** Seed of the initial noise of sampling. */
  private static final long NOISE_SEED = 3;

  /** As {@link #of(Sampler, PairBatch, IntConsumer, Runnable)}, with nothing to do each step. */
  public static Evaluation of(Sampler sampler, PairBatch pairs, IntConsumer progress) {
    return of(sampler, pairs, progress, () -> {});
  }

  /** As {@link #of(Sampler, PairBatch, IntConsumer, Runnable, Rendezvous)}, by one process. */
  public static Evaluation of(
      Sampler sampler, PairBatch pairs, IntConsumer progress, Runnable eachStep) {
    return of(sampler, pairs, progress, eachStep, Rendezvous.ALONE);
  }

  /**
   * Evaluates a model. Several ranks draw a share of the pictures each, with the noise that one
   * would draw them with.
   *
   * @param pairs the pairs; for {@link #foreign} each gets the poses of the next
   * @param progress called with the number of images that this rank has drawn so far, whenever
   *     there are more; in the end twice as many as pairs of its share
   * @param eachStep called after each denoising step; what it throws ends the evaluation, on all
   *     ranks if that is a {@link CancellationException}
   * @param ranks that evaluate together, of the same model and pairs
   */
  public static Evaluation of(
      Sampler sampler, PairBatch pairs, IntConsumer progress, Runnable eachStep, Rendezvous ranks) {
    Share share = new Share(ranks.rank(), ranks.ranks());
    int end = share.to(pairs.count());
    ByteBuffer mine =
        ByteBuffer.allocate(1 + (end - share.from(pairs.count())) * PAIR * Double.BYTES).put(DONE);
    int drawn = 0;
    try {
      for (int from = share.from(pairs.count()); from < end; ) {
        int to = Math.min(end, (from / BATCH + 1) * BATCH);
        int before = drawn;
        measure(sampler, pairs, from, to, some -> progress.accept(before + some), eachStep, mine);
        drawn += 2 * (to - from);
        from = to;
      }
    } catch (CancellationException e) {
      ranks.all(new byte[] {CANCELED});
      throw e;
    }
    Sum model = new Sum();
    Sum copy = new Sum();
    Sum foreign = new Sum();
    for (byte[] bytes : ranks.all(Arrays.copyOf(mine.array(), mine.position()))) {
      ByteBuffer all = ByteBuffer.wrap(bytes);
      if (all.get() == CANCELED) {
        throw new CancellationException();
      }
      while (all.hasRemaining()) {
        for (Sum sum : List.of(model, copy, foreign)) {
          sum.add(new Similarity(all.getDouble(), all.getDouble()));
        }
      }
    }
    return new Evaluation(model.count, model.mean(), copy.mean(), foreign.mean());
  }

  /**
   * Draws some pairs of one batch, and puts down what each is like: the model's picture, the source
   * frame, and the picture with another pair's poses. A pair whose target shows no object is left
   * out.
   */
  private static void measure(
      Sampler sampler,
      PairBatch pairs,
      int from,
      int to,
      IntConsumer progress,
      Runnable eachStep,
      ByteBuffer found) {
    Conditioning own = pairs.conditioning();
    Conditioning others =
        own.withPoses(
            roll(own.poses(), own.slots() * PoseVector.LENGTH),
            roll(own.backgroundPoses(), PoseVector.LENGTH));
    int count = to - from;
    int size = pairs.size();
    float[] drawn = draw(sampler, own, from, to, progress, eachStep);
    float[] misled =
        draw(sampler, others, from, to, some -> progress.accept(count + some), eachStep);
    for (int i = 0; i < count; i++) {
      boolean[] mask = pairs.targetMask(from + i);
      if (isEmpty(mask)) {
        continue;
      }
      double[] target = picture(pairs.target(), from + i, size);
      for (double[] picture :
          List.of(
              picture(drawn, i, size),
              picture(own.source(), from + i, size),
              picture(misled, i, size))) {
        Similarity similarity = Similarity.of(picture, target, mask, size);
        found.putDouble(similarity.psnr()).putDouble(similarity.ssim());
      }
    }
  }

  private static boolean isEmpty(boolean[] mask) {
    for (boolean inside : mask) {
      if (inside) {
        return false;
      }
    }
    return true;
  }

  /** Every pair takes the values of the next. */
  private static float[] roll(float[] values, int length) {
    float[] rolled = new float[values.length];
    System.arraycopy(values, length, rolled, 0, values.length - length);
    System.arraycopy(values, 0, rolled, values.length - length, length);
    return rolled;
  }

  /** Pictures of some pairs of one batch, with those rows of the batch's noise. */
  private static float[] draw(
      Sampler sampler,
      Conditioning all,
      int start,
      int end,
      IntConsumer progress,
      Runnable eachStep) {
    NeuralAssets model = sampler.model();
    int side = model.preset().sampleSize();
    int at = start / BATCH * BATCH;
    int together = Math.min(BATCH, all.batch() - at);
    Shape shape = Shape.of(together, side, side, model.preset().sampleChannels());
    try (Scope _ = Scope.open()) {
      Tensor noise = RandomNormal.normal(model.device(), shape, NOISE_SEED, at);
      int length = all.source().length / all.batch();
      float[] drawn = new float[length * (end - start)];
      int most = sampler.batch();
      for (int from = start; from < end; from += most) {
        int to = Math.min(from + most, end);
        try (Scope _ = Scope.open()) {
          Conditioning some = all.slice(from, to - from);
          float[] images =
              sampler.sample(some, noise.rows(from - at, to - at), _ -> eachStep.run()).toFloats();
          System.arraycopy(images, 0, drawn, (from - start) * length, images.length);
        }
        progress.accept(to - start);
      }
      return drawn;
    }
  }

  /** Picture {@code i} of a batch in [−1, 1], as numbers in [0, 1]; clamped. */
  private static double[] picture(float[] batch, int i, int size) {
    double[] picture = new double[size * size * 3];
    for (int k = 0; k < picture.length; k++) {
      picture[k] = Math.clamp((batch[i * picture.length + k] + 1.0) / 2, 0, 1);
    }
    return picture;
  }

  private static final class Sum {
    private double psnr;
    private double ssim;
    private int count;

    void add(Similarity similarity) {
      psnr += similarity.psnr();
      ssim += similarity.ssim();
      count++;
    }

    Similarity mean() {
      return new Similarity(psnr / count, ssim / count);
    }
  }
}
