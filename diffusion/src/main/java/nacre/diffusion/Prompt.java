package nacre.diffusion;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Supplier;
import java.util.stream.LongStream;
import nacre.diffusion.image.RgbImage;
import nacre.diffusion.schedule.Scheduler;
import nacre.diffusion.schedule.SchedulerChoice;
import nacre.diffusion.schedule.SchedulerFactory;
import nacre.diffusion.schedule.Schedulers;
import nacre.diffusion.text.PromptOptions;
import nacre.diffusion.text.PromptSyntax;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import nacre.weights.WeightsException;

/**
 * A prompt with its settings: a picture to draw, or several. {@link StableDiffusion#prompt} creates
 * it, the setters return it, and {@link #draw} may be called repeatedly. Not thread-safe.
 */
public final class Prompt {
  /** The default number of steps. */
  public static final int DEFAULT_STEPS = 25;

  /** The default guidance scale. */
  public static final double DEFAULT_GUIDANCE = 7.5;

  /** The default strength without a mask. */
  public static final double DEFAULT_STRENGTH = 0.8;

  /** The default strength with a mask. */
  public static final double DEFAULT_MASKED_STRENGTH = 1;

  private final StableDiffusion model;
  private final String text;
  private String negative = "";
  private long seed;
  private int steps = DEFAULT_STEPS;
  private double guidance = DEFAULT_GUIDANCE;
  private SchedulerChoice scheduler;
  private double eta;
  private int width;
  private int height;
  private RgbImage initial;
  private RgbImage mask;
  private OptionalDouble strength = OptionalDouble.empty();
  private PromptSyntax syntax = PromptSyntax.PLAIN;
  private int clipSkip;
  private int count = 1;
  private int batch = 1;
  private StepListener listener = (_, _) -> true;

  Prompt(StableDiffusion model, String text) {
    this.model = model;
    this.text = Objects.requireNonNull(text, "prompt");
  }

  /** The negative prompt, which says what the picture should not show; empty by default. */
  public Prompt negative(String other) {
    negative = Objects.requireNonNull(other, "negative");
    return this;
  }

  /**
   * The seed of the noise, as diffusers' {@code torch.Generator().manual_seed(seed)}; 0 by default.
   * Further pictures have the seeds that follow, 0 after 2⁶⁴ − 1, which is −1, too.
   *
   * @param value signed, or unsigned as by {@link Long#parseUnsignedLong(String)}
   */
  public Prompt seed(long value) {
    seed = value;
    return this;
  }

  /** The number of steps; {@value #DEFAULT_STEPS} by default. */
  public Prompt steps(int number) {
    requireAtLeastOne("steps", number);
    steps = number;
    return this;
  }

  /**
   * The scale of classifier-free guidance; {@value #DEFAULT_GUIDANCE} by default. 1 or less leaves
   * the negative prompt out, which halves the work.
   */
  public Prompt guidance(double scale) {
    if (!(scale >= 0) || Double.isInfinite(scale)) {
      throw new IllegalArgumentException("prompt: guidance is " + scale + ", 0 or more is wanted");
    }
    guidance = scale;
    return this;
  }

  /**
   * The scheduler, by a name in {@link Schedulers#choices} or one that another tool has for it; the
   * model's own by default.
   *
   * @throws IllegalArgumentException if there is none
   */
  public Prompt scheduler(String name) {
    scheduler = Schedulers.named(name);
    return this;
  }

  /**
   * How much noise the steps of DDIM and TCD add, from 0, none, which is the default, to 1, all
   * that they can. {@link #plan} refuses it for schedulers without.
   */
  public Prompt eta(double share) {
    if (!(share >= 0 && share <= 1)) {
      throw new IllegalArgumentException("prompt: eta is " + share + ", 0 to 1 is wanted");
    }
    eta = share;
    return this;
  }

  /** A custom scheduler, {@code MyScheduler::new}. */
  public Prompt scheduler(SchedulerFactory factory) {
    scheduler = SchedulerChoice.of(factory);
    return this;
  }

