package nacre.diffusion;

import static nacre.tensor.ops.Affine.affine;
import static nacre.tensor.ops.Affine.scale;
import static nacre.tensor.ops.Arithmetic.multiply;
import static nacre.tensor.ops.Cast.cast;
import static nacre.tensor.ops.Concat.concat;
import static nacre.tensor.ops.Pool.averagePool;
import static nacre.tensor.ops.Slice.slice;

import java.awt.image.BufferedImage;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import nacre.diffusion.checkpoint.Component;
import nacre.diffusion.image.RgbImage;
import nacre.diffusion.schedule.History;
import nacre.diffusion.schedule.NoiseSchedule;
import nacre.diffusion.schedule.Scheduler;
import nacre.diffusion.text.PromptEncoder;
import nacre.diffusion.unet.GuidanceEmbedding;
import nacre.diffusion.unet.UNet2DCondition;
import nacre.diffusion.vae.AutoencoderKL;
import nacre.diffusion.vae.LatentDistribution;
import nacre.diffusion.vae.Tiles;
import nacre.tensor.CapturedStep;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.Clamp;
import nacre.tensor.spi.Window;
import nacre.weights.WeightsException;

/**
 * The stages from prompts to images: text encoder, denoising, autoencoder. Latents stay in f32
 * between steps, whatever the models compute in.
 */
final class Pipeline {
  /** Latents along a side of a preview; its decoding takes a sixteenth of that of 64. */
  private static final int PREVIEW_SIDE = 16;

  private final Models models;
  private final PromptEncoder prompts;
  private final boolean maskedInput;
  private final int guidanceWidth;
  private final Device device;
  private final DType dtype;
  private final Tiles tiles;

  /**
   * A pipeline.
   *
   * @param maskedInput whether the UNet takes a mask and the masked picture's latents beside the
   *     noisy ones
   * @param guidanceWidth width of the embedded guidance that the UNet takes, which then runs once a
   *     step; 0 for none
   */
  Pipeline(Models models, PromptEncoder prompts, boolean maskedInput, int guidanceWidth) {
    this.models = models;
    this.prompts = prompts;
    this.maskedInput = maskedInput;
    this.guidanceWidth = guidanceWidth;
    this.device = models.device();
    this.dtype = models.dtype();
    this.tiles = models.tiles();
  }

  /** The encodings of a request's prompts, for one image. */
  Conditioning encode(ImageRequest request) throws WeightsException {
    try (Scope scope = Scope.open()) {
      Conditioning encoded =
          models.withTextEncoder(
              encoder ->
                  new Conditioning(
                      prompts.encode(encoder, request.prompt(), request.options(), false),
                      request.isGuided() && guidanceWidth == 0
                          ? prompts.encode(encoder, request.negative(), request.options(), true)
                          : null));
      for (Tensor each : encoded.tensors()) {
        models.requireFinite(Component.TEXT_ENCODER, each, "the encoded prompt");
        scope.keep(each);
      }
      return encoded;
    }
  }

  /**
   * The images of a request, one for each seed, all at once: f32 {@code [N, height, width, 3]} from
   * −1 to 1.
   *
   * @param encoded the result of {@link #encode} for the request
   * @param latent {@code [1, h, w, C]} of one image
   */
  Tensor generate(
      ImageRequest request,
      Conditioning encoded,
      Shape latent,
      Scheduler scheduler,
      long[] seeds,
      StepListener listener)
      throws WeightsException {
    int first = request.initial() == null ? 0 : scheduler.beginIndex(request.initial().strength());
    Noise noise = new Noise(device, latent, seeds);
    try (Scope scope = Scope.open()) {
      Start start = start(request.initial(), scheduler, first, noise);
      Conditioning context = encoded.repeat(seeds.length).joined();
      Tensor denoised =
          models.withUNet(
              unet ->
                  denoise(
                      unet, request.guidance(), scheduler, first, start, context, noise, listener));
      return scope.keep(decode(denoised));
    }
  }

  /**
   * What denoising begins with.
   *
   * @param latents {@code f32[N, h, w, C]}
   * @param condition what the UNet's input has beside latents, {@code [N, h, w, 1 + C]}; null for
   *     nothing
   * @param kept null where nothing is kept, or where the UNet keeps it
   */
  private record Start(Tensor latents, Tensor condition, Inpainting kept) {}

  private Start start(ImageRequest.Initial initial, Scheduler scheduler, int first, Noise noise)
      throws WeightsException {
    if (initial == null) {
      return new Start(scale(noise.next(), scheduler.initNoiseSigma()), null, null);
    }
    // The order of the noises is that of diffusers.
    return models.withVae(
        vae -> {
          boolean conditioned = initial.mask() != null && maskedInput;
          Tensor clean =
              conditioned && initial.isNoiseAlone() ? null : encode(vae, initial.pixels(), noise);
          Tensor drawn = noise.next();
          Tensor latents =
              initial.isNoiseAlone()
                  ? scale(drawn, scheduler.initNoiseSigma())
                  : scheduler.addNoise(first, clean, drawn);
          if (initial.mask() == null) {
            return new Start(latents, null, null);
          }
          Tensor mask = Inpainting.atLatentSize(initial.mask(), vae.config().downsampling());
          if (!conditioned) {
            noise.next(); // for the masked picture, which diffusers encodes here, too, for nothing
            return new Start(latents, null, new Inpainting(mask, clean, drawn));
          }
          Tensor masked = encodeVisible(vae, initial, noise);
          Tensor[] masks = new Tensor[latents.dim(0)];
          Arrays.fill(masks, mask);
          return new Start(latents, cast(concat(3, concat(0, masks), masked), dtype), null);
        });
  }

