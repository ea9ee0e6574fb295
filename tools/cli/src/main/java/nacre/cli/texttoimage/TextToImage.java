package nacre.cli.texttoimage;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import nacre.cli.options.DTypeOption;
import nacre.cli.options.Sampling;
import nacre.cli.options.UserException;
import nacre.cli.output.PngMetadata;
import nacre.cli.output.Progress;
import nacre.cli.output.ResidentMemory;
import nacre.diffusion.ImageRequest;
import nacre.diffusion.StableDiffusion;
import nacre.diffusion.schedule.Scheduler;
import nacre.diffusion.schedule.SchedulerChoice;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import picocli.CommandLine.Option;

/** Pictures of prompts, drawn by Stable Diffusion: its part of {@code nacre sample}. */
public final class TextToImage {
  private static final int STEPS = 25;
  private static final double GUIDANCE = 7.5;
  private static final double STRENGTH = 0.8;
  private static final Pattern SIZE = Pattern.compile("(\\d{1,5})(?:[x×](\\d{1,5}))?");

  @Option(names = "--prompt", paramLabel = "TEXT", description = "What the picture shows.")
  private String prompt;

  @Option(names = "--negative", paramLabel = "TEXT", description = "What it does not show.")
  private String negative = "";

  @Option(
      names = "--size",
      paramLabel = "WxH",
      description = "Width and height in pixels, or one number for both; the model's unless given.")
  private String size;

  @Option(
      names = "--scheduler",
      paramLabel = "NAME",
      description =
          "ddim, ddpm, pndm, euler, euler-karras, dpm++, dpm++-karras or dpm++-sde; the folder's"
              + " unless given.")
  private String scheduler;

  @Option(
      names = "--images",
      paramLabel = "N",
      description = "How many pictures; the seeds of the next are one higher each. 1 unless given.")
  private int images = 1;

  @Option(
      names = "--batch",
      paramLabel = "N",
      description = "How many are drawn at a time; changes speed and memory only. 1 unless given.")
  private int batch = 1;

  @Option(
      names = "--init",
      paramLabel = "FILE",
      description = "Picture to begin from; scaled to --size if that is given.")
  private Path init;

  @Option(
      names = "--strength",
      paramLabel = "S",
      description = "How much of it is drawn anew, 0 to 1; 0.8 unless given.")
  private Double strength;

  @Option(
      names = "--tokenizer",
      paramLabel = "FOLDER",
      description = "The tokenizer's files where --model is a single file, which has none.")
  private Path tokenizer;

  @Option(
      names = "--dtype",
      paramLabel = "TYPE",
      defaultValue = "f32",
      converter = DTypeOption.class,
      description =
          "What to compute in: f32, or bf16, which takes half the memory; f32 unless given.")
  private DType dtype;

  private record Dimensions(int width, int height) {}

  /**
   * Draws the pictures.
   *
   * @param path of the model
   * @throws UserException if an option makes no sense
   */
  public void run(Path path, Device device, Sampling sampling) throws IOException {
    PrintStream print = System.out;
    check();
    StableDiffusion model = StableDiffusion.open(path, tokenizer, device, dtype);
    Picture start = init == null ? null : PictureFile.read(init);
    Dimensions dimensions = dimensions(model, start);
    Scheduler steps = scheduler(model, sampling.steps() == null ? STEPS : sampling.steps());
    print.println("device  " + device.backend().describe());
    print.println("model   " + path);
    warnOfDropped(model, print);
    Files.createDirectories(sampling.out());
    try (Scope _ = Scope.open()) {
      ImageRequest request = request(dimensions, start, device, sampling);
      draw(model, request, steps, parameters(path, request, steps), sampling, print);
    }
    ResidentMemory.peak()
        .ifPresent(bytes -> print.println("memory  " + Progress.bytes(bytes) + " at most"));
  }

  private void check() {
    if (prompt == null) {
      throw new UserException("--prompt is missing: say what the picture is to show");
    }
    if (images < 1 || batch < 1) {
      throw new UserException("--images and --batch must be 1 or more");
    }
    if (strength != null && init == null) {
      throw new UserException("--strength is of a picture to begin from: give one with --init");
    }
  }

