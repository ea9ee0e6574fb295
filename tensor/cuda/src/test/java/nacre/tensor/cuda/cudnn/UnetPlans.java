package nacre.tensor.cuda.cudnn;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import nacre.bindings.CudaLibraries;
import nacre.bindings.CudaLibrary;
import nacre.bindings.NativeLibrary;
import nacre.tensor.DType;
import nacre.tensor.Setting;
import nacre.tensor.Settings;
import nacre.tensor.Shape;
import nacre.tensor.cuda.driver.PlanCache;
import nacre.tensor.spi.Window;

/**
 * A program that asks cuDNN for plans of the convolutions and attentions of Stable Diffusion 2.1's
 * UNet in bf16, for GPUs that are only described, and prints the engine of each; of a convolution's
 * that is compiled at run time also whether there is another. What it printed is {@code unet.txt}.
 * On standard error it says how long it took to make the plans, and to read them again from where
 * they are kept.
 */
final class UnetPlans {
  /** As the simulated device writes down what it is asked for. */
  private static final Pattern CONVOLUTION =
      Pattern.compile(
          "convolution (\\d+)x(\\d+)x(\\d+)x(\\d+) to (\\d+), (\\d+)x(\\d+), stride (\\d+),"
              + " padding (\\d+)((?:, bias|, residual|, shift)*)");

  private static final Pattern ATTENTION =
      Pattern.compile("attention (\\d+)x(\\d+)x(\\d+)x(\\d+) by (\\d+)");

  private static final int MANY = 64;

  private UnetPlans() {}

  /**
   * Prints the version of cuDNN and the engines; or why cuDNN cannot be asked.
   *
   * @param args a folder to keep plans in, then what is asked for
   */
  public static void main(String[] args) throws CudnnException {
    Settings settings = Settings.ofProcess();
    CudaLibraries.searchIn(
        settings.get(Setting.CUDA_LIBS), settings.cudaSimulator(), settings.environment());
    for (CudaLibrary library : CudaLibrary.values()) {
      if (!library.isOptional()
          && CudaLibraries.find(library) instanceof NativeLibrary.Unavailable missing) {
        System.out.println(missing.reason());
        return;
      }
    }
    System.out.println(
        "cuDNN " + ((NativeLibrary.Loaded) CudaLibraries.find(CudaLibrary.CUDNN)).version());
    List<String> shapes = List.of(args).subList(1, args.length);
    List<List<String>> answers = new ArrayList<>();
    for (DescribedGpu gpu : DescribedGpu.values()) {
      PlanCache cache = PlanCache.of(Path.of(args[0]), gpu.toString());
      answers.add(ask(gpu, cache, shapes));
    }
    for (int i = 0; i < shapes.size(); i++) {
      List<String> all = new ArrayList<>();
      for (DescribedGpu gpu : DescribedGpu.values()) {
        all.add(gpu.name() + " " + answers.get(gpu.ordinal()).get(i));
      }
      System.out.println(shapes.get(i) + ": " + String.join("; ", all));
    }
  }

  private static List<String> ask(DescribedGpu gpu, PlanCache cache, List<String> shapes)
      throws CudnnException {
    List<String> answers = new ArrayList<>();
    int read = 0;
    long nanos = 0;
    for (String asked : shapes) {
      Target target = Target.Described.of(gpu.json(), cache);
      GraphShape shape = shape(asked);
      long begin = System.nanoTime();
      try {
        Plan plan = shape.plan(target, new Graph.Freedom(false));
        nanos += System.nanoTime() - begin;
        read += plan.wasKept() ? 1 : 0;
        plan.keep();
        Engines.Engine engine = plan.choice().engine();
        boolean only =
            engine.compiled() && shape instanceof GraphShape.Convolution && !hasReady(shape, gpu);
        answers.add(engine + (only ? ", no other" : ""));
        plan.close();
      } catch (CudnnException e) {
        answers.add("none");
      }
    }
    System.err.printf(
        Locale.ROOT,
        "%s: %d plans, %d of them read, in %.0f ms%n",
        gpu,
        shapes.size(),
        read,
        nanos / 1e6);
    return answers;
  }

  private static boolean hasReady(GraphShape shape, DescribedGpu gpu) throws CudnnException {
    Target target = Target.Described.of(gpu.json(), PlanCache.none());
    List<Plan> all = shape.candidates(target, new Graph.Freedom(false), MANY);
    boolean ready = all.stream().anyMatch(plan -> !plan.choice().engine().compiled());
    all.forEach(Plan::close);
    return ready;
  }

  private static GraphShape shape(String asked) {
    Matcher attention = ATTENTION.matcher(asked);
    if (attention.matches()) {
      int[] of = numbers(attention, 5);
      Shape q = Shape.of(of[0], of[1], of[2], of[3]);
      return new GraphShape.Attention(DType.BF16, q, q.with(1, of[4]), false);
    }
    Matcher convolution = CONVOLUTION.matcher(asked);
    if (!convolution.matches()) {
      throw new IllegalArgumentException(asked);
    }
    int[] of = numbers(convolution, 9);
    Window window = Window.of(of[7], of[8]);
    Shape x = Shape.of(of[0], of[1], of[2], of[3]);
    Shape w = Shape.of(of[4], of[5], of[6], of[3]);
    Shape y = Shape.of(of[0], window.outHeight(of[1], of[5]), window.outWidth(of[2], of[6]), of[4]);
    String then = convolution.group(10);
    Shape residual =
        then.contains("residual")
            ? y
            : then.contains("shift") ? Shape.of(of[0], 1, 1, of[4]) : null;
    return new GraphShape.Convolution(
        DType.BF16, x, w, y, window, then.contains("bias"), residual, null);
  }

  private static int[] numbers(Matcher m, int count) {
    int[] of = new int[count];
    for (int i = 0; i < count; i++) {
      of[i] = Integer.parseInt(m.group(i + 1));
    }
    return of;
  }
}
