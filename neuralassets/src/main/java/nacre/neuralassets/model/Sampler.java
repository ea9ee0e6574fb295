package nacre.neuralassets.model;

import static nacre.tensor.ops.Arithmetic.add;
import static nacre.tensor.ops.Concat.concat;
import static nacre.tensor.ops.Slice.slice;

import java.util.function.IntConsumer;
import nacre.diffusion.schedule.Guidance;
import nacre.diffusion.schedule.History;
import nacre.diffusion.schedule.Scheduler;
import nacre.tensor.DType;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * Draws images from noise: DDIM without added noise, with classifier-free guidance.
 *
 * @param model what predicts
 * @param steps how often it is asked
 * @param guidance how far to go from the prediction without conditions to the one with them; 1 asks
 *     for the latter only, which halves the work
 */
public record Sampler(NeuralAssets model, int steps, double guidance) {

  /** A sampler with the steps and the guidance of the model's preset. */
  public static Sampler of(NeuralAssets model) {
    Preset.Sampling sampling = model.preset().sampling();
    return new Sampler(model, sampling.numInferenceSteps(), sampling.guidanceScale());
  }

  /** As {@link #sample(Conditions, Tensor, IntConsumer)}, without telling how far it is. */
  public Tensor sample(Conditions conditions, Tensor noise) {
    return sample(conditions, noise, step -> {});
  }

  /**
   * The images that conditions ask for, {@code [B, S, S, 3]}, about [−1, 1] and not clipped.
   *
   * @param noise standard normal, {@code [B, s, s, c]}
   * @param progress told the number of steps done after each
   */
  public Tensor sample(Conditions conditions, Tensor noise, IntConsumer progress) {
    try (Scope scope = Scope.open()) {
      return scope.hand(sample(model.tokens(conditions), noise, progress));
    }
  }

  /**
   * The images that tokens ask for, which may come from several scenes.
   *
   * @param tokens {@code [B, K (N + 1), C]}, as {@link NeuralAssets#tokens(Conditions)} makes them
   * @param noise as in {@link #sample(Conditions, Tensor, IntConsumer)}
   * @param progress as there
   */
  public Tensor sample(Tensor tokens, Tensor noise, IntConsumer progress) {
    Scheduler scheduler = Scheduler.of(model.preset().scheduler(), steps);
    try (Scope scope = Scope.open()) {
      Tensor both = withUnconditional(tokens);
      History history = scheduler.start(0);
      Tensor x = noise;
      for (int i = 0; i < scheduler.steps(); i++) {
        Tensor next = step(scheduler, i, x, both, history);
        if (x != noise) {
          x.close();
        }
        x = next;
        progress.accept(i + 1);
      }
      return scope.hand(model.samples().toImages(x));
    }
  }

  /** With guidance, tokens without conditions before those with them, {@code [2B, ..]}. */
  private Tensor withUnconditional(Tensor led) {
    if (guidance == 1) {
      return led;
    }
    try (Scope scope = Scope.open()) {
      int cells = model.preset().assetTokens().tokensPerObject();
      Tensor free = model.unconditionalTokens(led.dim(1) / cells - 1);
      Tensor each = Tensor.zeros(led.device(), led.dtype(), led.shape());
      return scope.hand(concat(0, add(each, free), led));
    }
  }

  private Tensor step(Scheduler scheduler, int i, Tensor x, Tensor tokens, History history) {
    try (Scope scope = Scope.open()) {
      int batch = x.dim(0);
      Shape rows = Shape.of(tokens.dim(0));
      Tensor at = Tensor.full(x.device(), DType.F32, rows, scheduler.timestep(i));
      Tensor prediction;
      if (guidance == 1) {
        prediction = model.denoise(x, at, tokens);
      } else {
        Tensor both = model.denoise(concat(0, x, x), at, tokens);
        Tensor free = slice(both, 0, 0, batch);
        prediction = Guidance.guide(free, slice(both, 0, batch, batch), guidance);
      }
      return scope.hand(scheduler.step(i, prediction, x, null, history));
    }
  }
}
