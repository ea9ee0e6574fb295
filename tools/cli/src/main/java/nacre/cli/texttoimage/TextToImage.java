package nacre.cli.texttoimage;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import nacre.cli.options.Accepts;
import nacre.cli.options.Sampling;
import nacre.cli.options.UsageException;
import nacre.cli.options.UserException;
import nacre.cli.output.NewFile;
import nacre.cli.output.PngMetadata;
import nacre.cli.output.Progress;
import nacre.cli.output.ResidentMemory;
import nacre.diffusion.DrawingMemory;
import nacre.diffusion.DrawingPlan;
import nacre.diffusion.LoadOptions;
import nacre.diffusion.Phase;
import nacre.diffusion.Prompt;
import nacre.diffusion.StableDiffusion;
import nacre.diffusion.checkpoint.Component;
import nacre.diffusion.schedule.Scheduler;
import nacre.diffusion.schedule.SchedulerConfig;
import nacre.diffusion.text.PromptSyntax;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** The part of {@code nacre sample} that draws prompts with Stable Diffusion. */
public final class TextToImage {
  private static final Pattern SIZE = Pattern.compile("(\\d{1,5})(?:[x×](\\d{1,5}))?");

  @Option(names = "--prompt", paramLabel = "TEXT", description = "What the picture shows.")
  @Accepts(empty = true)
  private String prompt;

  @Option(names = "--negative", paramLabel = "TEXT", description = "What it does not show.")
  @Accepts(empty = true)
  private String negative = "";

  @Option(
      names = "--size",
      paramLabel = "WxH",
      description = "Width and height in pixels, or one number for both; the model's unless given.")
  private String size;

  @Option(
      names = "--scheduler",
      paramLabel = "NAME",
      completionCandidates = SchedulerNames.class,
      description =
          "${COMPLETION-CANDIDATES}; most also with -karras, -exponential or -beta after them;"
              + " names of other tools, such as 'DPM++ 2M Karras', do as well. The folder's unless"
              + " given.")
  private String scheduler;

  @Option(
      names = "--eta",
      paramLabel = "E",
      description = "How much noise the steps of ddim and tcd add, 0 to 1; 0 unless given.")
  @Accepts(from = 0, to = 1)
  private double eta;

  @Option(
      names = "--batch",
      paramLabel = "N",
      description = "How many are drawn at a time; changes speed and memory only. 1 unless given.")
  @Accepts(from = 1, to = 1024)
  private int batch = 1;

  @Option(
      names = "--init",
      paramLabel = "FILE",
      description = "Picture to begin from; scaled to --size if that is given.")
  private Path init;

  @Option(
      names = "--strength",
      paramLabel = "S",
      description = "How much of it is redrawn, 0 to 1; 0.8 unless given, 1 with --mask.")
  @Accepts(from = 0, to = 1)
  private Double strength;

  @Option(
      names = "--mask",
      paramLabel = "FILE",
      description = "Where it is redrawn: white in this picture, which is scaled to its size.")
  private Path mask;

  @Option(
      names = "--prompt-syntax",
      paramLabel = "NAME",
      description =
          "plain, or a1111: weights as (word:1.2), BREAK, and prompts of any length, with the"
              + " numbers of AUTOMATIC1111's stable-diffusion-webui; plain unless given.")
  private String syntax = PromptSyntax.PLAIN.toString();

  @Option(
      names = "--clip-skip",
      paramLabel = "N",
      description =
          "How many of the text encoder's last layers are left out, as in diffusers; 1 is what"
              + " others call clip skip 2; 0 unless given.")
  @Accepts(from = 0)
  private int clipSkip;

  @ArgGroup(exclusive = false)
  private LoadingOptions loading = new LoadingOptions();

  private final Set<Component> announced = EnumSet.noneOf(Component.class);
  private Progress running;

  /** Called with each component that is read. */
  Consumer<Phase> onPhase = phase -> {};

  /**
   * Draws the pictures.
   *
   * @param path of the model
   * @throws UsageException if an option makes no sense
   */
  public void run(Path path, Device device, Sampling sampling) throws IOException {
    check();
    promptSyntax();
    LoadOptions options = loading.options().withOnPhase(this::announce);
    try (StableDiffusion model = StableDiffusion.open(path, device, options)) {
      draw(model, path, device, sampling, System.out);
    }
    ResidentMemory.peak()
        .ifPresent(bytes -> System.out.println("memory  " + Progress.bytes(bytes) + " at most"));
  }

