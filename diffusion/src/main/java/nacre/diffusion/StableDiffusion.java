package nacre.diffusion;

import static nacre.tensor.ops.Affine.scale;
import static nacre.tensor.ops.Cast.cast;
import static nacre.tensor.ops.Concat.concat;
import static nacre.tensor.ops.Slice.slice;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.function.IntConsumer;
import nacre.diffusion.checkpoint.Checkpoint;
import nacre.diffusion.checkpoint.Component;
import nacre.diffusion.checkpoint.DiffusersFolder;
import nacre.diffusion.checkpoint.SingleFile;
import nacre.diffusion.schedule.Guidance;
import nacre.diffusion.schedule.History;
import nacre.diffusion.schedule.Scheduler;
import nacre.diffusion.schedule.SchedulerChoice;
import nacre.diffusion.text.ClipTextModel;
import nacre.diffusion.text.ClipTokenizer;
import nacre.diffusion.unet.UNet2DCondition;
import nacre.diffusion.unet.UNetConfig;
import nacre.diffusion.vae.AutoencoderKL;
import nacre.diffusion.vae.LatentDistribution;
import nacre.diffusion.vae.VaeConfig;
import nacre.nn.Parameters;
import nacre.tensor.CapturedStep;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.Clamp;
import nacre.weights.JsonFile;
import nacre.weights.WeightsException;

/**
 * Text to image with Stable Diffusion 1 and 2 (Rombach et al., 2022), as diffusers' {@code
 * StableDiffusionPipeline} and {@code StableDiffusionImg2ImgPipeline} with a CPU generator for each
 * image: a seed makes the same picture.
 *
 * <p>Text encoder, UNet and autoencoder are read when their turn comes and freed behind it, so that
 * there is never more than one of them in memory. Latents stay in f32 between steps, whatever the
 * models compute in. There is no safety checker.
 */
public final class StableDiffusion {
  private static final Set<String> PIPELINES =
      Set.of("StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline");

  private static final String INDEX = "model_index.json";
  private static final String TOKENIZER = "tokenizer";

  private final Checkpoint checkpoint;
  private final Device device;
  private final DType dtype;
  private final ClipTokenizer tokenizer;
  private final UNetConfig unetConfig;
  private final VaeConfig vaeConfig;

  private StableDiffusion(
      Path path, Checkpoint checkpoint, ClipTokenizer tokenizer, Device device, DType dtype)
      throws WeightsException {
    this.checkpoint = checkpoint;
    this.tokenizer = tokenizer;
    this.device = device;
    this.dtype = dtype;
    unetConfig = checkpoint.config(Component.UNET.config(), UNetConfig::of);
    vaeConfig = checkpoint.config(Component.VAE.config(), VaeConfig::of);
    if (unetConfig.inChannels() != vaeConfig.latentChannels()) {
      throw new WeightsException(
          path,
          "the UNet takes %d channels, the autoencoder makes %d: such a model is not supported"
              .formatted(unetConfig.inChannels(), vaeConfig.latentChannels()));
    }
  }

  /**
   * The pipeline of a folder as diffusers saves it, or of a single file; its weights are not read
   * yet.
   *
   * @param tokenizer folder of the tokenizer; null for {@code tokenizer/} in the model's folder, or
   *     beside the single file, which has none in it
   * @param dtype what to keep weights in and to compute in, f32 or bf16; the files may be in
   *     another
   * @throws WeightsException if a file is missing or malformed, or the pipeline another, in one
   *     line
   */
  public static StableDiffusion open(Path model, Path tokenizer, Device device, DType dtype)
      throws WeightsException {
    boolean folder = Files.isDirectory(model);
    if (folder) {
      String pipeline = pipelineName(model);
      if (!PIPELINES.contains(pipeline)) {
        throw new WeightsException(
            model, "is a %s, StableDiffusionPipeline is wanted".formatted(pipeline));
      }
    }
    Checkpoint checkpoint = Checkpoint.open(model);
    Path words = folder ? model.resolve(TOKENIZER) : model.resolveSibling(TOKENIZER);
    Path from = tokenizer == null ? words : tokenizer;
    ClipTokenizer read =
        switch (checkpoint) {
          case SingleFile file -> ClipTokenizer.read(from, file.configs(TOKENIZER));
          case DiffusersFolder _ -> ClipTokenizer.read(from);
        };
    return new StableDiffusion(model, checkpoint, read, device, dtype);
  }

