package nacre.neuralassets.evaluation;

import java.util.function.IntConsumer;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.model.Conditioning;
import nacre.neuralassets.model.NeuralAssets;
import nacre.neuralassets.model.Sampler;
import nacre.neuralassets.scene.PoseVector;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.RandomNormal;

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

  /** Seed of the initial noise of sampling. */
  private static final long NOISE_SEED = 3;

  /** As {@link #of(Sampler, PairBatch, IntConsumer, Runnable)}, with nothing to do each step. */
  public static Evaluation of(Sampler sampler, PairBatch pairs, IntConsumer progress) {
    return of(sampler, pairs, progress, () -> {});
  }

  /**
   * Evaluates a model.
   *
   * @param pairs the pairs; for {@link #foreign} each gets the poses of the next
   * @param progress called with the number of images drawn so far, whenever there are more; in the
   *     end twice as many as pairs
   * @param eachStep called after each denoising step; what it throws ends the evaluation
   */
  public static Evaluation of(
      Sampler sampler, PairBatch pairs, IntConsumer progress, Runnable eachStep) {
    Sum model = new Sum();
    Sum copy = new Sum();
    Sum foreign = new Sum();
    Conditioning own = pairs.conditioning();
    Conditioning others =
        own.withPoses(
            roll(own.poses(), own.slots() * PoseVector.LENGTH),
            roll(own.backgroundPoses(), PoseVector.LENGTH));
    for (int at = 0; at < pairs.count(); at += BATCH) {
      int count = Math.min(BATCH, pairs.count() - at);
      int before = 2 * at;
      float[] drawn =
          draw(sampler, own, at, count, some -> progress.accept(before + some), eachStep);
      float[] misled =
          draw(
              sampler, others, at, count, some -> progress.accept(before + count + some), eachStep);
      for (int i = 0; i < count; i++) {
        boolean[] mask = pairs.targetMask(at + i);
        if (isEmpty(mask)) {
          continue;
        }
        double[] target = picture(pairs.target(), at + i, pairs.size());
        model.add(Similarity.of(picture(drawn, i, pairs.size()), target, mask, pairs.size()));
        foreign.add(Similarity.of(picture(misled, i, pairs.size()), target, mask, pairs.size()));
        double[] source = picture(own.source(), at + i, pairs.size());
        copy.add(Similarity.of(source, target, mask, pairs.size()));
      }
    }
    return new Evaluation(model.count, model.mean(), copy.mean(), foreign.mean());
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

  private static float[] draw(
      Sampler sampler,
      Conditioning all,
      int at,
      int count,
      IntConsumer progress,
      Runnable eachStep) {
    NeuralAssets model = sampler.model();
    int side = model.preset().sampleSize();
    Shape shape = Shape.of(count, side, side, model.preset().sampleChannels());
    try (Scope _ = Scope.open()) {
      Tensor noise = RandomNormal.normal(model.device(), shape, NOISE_SEED, at);
      float[] drawn = new float[all.source().length / all.batch() * count];
      int most = sampler.batch();
      for (int from = 0; from < count; from += most) {
        int to = Math.min(from + most, count);
        try (Scope _ = Scope.open()) {
          Conditioning some = all.slice(at + from, to - from);
          float[] images =
              sampler.sample(some, noise.rows(from, to), _ -> eachStep.run()).toFloats();
          System.arraycopy(images, 0, drawn, from * (drawn.length / count), images.length);
        }
        progress.accept(to);
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
