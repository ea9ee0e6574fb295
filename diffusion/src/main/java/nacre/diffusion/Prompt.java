package nacre.diffusion;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.LongStream;
import nacre.diffusion.image.RgbImage;
import nacre.diffusion.schedule.Scheduler;
import nacre.diffusion.schedule.SchedulerChoice;
import nacre.diffusion.schedule.SchedulerFactory;
import nacre.diffusion.schedule.Schedulers;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import nacre.weights.WeightsException;

/**
 * A prompt with its settings: a picture to draw, or several. Made by {@link
 * StableDiffusion#prompt}, changed by methods that return it, drawn by {@link #draw}, and to be
 * drawn again. Not for several threads at a time.
 */
public final class Prompt {
  /** Number of steps unless given. */
  public static final int DEFAULT_STEPS = 25;

  /** Scale of guidance unless given. */
  public static final double DEFAULT_GUIDANCE = 7.5;

  /** Strength unless given. */
  public static final double DEFAULT_STRENGTH = 0.8;

  private final StableDiffusion model;
  private final String text;
  private String negative = "";
  private long seed;
  private int steps = DEFAULT_STEPS;
  private double guidance = DEFAULT_GUIDANCE;
  private SchedulerChoice scheduler;
  private int width;
  private int height;
  private RgbImage initial;
  private double strength = DEFAULT_STRENGTH;
  private int count = 1;
  private int batch = 1;
  private StepListener listener = (_, _) -> true;

  Prompt(StableDiffusion model, String text) {
    this.model = model;
    this.text = Objects.requireNonNull(text, "prompt");
  }

  /** The negative prompt, of what the picture does not show; empty unless given. */
  public Prompt negative(String other) {
    negative = Objects.requireNonNull(other, "negative");
    return this;
  }

  /**
   * The seed of the noise, as diffusers' {@code torch.Generator().manual_seed(seed)}; 0 unless
   * given. Further pictures have the seeds behind it.
   *
   * @param value unsigned, as by {@link Long#parseUnsignedLong(String)}
   */
  public Prompt seed(long value) {
    seed = value;
    return this;
  }

  /** Number of steps; {@value #DEFAULT_STEPS} unless given. */
  public Prompt steps(int number) {
    requireAtLeastOne("steps", number);
    steps = number;
    return this;
  }

  /**
   * The scale of classifier-free guidance; {@value #DEFAULT_GUIDANCE} unless given. 1 or less
   * leaves the negative prompt out, which halves the work.
   */
  public Prompt guidance(double scale) {
    if (!(scale >= 0) || Double.isInfinite(scale)) {
      throw new IllegalArgumentException("prompt: guidance is " + scale + ", 0 or more is wanted");
    }
    guidance = scale;
    return this;
  }

  /**
   * The scheduler of a name in {@link Schedulers#choices}; the model's own unless given.
   *
   * @throws IllegalArgumentException if there is none
   */
  public Prompt scheduler(String name) {
    scheduler = Schedulers.named(name);
    return this;
  }

  /** A scheduler of the caller's own class, {@code MyScheduler::new}. */
  public Prompt scheduler(SchedulerFactory factory) {
    scheduler = SchedulerChoice.of(factory);
    return this;
  }

  /** Width and height in pixels; the initial picture's, or the model's, unless given. */
  public Prompt size(int newWidth, int newHeight) {
    int multiple = model.sizeStep();
    if (newWidth < 1 || newHeight < 1 || newWidth % multiple != 0 || newHeight % multiple != 0) {
      throw new IllegalArgumentException(
          "prompt: size is %d×%d, multiples of %d are wanted"
              .formatted(newWidth, newHeight, multiple));
    }
    width = newWidth;
    height = newHeight;
    return this;
  }

  /** A square of so many pixels. */
  public Prompt size(int side) {
    return size(side, side);
  }

  /**
   * A picture to begin from rather than from noise alone; scaled to {@link #size} if that is given.
   */
  public Prompt init(BufferedImage picture) {
    initial = RgbImage.of(picture);
    return this;
  }

  /**
   * The share of the steps to take from the initial picture on: near 0 nearly the picture, 1 nearly
   * nothing of it; {@value #DEFAULT_STRENGTH} unless given.
   */
  public Prompt strength(double share) {
    strength = share;
    return this;
  }

  /** Number of pictures; 1 unless given. */
  public Prompt count(int pictures) {
    requireAtLeastOne("count", pictures);
    count = pictures;
    return this;
  }

  /** Number of pictures drawn at a time; changes speed and memory only. 1 unless given. */
  public Prompt batch(int pictures) {
    requireAtLeastOne("batch", pictures);
    batch = pictures;
    return this;
  }

  /** Follows the steps, those of all pictures together, and may end the drawing. */
  public Prompt onStep(StepListener follower) {
    listener = Objects.requireNonNull(follower, "onStep");
    return this;
  }

  private static void requireAtLeastOne(String what, int number) {
    if (number < 1) {
      throw new IllegalArgumentException(
          "prompt: %s is %d, at least 1 is wanted".formatted(what, number));
    }
  }

  /**
   * Works the prompt out for the model; nothing is drawn.
   *
   * @throws WeightsException if the scheduler's file is missing or malformed, in one line
   * @throws IllegalArgumentException if the numbers do not go together
   */
  public DrawingPlan plan() throws WeightsException {
    int[] size = dimensions();
    Scheduler made = model.scheduler(scheduler, steps);
    int first = initial == null ? 0 : made.beginIndex(strength);
    return new DrawingPlan(size[0], size[1], guidance, made, first, count, Math.min(batch, count));
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
          "prompt: the initial picture is %d×%d, at least %d×%d is wanted"
              .formatted(initial.width(), initial.height(), multiple, multiple));
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
   * @throws java.util.concurrent.CancellationException if the listener ends it
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
   * @throws java.util.concurrent.CancellationException if the listener ends it
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
   * Draws all pictures and hands over each as soon as its batch is done.
   *
   * @throws IOException if the sink throws it, or as {@link WeightsException} if weights are
   *     missing or malformed
   * @throws java.util.concurrent.CancellationException if the listener ends it
   */
  public void drawEach(ImageSink sink) throws IOException {
    DrawingPlan plan = plan();
    try (Scope _ = Scope.open()) {
      ImageRequest request = request(plan);
      Tensor encoded = model.encode(request);
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
      ImageRequest request, Tensor encoded, DrawingPlan plan, long[] seeds, int done)
      throws WeightsException {
    StepListener all = (step, _) -> listener.onStep(done + step, plan.steps());
    try (Scope _ = Scope.open()) {
      return RgbImage.ofTensor(model.generate(request, encoded, plan.scheduler(), seeds, all));
    }
  }

  private ImageRequest request(DrawingPlan plan) {
    ImageRequest.Initial start =
        initial == null
            ? null
            : new ImageRequest.Initial(
                initial.resize(plan.width(), plan.height()).toTensor(model.device()), strength);
    return new ImageRequest(text, negative, plan.width(), plan.height(), guidance, start);
  }
}