  /**
   * Whether a path looks like one of diffusers' pipelines, or like a single file. It need not be
   * one that {@link #open} takes, which says why not.
   *
   * @throws WeightsException if a folder's index is malformed, in one line
   */
  public static boolean is(Path model) throws WeightsException {
    return Files.exists(model.resolve(INDEX))
        ? pipelineName(model).endsWith("Pipeline")
        : Files.isRegularFile(model) && model.toString().endsWith(".safetensors");
  }

  private static String pipelineName(Path folder) throws WeightsException {
    return JsonFile.read(folder.resolve(INDEX), json -> json.path("_class_name").asText(""));
  }

  /** What cuts prompts into tokens. */
  public ClipTokenizer tokenizer() {
    return tokenizer;
  }

  /** Width and height in pixels of the images that the model was trained on. */
  public int size() {
    return unetConfig.sampleSize() * sizeStep();
  }

  /** What the width and the height of an image must be multiples of. */
  public int sizeStep() {
    return 1 << (vaeConfig.blockOutChannels().size() - 1);
  }

  /**
   * The model's own scheduler, or another in its place.
   *
   * @param choice null for the model's own
   * @param steps number of steps
   * @throws WeightsException if its file is missing or malformed, in one line
   */
  public Scheduler scheduler(SchedulerChoice choice, int steps) throws WeightsException {
    return choice == null
        ? checkpoint.readScheduler(steps)
        : checkpoint.readScheduler(choice, steps);
  }

  /**
   * The images of a request, one for each seed, all at once: f32 {@code [N, height, width, 3]} from
   * −1 to 1.
   *
   * @param seeds each as diffusers' {@code torch.Generator().manual_seed(seed)} for its image
   * @param progress told the number of steps done after each
   * @throws WeightsException if weights are missing or malformed, in one line
   * @throws IllegalArgumentException if the request does not suit the model
   */
  public Tensor generate(
      ImageRequest request, Scheduler scheduler, long[] seeds, IntConsumer progress)
      throws WeightsException {
    int first = request.initial() == null ? 0 : scheduler.beginIndex(request.initial().strength());
    Shape shape = latentShape(request);
    Noise noise = new Noise(device, shape, seeds);
    try (Scope scope = Scope.open()) {
      Tensor latents;
      if (request.initial() == null) {
        latents = scale(noise.next(), scheduler.initNoiseSigma());
      } else {
        Tensor clean = encode(request.initial().pixels(), noise);
        latents = scheduler.addNoise(first, clean, noise.next());
      }
      Tensor context = context(request, seeds.length);
      return scope.keep(
          decode(denoise(request, scheduler, first, latents, context, noise, progress)));
    }
  }

  /** {@code [1, h, w, C]} of the latent of one image. */
  private Shape latentShape(ImageRequest request) {
    int step = sizeStep();
    if (request.width() % step != 0 || request.height() % step != 0) {
      throw new IllegalArgumentException(
          "image request: the image is %d×%d; both sides must be multiples of %d"
              .formatted(request.width(), request.height(), step));
    }
    return Shape.of(1, request.height() / step, request.width() / step, vaeConfig.latentChannels());
  }

