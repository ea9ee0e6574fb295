package nacre.evaluation.threedit;

import static nacre.tensor.ops.Ops.concat;

import java.util.function.IntConsumer;
import java.util.function.IntFunction;
import nacre.diffusion.NotFiniteException;
import nacre.diffusion.schedule.Guidance;
import nacre.diffusion.schedule.History;
import nacre.diffusion.schedule.Scheduler;
import nacre.tensor.CapturedStep;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * The sampler of a {@link ThreeDit}: DDIM with noise in each step. Where it is guided, the picture
 * without a condition has zeros for tokens, which do not pass {@code cc_projection}, and keeps the
 * source's latent.
 *
 * @param model the model
 * @param steps number of denoising steps; 50 as published
 * @param guidance the guidance scale; 1, the published default, for none, 3 in the published
 *     scripts
 * @param eta how much noise the steps add; 1 as published
 */
public record ThreeDitSampler(ThreeDit model, int steps, double guidance, double eta) {
  /** As the published scripts sample: 50 steps, guidance 3, eta 1. */
  public static ThreeDitSampler of(ThreeDit model) {
    return new ThreeDitSampler(model, 50, 3, 1);
  }

  /**
   * Pictures {@code [B, S, S, 3]}, about [−1, 1] and not clipped, in the current scope.
   *
   * @param context {@link ThreeDit#context}
   * @param source {@link ThreeDit#source}
   * @param first the noise to begin with, standard normal {@code [B, s, s, c]}
   * @param noise that of a step by its number, from 0, likewise
   * @param progress called after each step with the number of steps done
   * @throws NotFiniteException if what the model draws is not numbers
   */
  public Tensor sample(
      Tensor context,
      Tensor source,
      Tensor first,
      IntFunction<Tensor> noise,
      IntConsumer progress) {
    Scheduler scheduler = Scheduler.of(model.config().scheduler(), steps).withEta(eta);
    Device device = model.device();
    boolean guided = guidance != 1;
    try (Scope scope = Scope.open()) {
      Tensor none = Tensor.zeros(device, DType.F32, context.shape());
      Tensor contexts = guided ? concat(0, none, context) : context;
      Tensor sources = guided ? concat(0, source, source) : source;
      Tensor x = first.like(); // x and t keep their addresses: the captured prediction reads them
      Tensor t = Tensor.empty(device, DType.F32, Shape.of(contexts.dim(0)));
      device.backend().cast(first, x);
      History history = scheduler.start(0);
      try (CapturedStep prediction =
          CapturedStep.of(device, () -> predict(x, sources, t, contexts, guided))) {
        for (int i = 0; i < scheduler.steps(); i++) {
          try (Scope _ = Scope.open()) {
            device.backend().fill(t, scheduler.timestep(i));
            Tensor output = prediction.run();
            Tensor more = scheduler.isStochastic(i) ? noise.apply(i) : null;
            device.backend().cast(scheduler.step(i, output, x, more, history), x);
          }
          progress.accept(i + 1);
        }
      }
      Tensor pictures = model.decode(x);
      NotFiniteException.check(pictures, "the pictures that the model draws");
      return scope.keep(pictures);
    }
  }

  private Tensor predict(Tensor x, Tensor sources, Tensor t, Tensor contexts, boolean guided) {
    if (!guided) {
      return model.denoise(x, sources, t, contexts);
    }
    return Scope.tidy(
        () -> Guidance.guide(model.denoise(concat(0, x, x), sources, t, contexts), guidance));
  }
}
