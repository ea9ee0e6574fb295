package nacre.neuralassets.model;

import static nacre.tensor.ops.Arithmetic.add;
import static nacre.tensor.ops.Concat.concat;

import java.util.function.IntConsumer;
import java.util.function.Supplier;
import nacre.diffusion.Inpainting;
import nacre.diffusion.NotFiniteException;
import nacre.diffusion.schedule.DdimInverseScheduler;
import nacre.diffusion.schedule.Guidance;
import nacre.diffusion.schedule.History;
import nacre.diffusion.schedule.Scheduler;
import nacre.diffusion.unet.UNetConfig;
import nacre.nn.AttentionContext;
import nacre.tensor.CapturedStep;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * The sampler of images: deterministic DDIM with classifier-free guidance.
 *
 * @param model the model
 * @param steps number of denoising steps
 * @param guidance the guidance scale; 1 for none, which halves the work
 */
public record Sampler(NeuralAssets model, int steps, double guidance) {
  /** Numbers in one activation of the UNet's first level, of a batch without guidance. */
  private static final long MOST_ACTIVATIONS = 1 << 22;

  private static final int MOST_IMAGES = 40;

  /** A spectator of sampling, who may look at the images that the model has in mind. */
  @FunctionalInterface
  public interface Spectator {
    /**
     * One step was done; what this throws ends the sampling.
     *
     * @param done the number of steps done
     * @param images the model's estimate of the finished images, {@code [B, S, S, 3]} about [−1,
     *     1], made when asked for, in the current scope, before this returns
     */
    void step(int done, Supplier<Tensor> images);
  }

  /** A sampler with the steps and the guidance scale of the model's preset. */
  public static Sampler of(NeuralAssets model) {
    Preset.Sampling sampling = model.preset().sampling();
    return new Sampler(model, sampling.numInferenceSteps(), sampling.guidanceScale());
  }

  /**
   * The number of images that are best drawn at a time: some dozens of small ones, a few of large
   * ones, whose activations fill the memory and the cores alone.
   */
  public int batch() {
    UNetConfig unet = model.preset().unet();
    long pixels = (long) unet.sampleSize() * unet.sampleSize();
    return Math.clamp(
        MOST_ACTIVATIONS / (pixels * unet.blockOutChannels().getFirst()), 1, MOST_IMAGES);
  }

  /** As {@link #sample(Conditioning, Tensor, IntConsumer)}, without reporting progress. */
  public Tensor sample(Conditioning conditioning, Tensor noise) {
    return sample(conditioning, noise, step -> {});
  }

  /**
   * Images of a conditioning, {@code [B, S, S, 3]}, about [−1, 1] and not clipped.
   *
   * @param noise standard normal, {@code [B, s, s, c]}
   * @param progress called after each step with the number of steps done
   * @throws NotFiniteException if what the model draws is not numbers
   */
  public Tensor sample(Conditioning conditioning, Tensor noise, IntConsumer progress) {
    return Scope.tidy(() -> sample(model.encode(conditioning), noise, null, progress));
  }

  /**
   * Images of tokens, which may come from several scenes.
   *
   * @param tokens {@code [B, K (N + 1), C]}, as {@link NeuralAssets#tokens(Conditioning)} makes
   *     them
   * @param noise as in {@link #sample(Conditioning, Tensor, IntConsumer)}
   * @param progress as there
   */
  public Tensor sample(Tensor tokens, Tensor noise, IntConsumer progress) {
    return sample(tokens, noise, null, progress);
  }

  /**
   * Images of which a part is kept.
   *
   * @param kept what is kept, in samples; null to draw everything anew. The images there are those
   *     of {@link SampleSpace}: what an autoencoder makes of them
   * @param tokens as in {@link #sample(Tensor, Tensor, IntConsumer)}, and so are the others
   */
  public Tensor sample(Tensor tokens, Tensor noise, Inpainting kept, IntConsumer progress) {
    return sample(new EncodedConditioning(tokens, null), noise, kept, progress);
  }

  /** As the other, also of models whose UNet sees the source frame. */
  public Tensor sample(
      EncodedConditioning given, Tensor noise, Inpainting kept, IntConsumer progress) {
    return sample(given, noise, kept, (done, _) -> progress.accept(done));
  }