  /**
   * What the UNet is told of the prompts, {@code [images, T, C]}, or {@code [2 · images, T, C]}
   * with the negative prompt first.
   */
  private Tensor context(ImageRequest request, int images) throws WeightsException {
    try (Scope scope = Scope.open()) {
      ClipTextModel encoder = load(checkpoint::readTextEncoder);
      String[] prompts =
          request.isGuided()
              ? new String[] {request.negative(), request.prompt()}
              : new String[] {request.prompt()};
      int[] ids =
          Arrays.stream(prompts)
              .flatMapToInt(p -> Arrays.stream(tokenizer.encode(p).ids()))
              .toArray();
      Shape shape = Shape.of(prompts.length, tokenizer.length());
      Tensor encoded = encoder.forward(Tensor.ofInts(device, shape, ids)); // [1 or 2, T, C]
      Tensor[] rows = new Tensor[prompts.length * images];
      for (int i = 0; i < prompts.length; i++) {
        Arrays.fill(rows, i * images, (i + 1) * images, slice(encoded, 0, i, 1));
      }
      return scope.keep(concat(0, rows));
    }
  }

  private Tensor denoise(
      ImageRequest request,
      Scheduler scheduler,
      int first,
      Tensor start,
      Tensor context,
      Noise noise,
      IntConsumer progress)
      throws WeightsException {
    try (Scope scope = Scope.open()) {
      UNet2DCondition unet = load(checkpoint::readUNet);
      History history = scheduler.start(first);
      Tensor x = start;
      // These stay where they are: the prediction is repeated on them.
      Tensor seen = Tensor.empty(device, dtype, start.shape());
      Tensor timesteps = Tensor.empty(device, DType.F32, Shape.of(context.dim(0)));
      try (CapturedStep prediction =
          CapturedStep.of(
              device, () -> predict(unet, seen, timesteps, context, request.guidance()))) {
        for (int i = first; i < scheduler.steps(); i++) {
          try (Scope step = Scope.open()) {
            device.backend().cast(scheduler.scaleModelInput(i, x), seen);
            device.backend().fill(timesteps, scheduler.timestep(i));
            Tensor output = prediction.run();
            Tensor more = scheduler.isStochastic(i) ? noise.next() : null;
            Tensor next = step.keep(scheduler.step(i, output, x, more, history));
            x.close();
            x = next;
          }
          progress.accept(i - first + 1);
        }
      }
      return scope.keep(x);
    }
  }

  /**
   * What the UNet, guided, makes of latents {@code [N, h, w, C]}: as many, f32.
   *
   * @param context as many, or twice as many with the negative prompts first
   */
  private static Tensor predict(
      UNet2DCondition unet, Tensor seen, Tensor timesteps, Tensor context, double guidance) {
    int images = seen.dim(0);
    if (context.dim(0) == images) {
      return cast(unet.forward(seen, timesteps, context), DType.F32);
    }
    Tensor both = cast(unet.forward(concat(0, seen, seen), timesteps, context), DType.F32);
    return Guidance.guide(both, guidance);
  }

  /** A sample of the image's latent for each seed, {@code f32[N, h, w, C]}. */
  private Tensor encode(Tensor pixels, Noise noise) throws WeightsException {
    try (Scope scope = Scope.open()) {
      AutoencoderKL vae = load(checkpoint::readVae);
      Tensor moments = cast(vae.encode(cast(pixels, dtype)).moments(), DType.F32);
      Tensor sampled = new LatentDistribution(moments).sample(noise.next());
      return scope.keep(vae.toDiffusion(sampled));
    }
  }

  /** One image after the other: memory is one image's. */
  private Tensor decode(Tensor latents) throws WeightsException {
    try (Scope scope = Scope.open()) {
      AutoencoderKL vae = load(checkpoint::readVae);
      Tensor[] images = new Tensor[latents.dim(0)];
      for (int i = 0; i < images.length; i++) {
        try (Scope one = Scope.open()) {
          Tensor latent = cast(vae.fromDiffusion(slice(latents, 0, i, 1)), dtype);
          images[i] = one.keep(Clamp.clamp(cast(vae.decode(latent), DType.F32), -1, 1));
        }
      }
      return scope.keep(concat(0, images));
    }
  }

  @FunctionalInterface
  private interface Reader<T> {
    T read(Parameters p) throws WeightsException;
  }

  /** A model that belongs to the current scope. */
  private <T> T load(Reader<T> reader) throws WeightsException {
    Parameters p = Parameters.unwritten(device, dtype).frozen();
    T model = reader.read(p);
    p.prepack();
    return model;
  }
}
