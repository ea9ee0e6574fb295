package nacre.diffusion;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import nacre.diffusion.checkpoint.Checkpoint;
import nacre.diffusion.checkpoint.Component;
import nacre.diffusion.checkpoint.OtherModels;
import nacre.diffusion.checkpoint.SingleFile;
import nacre.diffusion.checkpoint.WithVae;
import nacre.diffusion.schedule.Scheduler;
import nacre.diffusion.schedule.SchedulerChoice;
import nacre.diffusion.text.ClipTextConfig;
import nacre.diffusion.text.ClipTokenizer;
import nacre.diffusion.text.ClipVocabulary;
import nacre.diffusion.text.PromptEncoder;
import nacre.diffusion.unet.UNetConfig;
import nacre.diffusion.vae.Tiles;
import nacre.diffusion.vae.VaeConfig;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.weights.WeightsException;

/**
 * A Stable Diffusion model, version 1 or 2 (Rombach et al., 2022), that draws pictures from
 * prompts, equivalent to diffusers' {@code StableDiffusionPipeline} and {@code
 * StableDiffusionImg2ImgPipeline}, and to its pipelines for latent consistency models, with a CPU
 * generator for each image: a seed makes the same picture. There is no safety checker.
 *
 * <pre>{@code
 * try (var sd = StableDiffusion.load(Path.of("stable-diffusion-2-1-base"), Device.of("auto"))) {
 *   BufferedImage fox = sd.prompt("a fox in the snow").seed(42).steps(25).draw();
 *   ImageIO.write(fox, "png", new File("fox.png"));
 * }
 * }</pre>
 *
 * <p>Weights are read once and stay in memory until the model is closed, unless {@link
 * LoadOptions#residency} says otherwise. Thread-safe: one thread draws at a time, others wait.
 */
public final class StableDiffusion implements AutoCloseable {
  private static final String TOKENIZER = "tokenizer";

  private final ReentrantLock lock = new ReentrantLock();
  private final Path path;
  private final Checkpoint checkpoint;
  private final PromptEncoder prompts;
  private final int textLayers;
  private final UNetConfig unetConfig;
  private final VaeConfig vaeConfig;
  private final Models models;
  private final Pipeline pipeline;
  private final boolean latentConsistency;
  private boolean closed;

  private StableDiffusion(
      Path path, Checkpoint checkpoint, ClipTokenizer tokenizer, Device device, LoadOptions options)
      throws WeightsException {
    this.path = path;
    this.checkpoint = checkpoint;
    unetConfig = checkpoint.unetConfig();
    vaeConfig = checkpoint.vaeConfig();
    ClipTextConfig text = checkpoint.textEncoderConfig();
    prompts = new PromptEncoder(tokenizer, options.embeddings(), text);
    textLayers = text.numHiddenLayers();
    checkConfigs(text);
    checkpoint.checkNoiseSchedule();
    checkpoint.checkWeights();
    latentConsistency = ModelFolders.isLatentConsistency(path);
    models = new Models(checkpoint, device, options);
    pipeline = new Pipeline(models, prompts, isInpainting(), unetConfig.timeCondProjDim());
  }

  /** Refuses configs that are valid alone but inconsistent with each other. */
  private void checkConfigs(ClipTextConfig text) throws WeightsException {
    Optional<String> other = OtherModels.withInput(unetConfig.inChannels());
    if (other.isPresent() && vaeConfig.latentChannels() == 4) {
      throw new WeightsException(
          path, String.format(Locale.ROOT, "is %s, which is not supported", other.get()));
    }
    require(
        unetConfig.inChannels() == vaeConfig.latentChannels() || isInpainting(),
        "the UNet takes %d channels, the autoencoder makes %d: such a model is not supported",
        unetConfig.inChannels(),
        vaeConfig.latentChannels());
    require(
        unetConfig.outChannels() == vaeConfig.latentChannels(),
        "the UNet makes %d channels, the autoencoder %d: such a model is not supported",
        unetConfig.outChannels(),
        vaeConfig.latentChannels());
    require(
        unetConfig.crossAttentionDim() == text.hiddenSize(),
        "the UNet's cross_attention_dim is %d, the text encoder's hidden_size %d: they are not of"
            + " one model",
        unetConfig.crossAttentionDim(),
        text.hiddenSize());
    require(
        tokenizer().length() <= text.maxPositionEmbeddings(),
        "the tokenizer makes %d tokens, the text encoder takes %d: they are not of one model",
        tokenizer().length(),
        text.maxPositionEmbeddings());
  }