  /** Width and height in pixels; by default the initial picture's, or the model's. */
  public Prompt size(int newWidth, int newHeight) {
    int multiple = model.sizeStep();
    if (newWidth < 1 || newHeight < 1 || newWidth % multiple != 0 || newHeight % multiple != 0) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "prompt: size is %d×%d, multiples of %d are wanted",
              newWidth,
              newHeight,
              multiple));
    }
    width = newWidth;
    height = newHeight;
    return this;
  }

  /** A square picture with sides of so many pixels. */
  public Prompt size(int side) {
    return size(side, side);
  }

  /** The initial picture of image to image; scaled to {@link #size} if that is set. */
  public Prompt init(BufferedImage picture) {
    initial = RgbImage.of(picture);
    return this;
  }

  /**
   * The mask of inpainting: where it is white (a luma of 128 or more) the {@link #init initial
   * picture} is drawn anew, where it is black it stays. A mask of another size is scaled to the
   * picture's. Models that were not trained to inpaint take one as well.
   *
   * @throws IllegalArgumentException if it has transparent pixels, which say nothing
   */
  public Prompt mask(BufferedImage picture) {
    if (!RgbImage.isOpaque(picture)) {
      throw new IllegalArgumentException(
          "prompt: the mask has transparent pixels; white marks what is drawn anew, black what is"
              + " kept");
    }
    mask = RgbImage.of(picture);
    return this;
  }

  /**
   * The strength of image to image, the share of the steps to take: near 0 keeps nearly all of the
   * initial picture, 1 nearly nothing; {@value #DEFAULT_STRENGTH} by default, {@value
   * #DEFAULT_MASKED_STRENGTH} with a mask.
   */
  public Prompt strength(double share) {
    strength = OptionalDouble.of(share);
    return this;
  }

  private double strength() {
    return strength.orElse(mask == null ? DEFAULT_STRENGTH : DEFAULT_MASKED_STRENGTH);
  }

  /** What signs in both prompts mean; by default nothing. */
  public Prompt syntax(PromptSyntax other) {
    syntax = Objects.requireNonNull(other, "syntax");
    return this;
  }

  /**
   * How many of the text encoder's last layers are left out, as {@code clip_skip} of diffusers; 0
   * by default. 1 is what other tools call "Clip skip 2".
   */
  public Prompt clipSkip(int layers) {
    if (layers < 0 || layers > model.textLayers()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "prompt: clip skip is %d, from 0 to %d is wanted, the text encoder's layers",
              layers,
              model.textLayers()));
    }
    clipSkip = layers;
    return this;
  }

  /** The number of pictures; 1 by default. */
  public Prompt count(int pictures) {
    requireAtLeastOne("count", pictures);
    count = pictures;
    return this;
  }

  /** The number of pictures drawn at a time, which affects speed and memory only; 1 by default. */
  public Prompt batch(int pictures) {
    requireAtLeastOne("batch", pictures);
    batch = pictures;
    return this;
  }

  /** A listener to the steps of all pictures, which may cancel the drawing. */
  public Prompt onStep(StepListener follower) {
    listener = Objects.requireNonNull(follower, "onStep");
    return this;
  }

  private static void requireAtLeastOne(String what, int number) {
    if (number < 1) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "prompt: %s is %d, at least 1 is wanted", what, number));
    }
  }

  /**
   * Plans the drawing without doing it.
   *
   * @throws WeightsException if the scheduler's file is missing or malformed, in one line
   * @throws IllegalArgumentException if the numbers are inconsistent, or a prompt uses what its
   *     syntax has and Nacre does not
   */
  public DrawingPlan plan() throws WeightsException {
    check(text, "prompt", false);
    check(negative, "negative prompt", true);
    if (mask != null && initial == null) {
      throw new IllegalArgumentException("prompt: the mask is of an initial picture; set init");
    }
    if (mask == null && model.isInpainting()) {
      throw new IllegalArgumentException(
          "prompt: the model was trained to inpaint; set init and mask");
    }
    int[] size = dimensions();
    model.requireMemory(size[0], size[1]);
    Scheduler made = model.scheduler(scheduler, steps).withEta(eta);
    if (initial != null && model.isLatentConsistency()) {
      made = made.within(strength());
    }
    int first = initial == null ? 0 : made.beginIndex(strength());
    return new DrawingPlan(size[0], size[1], guidance, made, first, count, Math.min(batch, count));
  }

  /**
   * The words of {@link LoadOptions#embeddings} that neither prompt names: such an embedding
   * changes nothing. A word is to stand in a prompt as it is, with its angle brackets if it has
   * any. Without guidance the negative prompt is not read.
   */
  public List<String> unusedEmbeddings() {
    return model.prompts().unused(text, guidance > 1 ? negative : "", syntax);
  }

  private void check(String prompt, String what, boolean isNegative) {
    try {
      model.prompts().check(prompt, options(), isNegative);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(what + ": " + e.getMessage(), e);
    }
  }

  private PromptOptions options() {
    return new PromptOptions(syntax, clipSkip);
  }

  private int[] dimensions() {
    if (width > 0) {
      return new int[] {width, height};
    }
    if (initial == null) {
      return new int[] {model.size(), model.size()};
    }
    int multiple = model.sizeStep();
    if (initial.width() < multiple || initial.height() < multiple) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "prompt: the initial picture is %d×%d, at least %d×%d is wanted",
              initial.width(),
              initial.height(),
              multiple,
              multiple));
    }
    return new int[] {
      initial.width() - initial.width() % multiple, initial.height() - initial.height() % multiple
    };
  }

  /**
   * Draws the picture.
   *
   * @throws WeightsException if weights are missing or malformed, in one line
   * @throws IllegalStateException if there are several: {@link #drawAll} draws them
   * @throws java.util.concurrent.CancellationException if the listener cancels it
   */
  public BufferedImage draw() throws WeightsException {
    if (count != 1) {
      throw new IllegalStateException("prompt: count is " + count + "; call drawAll()");
    }
    return drawAll().getFirst();
  }

  /**
   * Draws all pictures.
   *
   * @return in the order of their seeds
   * @throws WeightsException if weights are missing or malformed, in one line
   * @throws java.util.concurrent.CancellationException if the listener cancels it
   */
  public List<BufferedImage> drawAll() throws WeightsException {
    List<BufferedImage> drawn = new ArrayList<>();
    try {
      drawEach((_, picture) -> drawn.add(picture));
    } catch (WeightsException e) {
      throw e;
    } catch (IOException e) {
      throw new UncheckedIOException(e); // the sink does not write
    }
    return drawn;
  }

  /**
   * Draws all pictures and passes each to the sink as soon as its batch is done.
   *
   * @throws IOException if the sink throws it, or as {@link WeightsException} if weights are
   *     missing or malformed
   * @throws java.util.concurrent.CancellationException if the listener cancels it
   */
  public void drawEach(ImageSink sink) throws IOException {
    DrawingPlan plan = plan();
    try (Scope _ = Scope.open()) {
      ImageRequest request = request(plan);
      Conditioning encoded = model.encode(request);
      for (int i = 0; i < plan.batches(); i++) {
        int done = i * plan.stepsPerBatch();
        long first = seed + (long) i * plan.batch();
        int images = Math.min(plan.batch(), count - i * plan.batch());
        long[] seeds = LongStream.range(0, images).map(j -> first + j).toArray();
        RgbImage[] pictures = pictures(request, encoded, plan, seeds, done);
        for (int j = 0; j < images; j++) {
          sink.accept(seeds[j], pictures[j].toBufferedImage());
        }
      }
    }
  }

  private RgbImage[] pictures(
      ImageRequest request, Conditioning encoded, DrawingPlan plan, long[] seeds, int done)
      throws WeightsException {
    StepListener all =
        new StepListener() {
          @Override
          public boolean onStep(int step, int of) {
            return listener.onStep(done + step, plan.steps());
          }

          @Override
          public boolean onStep(int step, int of, Supplier<Optional<BufferedImage>> preview) {
            return listener.onStep(done + step, plan.steps(), preview);
          }
        };
    try (Scope _ = Scope.open()) {
      return RgbImage.ofTensor(model.generate(request, encoded, plan.scheduler(), seeds, all));
    }
  }

  private ImageRequest request(DrawingPlan plan) {
    ImageRequest.Initial start = initial == null ? null : initial(plan.width(), plan.height());
    return new ImageRequest(
        text, negative, plan.width(), plan.height(), guidance, start, options());
  }

  private ImageRequest.Initial initial(int toWidth, int toHeight) {
    Device device = model.device();
    Tensor pixels = initial.resize(toWidth, toHeight).toTensor(device);
    Tensor masked = mask == null ? null : mask.resize(toWidth, toHeight).toMask(device);
    return new ImageRequest.Initial(pixels, strength(), masked);
  }
}