  private Tensor denoise(
      UNet2DCondition unet,
      double guidance,
      Scheduler scheduler,
      int first,
      Start start,
      Conditioning context,
      Noise noise,
      StepListener listener)
      throws WeightsException {
    try (Scope scope = Scope.open()) {
      History history = scheduler.start(first);
      Tensor x = start.latents;
      // These tensors keep their addresses: the captured step reads them.
      Tensor input = Tensor.empty(device, dtype, x.shape());
      Tensor timesteps = Tensor.empty(device, DType.F32, Shape.of(1)); // the same of all rows
      Tensor embedded =
          guidanceWidth == 0
              ? null
              : GuidanceEmbedding.of(device, dtype, guidance, context.rows(), guidanceWidth);
      Conditioning.Contexts contexts = context.contexts(unet);
      try (CapturedStep prediction =
          CapturedStep.of(
              device,
              () -> {
                Tensor seen = start.condition == null ? input : concat(3, input, start.condition);
                return contexts.predict(unet, seen, timesteps, guidance, embedded);
              })) {
        for (int i = first; i < scheduler.steps(); i++) {
          try (Scope step = Scope.open()) {
            device.backend().cast(scheduler.scaleModelInput(i, x), input);
            device.backend().fill(timesteps, scheduler.timestep(i));
            Tensor output = prediction.run();
            Tensor before = x;
            int index = i;
            Tensor more = scheduler.isStochastic(i) ? noise.next() : null;
            Tensor next = scheduler.step(i, output, x, more, history);
            if (start.kept != null) {
              next = start.kept.blend(scheduler, i, next);
            }
            if (i == first || i == scheduler.steps() - 1) {
              String what = "the latents after step " + (i - first + 1);
              models.requireFinite(Component.UNET, next, what);
            }
            if (!listener.onStep(
                i - first + 1,
                scheduler.steps() - first,
                () -> preview(scheduler, index, before, output))) {
              throw new CancellationException("drawing was canceled");
            }
            step.keep(next);
            x.close();
            x = next;
          }
        }
      }
      return scope.keep(x);
    }
  }

  /**
   * The first image as a prediction implies it, small; none where the autoencoder would have to be
   * read for it.
   *
   * @param x what the prediction was made of
   */
  private Optional<BufferedImage> preview(Scheduler scheduler, int i, Tensor x, Tensor output) {
    if (!models.kept()) {
      return Optional.empty();
    }
    NoiseSchedule schedule = scheduler.schedule();
    int timestep = Math.clamp((long) scheduler.timestep(i), 0, schedule.timesteps() - 1);
    int factor = Math.max(1, Math.max(x.dim(1), x.dim(2)) / PREVIEW_SIDE);
    try (Scope _ = Scope.open()) {
      Tensor sample = slice(scheduler.scaleModelInput(i, x), 0, 0, 1);
      Tensor clean = schedule.clean(timestep, sample, cast(slice(output, 0, 0, 1), DType.F32));
      Tensor small = factor == 1 ? clean : averagePool(clean, factor, Window.of(factor, 0));
      Tensor image =
          models.withVae(vae -> cast(vae.decode(cast(vae.fromDiffusion(small), dtype)), DType.F32));
      return Optional.of(RgbImage.ofTensor(image)[0].toBufferedImage());
    } catch (WeightsException e) {
      return Optional.empty(); // read already
    }
  }

  /** {@link #encode} of an image whose masked part is gray. */
  private Tensor encodeVisible(AutoencoderKL vae, ImageRequest.Initial image, Noise noise)
      throws WeightsException {
    try (Scope scope = Scope.open()) {
      Tensor visible = multiply(image.pixels(), affine(image.mask(), -1, 1));
      return scope.keep(encode(vae, visible, noise));
    }
  }

  /** A sample of an image's latent for each seed, {@code f32[N, h, w, C]}. */
  private Tensor encode(AutoencoderKL vae, Tensor pixels, Noise noise) throws WeightsException {
    try (Scope scope = Scope.open()) {
      Tensor moments = cast(moments(vae, cast(pixels, dtype)), DType.F32);
      models.requireFinite(Component.VAE, moments, "the initial picture's latents");
      Tensor sampled = new LatentDistribution(moments).sample(noise.next());
      return scope.keep(vae.toDiffusion(sampled));
    }
  }

  /** One image after the other, so that memory is that of one image. */
  private Tensor decode(Tensor latents) throws WeightsException {
    return models.withVae(
        vae -> {
          try (Scope scope = Scope.open()) {
            Tensor[] images = new Tensor[latents.dim(0)];
            models.decoded(0, images.length);
            for (int i = 0; i < images.length; i++) {
              try (Scope one = Scope.open()) {
                Tensor latent = cast(vae.fromDiffusion(slice(latents, 0, i, 1)), dtype);
                Tensor decoded = cast(image(vae, latent), DType.F32);
                models.requireFinite(Component.VAE, decoded, "the picture");
                images[i] = one.keep(Clamp.clamp(decoded, -1, 1));
              }
              models.decoded(i + 1, images.length);
            }
            return scope.keep(concat(0, images));
          }
        });
  }

  private Tensor moments(AutoencoderKL vae, Tensor pixels) {
    return (tiles == null ? vae.encode(pixels) : tiles.encode(vae, pixels)).moments();
  }

  private Tensor image(AutoencoderKL vae, Tensor latent) {
    return tiles == null ? vae.decode(latent) : tiles.decode(vae, latent);
  }
}
