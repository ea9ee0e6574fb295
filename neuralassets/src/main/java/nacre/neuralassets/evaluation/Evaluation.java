package nacre.neuralassets.evaluation;

import java.util.function.IntConsumer;
import nacre.neuralassets.data.BoxMask;
import nacre.neuralassets.data.PairBatch;
import nacre.neuralassets.model.Conditions;
import nacre.neuralassets.model.NeuralAssets;
import nacre.neuralassets.model.Sampler;
import nacre.neuralassets.scene.PoseVector;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.RandomNormal;

/**
 * How well a model puts objects where it is told to: likeness to the true target frame within the
 * 2D boxes of the target's objects, beside two yardsticks.
 *
 * @param pairs pairs that counted; those in whose target no object is to be seen do not
 * @param model of what the model draws
 * @param copy of the source frame itself
 * @param foreign of what the model draws with the poses of another pair
 */
public record Evaluation(int pairs, Similarity model, Similarity copy, Similarity foreign) {
  /** Pictures drawn at a time. */
  public static final int BATCH = 40;

  /** Seed of the noise that sampling begins with. */
  private static final long NOISE_SEED = 3;

  /**
   * Evaluates a model.
   *
   * @param pairs whose poses are exchanged with those of the next for the third number
   * @param progress told the number of pictures drawn so far, twice as many as pairs in the end
   */
  public static Evaluation of(Sampler sampler, PairBatch pairs, IntConsumer progress) {
    Sum model = new Sum();
    Sum copy = new Sum();
    Sum foreign = new Sum();
    Conditions own = pairs.conditions();
    Conditions others =
        new Conditions(
            own.size(),
            own.slots(),
            own.source(),
            own.boxes(),
            roll(own.poses(), own.slots() * PoseVector.LENGTH),
            roll(own.backgroundPoses(), PoseVector.LENGTH),
            own.keep());
    int done = 0;
    for (int at = 0; at < pairs.count(); at += BATCH) {
      int count = Math.min(BATCH, pairs.count() - at);
      float[] drawn = draw(sampler, own, at, count);
      progress.accept(done += count);
      float[] misled = draw(sampler, others, at, count);
      progress.accept(done += count);
      for (int i = 0; i < count; i++) {
        boolean[] mask =
            BoxMask.of(
                pairs.targetBoxes(), 4 * pairs.slots() * (at + i), pairs.slots(), pairs.size());
        if (isEmpty(mask)) {
          continue;
        }
        double[] target = picture(pairs.target(), at + i, pairs.size());
        model.add(Similarity.of(picture(drawn, i, pairs.size()), target, mask, pairs.size()));
        foreign.add(Similarity.of(picture(misled, i, pairs.size()), target, mask, pairs.size()));
        double[] source = picture(pairs.source(), at + i, pairs.size());
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

  private static float[] draw(Sampler sampler, Conditions all, int at, int count) {
    NeuralAssets model = sampler.model();
    int side = model.preset().sampleSize();
    Shape shape = Shape.of(count, side, side, model.preset().sampleChannels());
    try (Scope _ = Scope.open()) {
      Tensor noise = RandomNormal.normal(model.device(), shape, NOISE_SEED, at);
      return sampler.sample(all.slice(at, count), noise).toFloats();
    }
  }

  /** Picture {@code i} of a batch in [−1, 1], as numbers in [0, 1]; what lies outside is cut. */
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
