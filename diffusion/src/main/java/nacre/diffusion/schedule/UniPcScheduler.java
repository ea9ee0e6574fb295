package nacre.diffusion.schedule;

import java.util.ArrayList;
import java.util.List;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * Unified predictor-corrector, multistep (Zhao et al., "UniPC", 2023), as diffusers' {@code
 * UniPCMultistepScheduler}: each output of the model first corrects the sample that it was asked
 * for, then predicts the next one.
 */
public final class UniPcScheduler extends LevelScheduler {
  private final UniPcConfig method;

  UniPcScheduler(NoiseSchedule schedule, UniPcConfig method, int steps) {
    LevelPath.Rules rules =
        new LevelPath.Rules(
            schedule.config().timestepSpacing(), Double.NEGATIVE_INFINITY, true, false);
    super(new LevelPath(schedule, method.sigmas(), rules, steps));
    this.method = method;
  }

  @Override
  public History start(int index) {
    return new History(index, method.order() + 1);
  }

  @Override
  public Tensor step(int index, Tensor output, Tensor sample, Tensor noise, History history) {
    history.add(index, sample, output);
    int before = history.before();
    try (Scope scope = Scope.open()) {
      List<Tensor> estimates = new ArrayList<>();
      for (int ago = 0; ago <= Math.min(before, method.order()); ago++) {
        estimates.add(method.estimate(path, index - ago, history.sample(ago), history.output(ago)));
      }
      Tensor corrected = sample;
      if (before > 0 && !method.disableCorrector().contains(index - 1)) {
        corrected = correct(index, order(index - 1, before - 1), history.noted(1), estimates);
      }
      history.note(corrected);
      return scope.keep(predict(index, order(index, before), corrected, estimates));
    }
  }

  private int order(int index, int before) {
    int order = Math.min(method.order(), before + 1);
    return method.lowerOrderFinal() ? Math.min(order, path.length() - index) : order;
  }

  /** The next sample from the estimates, the newest first. */
  private Tensor predict(int index, int order, Tensor sample, List<Tensor> estimates) {
    UniPcWeights weights = weights(index, order);
    double[] shares = weights.predictor();
    WeightedTensor[] terms = new WeightedTensor[order];
    double ofNewest = weights.ofEstimate();
    for (int i = 1; i < order; i++) {
      double share = weights.ofDifferences() * shares[i - 1] / weights.ratio(i);
      terms[i] = new WeightedTensor(share, estimates.get(i));
      ofNewest -= share;
    }
    terms[0] = new WeightedTensor(ofNewest, estimates.getFirst());
    return WeightedTensor.sum(new WeightedTensor(weights.ofSample(), sample), terms);
  }

  /**
   * The current sample again, from the one before and the estimates, the newest of which belongs to
   * the current sample.
   */
  private Tensor correct(int index, int order, Tensor last, List<Tensor> estimates) {
    UniPcWeights weights = weights(index - 1, order);
    double[] shares = weights.corrector();
    WeightedTensor[] terms = new WeightedTensor[order + 1];
    double ofNewest = weights.ofDifferences() * shares[order - 1];
    terms[0] = new WeightedTensor(ofNewest, estimates.getFirst());
    double ofLast = weights.ofEstimate() - ofNewest;
    for (int i = 1; i < order; i++) {
      double share = weights.ofDifferences() * shares[i - 1] / weights.ratio(i);
      terms[i + 1] = new WeightedTensor(share, estimates.get(i + 1));
      ofLast -= share;
    }
    terms[1] = new WeightedTensor(ofLast, estimates.get(1));
    return WeightedTensor.sum(new WeightedTensor(weights.ofSample(), last), terms);
  }

  private UniPcWeights weights(int index, int order) {
    NoiseLevel[] older = new NoiseLevel[order - 1];
    for (int i = 0; i < older.length; i++) {
      older[i] = path.level(index - 1 - i);
    }
    return new UniPcWeights(method, path.level(index), path.level(index + 1), older);
  }
}