  private void require(boolean holds, String otherwise, int a, int b) throws WeightsException {
    if (!holds) {
      throw new WeightsException(path, String.format(Locale.ROOT, otherwise, a, b));
    }
  }

  /**
   * Loads a model in f32 and keeps its weights.
   *
   * @param model a folder as diffusers saves it, or a single file
   * @throws WeightsException if a file is missing or malformed, or of another pipeline, in one line
   */
  public static StableDiffusion load(Path model, Device device) throws WeightsException {
    return load(model, device, LoadOptions.DEFAULT);
  }

  /**
   * Loads a model; reads its weights immediately if they stay in memory.
   *
   * @param model a folder as diffusers saves it, or a single file
   * @throws WeightsException if a file is missing or malformed, or of another pipeline, in one line
   */
  public static StableDiffusion load(Path model, Device device, LoadOptions options)
      throws WeightsException {
    StableDiffusion opened = open(model, device, options);
    try {
      opened.models.load();
    } catch (WeightsException | RuntimeException | Error e) {
      opened.close();
      throw e;
    }
    return opened;
  }

  /**
   * As {@link #load}, but weights are always read when first needed.
   *
   * @throws WeightsException if a config is missing or malformed, or of another pipeline, in one
   *     line
   */
  public static StableDiffusion open(Path model, Device device, LoadOptions options)
      throws WeightsException {
    Checkpoint checkpoint =
        ModelFolders.open(model, options.hints(), EnumSet.allOf(Component.class));
    ClipTokenizer read = tokenizer(model, checkpoint, options.tokenizer());
    Checkpoint whole = options.vae() == null ? checkpoint : WithVae.of(checkpoint, options.vae());
    return new StableDiffusion(model, whole, read, device, options);
  }

  /** The one that was given, the model's own, the one beside a single file, or CLIP's. */
  private static ClipTokenizer tokenizer(Path model, Checkpoint checkpoint, Path given)
      throws WeightsException {
    if (!(checkpoint instanceof SingleFile file)) {
      return ClipTokenizer.read(given == null ? model.resolve(TOKENIZER) : given);
    }
    Path beside = model.resolveSibling(TOKENIZER);
    if (given != null || Files.isDirectory(beside)) {
      return ClipTokenizer.read(given == null ? beside : given, file.configs(TOKENIZER));
    }
    int size = checkpoint.textEncoderConfig().vocabSize();
    if (size < ClipVocabulary.SIZE) {
      throw new WeightsException(
          model,
          String.format(
              Locale.ROOT,
              "was trained with another vocabulary than CLIP's: its text encoder knows %d tokens,"
                  + " not %d; name the folder of its tokenizer (--tokenizer)",
              size,
              ClipVocabulary.SIZE));
    }
    return ClipTokenizer.ofClip(file.configs(TOKENIZER));
  }

  /**
   * Whether a path looks like a folder of diffusers, like a part of one, or like a file of a model.
   * {@link #open} may still refuse it, and says why.
   *
   * @throws WeightsException if a folder's index is malformed, in one line
   */
  public static boolean is(Path model) throws WeightsException {
    return ModelFolders.isStableDiffusion(model);
  }

  /** The tokenizer of plain prompts. */
  public ClipTokenizer tokenizer() {
    return prompts.tokenizer();
  }

  PromptEncoder prompts() {
    return prompts;
  }

  /** The number of layers of the text encoder, the most that {@link Prompt#clipSkip} leaves out. */
  public int textLayers() {
    return textLayers;
  }

  /**
   * What a user should know of the model though it can be used: keys of its configs and tensors of
   * its files that are passed over, a line each.
   *
   * @throws WeightsException if a config can no longer be read
   */
  public List<String> notes() throws WeightsException {
    return checkpoint.notes();
  }

  /** Width and height in pixels of the images that the model was trained on. */
  public int size() {
    return unetConfig.sampleSize() * sizeStep();
  }

  /**
   * Whether the model was trained to inpaint: its UNet takes a mask and the masked picture, and it
   * draws with {@link Prompt#mask} only.
   */
  public boolean isInpainting() {
    return unetConfig.inChannels() == 2 * vaeConfig.latentChannels() + 1;
  }

  /** Whether the folder is of one of diffusers' pipelines for latent consistency models. */
  boolean isLatentConsistency() {
    return latentConsistency;
  }

  /**
   * The family of the model, by the width of its text encoder: {@code Stable Diffusion 1.x} or
   * {@code 2.x}, and whether it is one for inpainting.
   */
  public String family() {
    String family =
        switch (unetConfig.crossAttentionDim()) {
          case 768 -> "Stable Diffusion 1.x";
          case 1024 -> "Stable Diffusion 2.x";
          default -> "Stable Diffusion of another size";
        };
    return isInpainting() ? family + " for inpainting" : family;
  }