  /** Says how far reading and decoding are, which may take long. */
  private void announce(Phase phase) {
    onPhase.accept(phase);
    if (running == null) {
      return;
    }
    switch (phase.kind()) {
      case READ -> {
        if (announced.add(phase.component())) {
          String size = Progress.bytes(phase.total());
          running.note("reads   " + phase.component().folder() + ", " + size);
        }
        running.phase("reading " + phase.component().folder(), phase.done(), phase.total());
      }
      case DECODE -> running.phase("decoding pictures", phase.done(), phase.total());
    }
  }

  private void draw(
      StableDiffusion model, Path path, Device device, Sampling sampling, PrintStream print)
      throws IOException {
    checkMask(model, path);
    PictureNames names = new PictureNames(sampling.out(), prompt, sampling.seed());
    Prompt order = order(model, sampling);
    DrawingPlan plan = plan(order);
    print.println("model   " + summary(model, path, plan, device, sampling));
    print.println("device  " + device.backend().describe());
    estimate(model.memory(plan), device, print);
    for (String note : model.notes()) {
      print.println("note    " + note);
    }
    warnOfDropped(model, print);
    for (String word : order.unusedEmbeddings()) {
      print.println(
          String.format(
              Locale.ROOT,
              "note    the embedding %s changes nothing: no prompt has that word",
              word));
    }
    names.check(sampling.images());
    Map<String, String> parameters = parameters(path, plan);
    Progress.Limit limit = new Progress.Limit.Steps(plan.steps());
    try (Progress progress = Progress.start(print, limit, 0, Memory::liveBytes)) {
      running = progress;
      order
          .onStep(
              (step, _) -> {
                progress.step(step, 0);
                return true;
              })
          .drawEach(
              (seed, picture) -> {
                parameters.put("seed", names.seed(seed).toString());
                byte[] png = PngMetadata.encode(picture, parameters);
                Path file = new NewFile(sampling.overwrite()).write(names.file(seed), png);
                progress.note("image   " + file);
              });
    }
  }

  private PromptSyntax promptSyntax() {
    return PromptSyntax.named(syntax)
        .orElseThrow(
            () ->
                new UsageException(
                    "--prompt-syntax is '" + syntax + "', must be one of: plain, a1111"));
  }

  private void check() {
    if (prompt == null) {
      throw new UsageException("--prompt is missing: say what the picture is to show");
    }
    if (strength != null && init == null) {
      throw new UsageException("--strength is of a picture to begin from: give one with --init");
    }
  }

  private void checkMask(StableDiffusion model, Path path) {
    if (mask != null && init == null) {
      throw new UsageException("--mask is of a picture to begin from: give one with --init");
    }
    if (mask == null && model.isInpainting()) {
      throw new UsageException(
          path
              + " is a model for inpainting: give it a picture with --init and a mask with --mask");
    }
  }

  /** The mask's picture. Transparency is an old way to mark what is drawn anew, and ambiguous. */
  private BufferedImage maskPicture() throws IOException {
    Picture picture = PictureFile.read(mask);
    if (!picture.opaque()) {
      throw new UserException(
          mask
              + ": has transparent pixels, which do not say what to draw; make it white where the"
              + " picture is drawn anew and black where it is kept");
    }
    return picture.toImage();
  }

  private double strength() {
    if (strength != null) {
      return strength;
    }
    return mask == null ? Prompt.DEFAULT_STRENGTH : Prompt.DEFAULT_MASKED_STRENGTH;
  }

  private Prompt order(StableDiffusion model, Sampling sampling) throws IOException {
    Prompt order =
        model
            .prompt(prompt)
            .negative(negative)
            .seed(sampling.seed().bits())
            .count(sampling.images())
            .batch(batch);
    order.syntax(promptSyntax());
    if (clipSkip > model.textLayers()) {
      throw new UsageException(
          String.format(
              Locale.ROOT,
              "--clip-skip is %d, must be from 0 to %d",
              clipSkip,
              model.textLayers()));
    }
    order.clipSkip(clipSkip);
    order.eta(eta);
    if (init != null) {
      order.init(PictureFile.read(init).toImage());
    }
    if (mask != null) {
      order.mask(maskPicture());
    }
    if (strength != null) {
      order.strength(strength);
    }
    if (size != null) {
      resize(order, model.sizeStep());
    }
    if (sampling.steps() != null) {
      order.steps(sampling.steps());
    }
    if (sampling.guidance() != null) {
      order.guidance(sampling.guidance());
    }
    return order;
  }