  private Dimensions dimensions(StableDiffusion model, Picture start) {
    int multiple = model.sizeStep();
    if (size == null) {
      return start == null
          ? new Dimensions(model.size(), model.size())
          : new Dimensions(
              start.width() - start.width() % multiple, start.height() - start.height() % multiple);
    }
    Matcher matcher = SIZE.matcher(size);
    if (!matcher.matches()) {
      throw new UserException("--size is '" + size + "', such as 512 or 768x512 is wanted");
    }
    int width = Integer.parseInt(matcher.group(1));
    int height = matcher.group(2) == null ? width : Integer.parseInt(matcher.group(2));
    if (width < multiple || height < multiple || width % multiple != 0 || height % multiple != 0) {
      throw new UserException(
          "--size is %dx%d, both must be multiples of %d".formatted(width, height, multiple));
    }
    return new Dimensions(width, height);
  }

  private Scheduler scheduler(StableDiffusion model, int steps) throws IOException {
    if (steps < 1) {
      throw new UserException("--steps is " + steps + ", must be 1 or more");
    }
    try {
      SchedulerChoice choice = scheduler == null ? null : SchedulerChoice.of(scheduler);
      return model.scheduler(choice, steps);
    } catch (IllegalArgumentException e) {
      throw new UserException("--scheduler: " + e.getMessage(), e);
    }
  }

  private void warnOfDropped(StableDiffusion model, PrintStream print) {
    for (String text : new String[] {prompt, negative}) {
      String dropped = model.tokenizer().encode(text).dropped();
      if (!dropped.isEmpty()) {
        print.println("note    there is no room for the end of the prompt: " + dropped);
      }
    }
  }

  private ImageRequest request(
      Dimensions dimensions, Picture start, Device device, Sampling sampling) {
    int width = dimensions.width;
    int height = dimensions.height;
    double guidance = sampling.guidance() == null ? GUIDANCE : sampling.guidance();
    if (!(guidance >= 0) || Double.isInfinite(guidance)) {
      throw new UserException("--guidance is " + guidance + ", must be 0 or more");
    }
    ImageRequest.Initial initial =
        start == null
            ? null
            : new ImageRequest.Initial(
                start.resize(width, height).toTensor(device),
                strength == null ? STRENGTH : strength);
    return new ImageRequest(prompt, negative, width, height, guidance, initial);
  }

  private void draw(
      StableDiffusion model,
      ImageRequest request,
      Scheduler scheduler,
      Map<String, String> parameters,
      Sampling sampling,
      PrintStream print)
      throws IOException {
    int batches = (images + batch - 1) / batch;
    int each =
        scheduler.steps() - (init == null ? 0 : scheduler.beginIndex(request.initial().strength()));
    Progress.Limit limit = new Progress.Limit.Steps((long) batches * each);
    try (Progress progress = Progress.start(print, limit, 0, Memory::liveBytes)) {
      for (int i = 0; i < batches; i++) {
        int before = i * each;
        long first = sampling.seed() + (long) i * batch;
        long[] seeds =
            LongStream.range(first, first + Math.min(batch, images - i * batch)).toArray();
        try (Scope _ = Scope.open()) {
          float[] drawn =
              model
                  .generate(request, scheduler, seeds, done -> progress.step(before + done, 0))
                  .toFloats();
          for (int j = 0; j < seeds.length; j++) {
            Path file = sampling.out().resolve(fileName(seeds[j]));
            parameters.put("seed", Long.toString(seeds[j]));
            PngMetadata.write(
                file, Picture.ofTensor(drawn, j, request.width(), request.height()), parameters);
            progress.note("image   " + file);
          }
        }
      }
    }
  }

  /** Of the prompt's first words and the seed. */
  private String fileName(long seed) {
    String words = prompt.replaceAll("[^\\p{L}\\p{N}]+", "-").replaceAll("^-|-$", "");
    String few = words.length() <= 40 ? words : words.substring(0, 40).replaceAll("-[^-]*$", "");
    return (few.isEmpty() ? "image" : few) + "-" + seed + ".png";
  }

  private Map<String, String> parameters(Path path, ImageRequest request, Scheduler scheduler) {
    Map<String, String> texts = new LinkedHashMap<>();
    texts.put("Software", "Nacre");
    texts.put("model", path.toString());
    texts.put("prompt", prompt);
    if (!negative.isEmpty()) {
      texts.put("negative prompt", negative);
    }
    texts.put("size", request.width() + "x" + request.height());
    texts.put("scheduler", scheduler.schedule().config().method().kind().className());
    texts.put("steps", Integer.toString(scheduler.requestedSteps()));
    texts.put("guidance", Double.toString(request.guidance()));
    if (init != null) {
      texts.put("init", init.toString());
      texts.put("strength", Double.toString(request.initial().strength()));
    }
    texts.put("dtype", dtype.toString());
    return texts;
  }
}