  /** The number that width and height of an image must be multiples of. */
  public int sizeStep() {
    return 1 << (vaeConfig.blockOutChannels().size() - 1);
  }

  /**
   * The model's own scheduler, or a replacement.
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
   * A prompt for a picture; {@link Prompt#draw} draws it.
   *
   * @param text what the picture shows
   */
  public Prompt prompt(String text) {
    return new Prompt(this, text);
  }

  /**
   * The images of a request as a tensor, one for each seed, all at once: f32 {@code [N, height,
   * width, 3]} from −1 to 1, in the current scope.
   *
   * @param seeds each as diffusers' {@code torch.Generator().manual_seed(seed)} for its image
   * @throws WeightsException if weights are missing or malformed, in one line
   * @throws IllegalArgumentException if the request does not suit the model
   * @throws java.util.concurrent.CancellationException if the listener cancels it
   */
  public Tensor generate(
      ImageRequest request, Scheduler scheduler, long[] seeds, StepListener listener)
      throws WeightsException {
    latentShape(request);
    try (Scope scope = Scope.open()) {
      return scope.keep(generate(request, encode(request), scheduler, seeds, listener));
    }
  }

  /** The encoding of a request's prompts, which serves any number of batches. */
  Conditioning encode(ImageRequest request) throws WeightsException {
    lock.lock();
    try {
      requireOpen();
      return pipeline.encode(request);
    } finally {
      lock.unlock();
    }
  }

  /** As the public method, with an encoding. */
  Tensor generate(
      ImageRequest request,
      Conditioning encoded,
      Scheduler scheduler,
      long[] seeds,
      StepListener listener)
      throws WeightsException {
    Shape latent = latentShape(request);
    lock.lock();
    try {
      requireOpen();
      return pipeline.generate(request, encoded, latent, scheduler, seeds, listener);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Refuses pictures that cannot be drawn whatever happens: the last level of the autoencoder holds
   * two tensors of a picture's size at least.
   */
  void requireMemory(int width, int height) {
    long pixels = (long) width * height;
    long needed = 2 * pixels * vaeConfig.blockOutChannels().getFirst() * models.dtype().bytes();
    long there = device().isHost() ? Models.hostMemory() : Long.MAX_VALUE;
    if (needed > there || pixels > Integer.MAX_VALUE / 3) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "prompt: a picture of %d×%d takes more than %d GiB of memory%s; make it smaller",
              width,
              height,
              needed >> 30,
              device().isHost() ? ", the machine has " + (there >> 30) : ""));
    }
  }

  /** An estimate of the memory that drawing takes on the device, before anything is read. */
  public DrawingMemory memory(DrawingPlan plan) {
    long pixels = (long) plan.width() * plan.height();
    Tiles tiles = models.tiles();
    long tile = tiles == null ? pixels : (long) tiles.side() * tiles.side();
    int bytes = models.dtype().bytes();
    long latents = Math.min(plan.batch(), plan.count()) * (plan.guidance() == 1 ? 1L : 2L);
    long positions = pixels / sizeStep() / sizeStep();
    return models.drawing(
        DrawingMemory.step(latents * positions, unetConfig.blockOutChannels().getFirst(), bytes),
        DrawingMemory.decoding(pixels, tile, vaeConfig.blockOutChannels(), bytes));
  }

  Device device() {
    return models.device();
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("stable diffusion: " + path + " was closed");
    }
  }

  /** {@code [1, h, w, C]} of the latent of one image. */
  private Shape latentShape(ImageRequest request) {
    int step = sizeStep();
    if (request.width() % step != 0 || request.height() % step != 0) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "image request: the image is %d×%d; both sides must be multiples of %d",
              request.width(),
              request.height(),
              step));
    }
    return Shape.of(1, request.height() / step, request.width() / step, vaeConfig.latentChannels());
  }

  /**
   * Frees the weights, after waiting for a drawing in progress on another thread. The model cannot
   * be used afterwards; closing it again has no effect.
   *
   * @throws IllegalStateException if the listener of a drawing closes it
   */
  @Override
  public void close() {
    if (lock.isHeldByCurrentThread()) {
      throw new IllegalStateException("stable diffusion: is drawing; close it afterwards");
    }
    lock.lock();
    try {
      closed = true;
      models.close();
    } finally {
      lock.unlock();
    }
  }
}