  private void resize(Prompt order, int multiple) {
    Matcher matcher = SIZE.matcher(size);
    if (!matcher.matches()) {
      throw new UsageException("--size is '" + size + "', such as 512 or 768x512 is wanted");
    }
    int width = Integer.parseInt(matcher.group(1));
    int height = matcher.group(2) == null ? width : Integer.parseInt(matcher.group(2));
    if (width < multiple || height < multiple || width % multiple != 0 || height % multiple != 0) {
      throw new UsageException(
          String.format(
              Locale.ROOT,
              "--size is %dx%d, both must be multiples of %d",
              width,
              height,
              multiple));
    }
    order.size(width, height);
  }

  private DrawingPlan plan(Prompt order) throws IOException {
    if (scheduler != null) {
      try {
        order.scheduler(scheduler);
      } catch (IllegalArgumentException e) {
        throw new UsageException("--scheduler: " + e.getMessage(), e);
      }
    }
    try {
      return order.plan();
    } catch (IllegalArgumentException e) {
      throw new UsageException(e.getMessage(), e);
    }
  }

  /** Prints what memory it will take about, and what would take less if that is too much. */
  private static void estimate(DrawingMemory memory, Device device, PrintStream print) {
    print.println(
        String.format(
            Locale.ROOT,
            "memory  about %s: weights %s%s, and %s for a step or a picture",
            Progress.bytes(memory.total()),
            Progress.bytes(memory.weights()),
            memory.kept() ? "" : " of one model at a time",
            Progress.bytes(memory.work())));
    if (memory.isTooMuch()) {
      print.println(
          String.format(
              Locale.ROOT,
              "note    %s has %s free; less is needed with --dtype bf16, --residency one, --tiles,"
                  + " a smaller --batch or --size",
              device,
              Progress.bytes(memory.available().getAsLong())));
    }
  }

  private void warnOfDropped(StableDiffusion model, PrintStream print) {
    if (promptSyntax() != PromptSyntax.PLAIN) {
      return;
    }
    for (String text : new String[] {prompt, negative}) {
      String dropped = model.tokenizer().encode(text).dropped();
      if (!dropped.isEmpty()) {
        print.println("note    there is no room for the end of the prompt: " + dropped);
      }
    }
  }

  /** What is drawn and with what, in one line. */
  private static String summary(
      StableDiffusion model, Path path, DrawingPlan plan, Device device, Sampling sampling) {
    SchedulerConfig config = plan.scheduler().schedule().config();
    return String.format(
        Locale.ROOT,
        "%s, %s, predicts %s, %s, %d steps, %dx%d, seed %s, on %s",
        path,
        model.family(),
        switch (config.predictionType()) {
          case EPSILON -> "noise";
          case SAMPLE -> "the sample";
          case V_PREDICTION -> "velocity";
        },
        config.kind().className(),
        plan.stepsPerBatch(),
        plan.width(),
        plan.height(),
        sampling.seed(),
        device);
  }

  private Map<String, String> parameters(Path path, DrawingPlan plan) {
    Scheduler scheduler = plan.scheduler();
    Map<String, String> texts = new LinkedHashMap<>();
    texts.put("Software", "Nacre");
    texts.put("model", path.toString());
    texts.put("prompt", prompt);
    if (!negative.isEmpty()) {
      texts.put("negative prompt", negative);
    }
    if (promptSyntax() != PromptSyntax.PLAIN) {
      texts.put("prompt syntax", syntax);
    }
    if (clipSkip > 0) {
      texts.put("clip skip", Integer.toString(clipSkip));
    }
    texts.put("size", plan.width() + "x" + plan.height());
    texts.put("scheduler", scheduler.schedule().config().kind().className());
    if (eta > 0) {
      texts.put("eta", Double.toString(eta));
    }
    texts.put("steps", Integer.toString(scheduler.requestedSteps()));
    texts.put("guidance", Double.toString(plan.guidance()));
    if (init != null) {
      texts.put("init", init.toString());
      texts.put("strength", Double.toString(strength()));
    }
    if (mask != null) {
      texts.put("mask", mask.toString());
    }
    texts.putAll(loading.describe());
    return texts;
  }
}