  /** As the other, for a spectator. */
  public Tensor sample(
      EncodedConditioning given, Tensor noise, Inpainting kept, Spectator spectator) {
    Scheduler scheduler = Scheduler.of(model.preset().scheduler(), steps);
    return Scope.tidy(
        () -> {
          Tensor images = model.samples().toImages(run(scheduler, given, noise, kept, spectator));
          NotFiniteException.check(images, "the pictures that the model draws");
          return images;
        });
  }

  /** As the other, of models whose UNet does not see the source frame. */
  public Tensor invert(Tensor tokens, Tensor samples, IntConsumer progress) {
    return invert(new EncodedConditioning(tokens, null), samples, progress);
  }

  /**
   * The noise from which samples are drawn again, about: DDIM inversion, without guidance, in as
   * many steps as drawing takes. {@code [B, s, s, c] → [B, s, s, c]}.
   *
   * @param given the scenes that the samples show
   * @param samples see {@link SampleSpace#toSamples}
   * @param progress called after each step with the number of steps done
   */
  public Tensor invert(EncodedConditioning given, Tensor samples, IntConsumer progress) {
    Scheduler inverse = DdimInverseScheduler.of(model.preset().scheduler(), steps);
    Tensor noise =
        new Sampler(model, steps, 1)
            .run(inverse, given, samples, null, (done, _) -> progress.accept(done));
    NotFiniteException.check(noise, "the noise that the model inverts a picture to");
    return noise;
  }

  /** All steps of a scheduler, from samples {@code [B, s, s, c]} to others. */
  private Tensor run(
      Scheduler scheduler,
      EncodedConditioning given,
      Tensor from,
      Inpainting kept,
      Spectator spectator) {
    Device device = model.device();
    try (Scope scope = Scope.open()) {
      EncodedConditioning both = withUnconditional(given);
      Tensor x = from.like(); // x and t keep their addresses: the captured prediction reads them
      Tensor t = Tensor.empty(device, DType.F32, Shape.of(1)); // the same of all rows
      device.backend().cast(from, x);
      History history = scheduler.start(0);
      AttentionContext tokens = model.constant(both.tokens());
      try (CapturedStep prediction =
          CapturedStep.of(device, () -> predict(x, t, tokens, both.source()))) {
        for (int i = 0; i < scheduler.steps(); i++) {
          try (Scope _ = Scope.open()) {
            device.backend().fill(t, scheduler.timestep(i));
            Tensor output = prediction.run();
            double timestep = scheduler.timestep(i);
            Tensor next = scheduler.step(i, output, x, null, history);
            spectator.step(i + 1, () -> estimate(scheduler, timestep, x, output));
            device.backend().cast(kept == null ? next : kept.blend(scheduler, i, next), x);
          }
        }
      }
      return scope.keep(x);
    }
  }

  /** The finished images that a prediction implies. */
  private Tensor estimate(Scheduler scheduler, double timestep, Tensor x, Tensor output) {
    return Scope.tidy(
        () -> model.samples().toImages(scheduler.schedule().clean((int) timestep, x, output)));
  }

  /**
   * With guidance, the unconditional tokens before the conditional ones, {@code [2B, ..]}. Both see
   * the source frame, as in 3DIT.
   */
  private EncodedConditioning withUnconditional(EncodedConditioning given) {
    if (guidance == 1) {
      return given;
    }
    Tensor conditional = given.tokens();
    int slots = model.preset().assetTokens().slots(conditional.dim(1));
    Tensor tokens =
        Scope.tidy(
            () -> {
              Tensor unconditional = model.unconditionalTokens(slots);
              Tensor each =
                  Tensor.zeros(conditional.device(), conditional.dtype(), conditional.shape());
              return concat(0, add(each, unconditional), conditional);
            });
    Tensor source = given.source();
    return new EncodedConditioning(tokens, source == null ? null : concat(0, source, source));
  }

  /** The model's guided prediction on x {@code [B, s, s, c]}. */
  private Tensor predict(Tensor x, Tensor timesteps, AttentionContext tokens, Tensor source) {
    if (guidance == 1) {
      return model.denoise(x, timesteps, tokens, source);
    }
    return Scope.tidy(
        () -> Guidance.guide(model.denoise(concat(0, x, x), timesteps, tokens, source), guidance));
  }
}
