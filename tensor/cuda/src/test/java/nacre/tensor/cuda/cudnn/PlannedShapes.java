package nacre.tensor.cuda.cudnn;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.LongSummaryStatistics;
import java.util.Map;
import java.util.stream.Stream;
import nacre.bindings.CudaLibraries;
import nacre.bindings.CudaLibrary;
import nacre.bindings.NativeLibrary;
import nacre.tensor.DType;
import nacre.tensor.Setting;
import nacre.tensor.Settings;
import nacre.tensor.Shape;
import nacre.tensor.cuda.driver.PlanCache;
import nacre.tensor.spi.Unary;
import nacre.tensor.spi.Window;

/**
 * A program that asks cuDNN for plans of what Stable Diffusion 2.1 and ViT-B/8 compute, for GPUs
 * that are only described, and prints for each GPU, operation and precision which engine serves how
 * many shapes: its number, its numerical notes, whether it is compiled at run time, and its
 * workspace.
 */
final class PlannedShapes {
  /** What numbers are stored as, and how exactly f32 is multiplied. */
  private enum Precision {
    BF16(DType.BF16, false),
    F16(DType.F16, false),
    F32(DType.F32, false),
    TF32(DType.F32, true);

    final DType dtype;
    final boolean tf32;

    Precision(DType dtype, boolean tf32) {
      this.dtype = dtype;
      this.tf32 = tf32;
    }
  }

  /** A shape in the type that is asked for. */
  private interface Typed {
    GraphShape of(DType dtype);
  }

  private record Size(String where, int n, int side, int in, int out, int kernel, Window window) {
    Shape x() {
      return Shape.of(n, side, side, in);
    }

    Shape w() {
      return Shape.of(out, kernel, kernel, in);
    }

    Shape y() {
      int after = window.outHeight(side, kernel);
      return Shape.of(n, after, after, out);
    }

    @Override
    public String toString() {
      return "%s %d×%d×%d×%d to %d, %d×%d%s"
          .formatted(
              where,
              n,
              side,
              side,
              in,
              out,
              kernel,
              kernel,
              window.stride() == 1 ? "" : " every " + window.stride());
    }
  }

  private static Size size(String where, int n, int side, int in, int out, int kernel, int stride) {
    return new Size(where, n, side, in, out, kernel, Window.of(stride, kernel / 2));
  }

  private static final List<Size> SIZES =
      List.of(
          size("unet", 2, 64, 4, 320, 3, 1),
          size("unet", 2, 64, 320, 320, 3, 1),
          size("unet", 2, 64, 320, 320, 3, 2),
          size("unet", 2, 32, 320, 640, 3, 1),
          size("unet", 2, 32, 320, 640, 1, 1),
          size("unet", 2, 16, 640, 1280, 3, 1),
          size("unet", 2, 8, 2560, 1280, 3, 1),
          size("unet", 2, 32, 1920, 640, 3, 1),
          size("unet", 2, 64, 960, 320, 1, 1),
          size("unet", 2, 64, 320, 4, 3, 1),
          size("vae", 1, 512, 3, 128, 3, 1),
          new Size("vae", 1, 512, 128, 128, 3, new Window(2, 0, 0, 1, 1)),
          size("vae", 1, 64, 512, 512, 3, 1),
          size("vae", 1, 256, 512, 256, 1, 1),
          size("vae", 1, 512, 128, 3, 3, 1),
          new Size("vit", 2, 224, 3, 768, 8, Window.of(8, 0)),
          size("odd", 1, 33, 3, 5, 3, 1));

  /** As many shapes are named one by one. */
  private static final int FEW = 5;

  private static final int[] HEAD_SIZES = {8, 40, 64, 80, 160};
  private static final int[][] TOKENS = {{1, 1}, {9, 9}, {96, 77}, {1025, 1025}, {4096, 77}};

  /** What one engine serves of an operation in a precision. */
  private record Served(List<String> shapes, LongSummaryStatistics workspace) {
    Served() {
      this(new ArrayList<>(), new LongSummaryStatistics());
    }

    @Override
    public String toString() {
      String bytes =
          workspace.getCount() == 0
              ? ""
              : String.format(
                  Locale.ROOT, "workspace %d to %d, ", workspace.getMin(), workspace.getMax());
      return bytes + (shapes.size() > FEW ? shapes.size() + " shapes" : String.join("; ", shapes));
    }
  }

  /** By operation and precision, then by engine. */
  private final Map<String, Map<String, Served>> served = new LinkedHashMap<>();

  private final DescribedGpu gpu;

  private PlannedShapes(DescribedGpu gpu) {
    this.gpu = gpu;
  }

  /**
   * Prints the version of cuDNN and who serves what; or why cuDNN cannot be asked.
   *
   * @param args names of GPUs, all if none
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
    List<DescribedGpu> gpus =
        args.length == 0
            ? List.of(DescribedGpu.values())
            : Stream.of(args).map(DescribedGpu::valueOf).toList();
    for (DescribedGpu gpu : gpus) {
      System.out.println(gpu);
      new PlannedShapes(gpu).all();
    }
  }

  private void all() {
    SIZES.forEach(this::convolutions);
    for (int[] tokens : TOKENS) {
      for (int size : HEAD_SIZES) {
        attention(tokens[0], tokens[1], 5, size);
      }
    }
    attention(4096, 4096, 1, 512); // the VAE's
    served.forEach(
        (operation, byEngine) ->
            byEngine.forEach(
                (engine, shapes) -> System.out.println(operation + ": " + engine + ": " + shapes)));
  }

  private void convolutions(Size s) {
    Shape pixels = s.y();
    Shape shift = Shape.of(s.n, 1, 1, s.out);
    ask("conv2d", s, t -> forward(t, s, false, null, null));
    ask("conv2d, bias", s, t -> forward(t, s, true, null, null));
    ask("conv2d, bias, shift", s, t -> forward(t, s, true, shift, null));
    ask("conv2d, bias, residual", s, t -> forward(t, s, true, pixels, null));
    ask("conv2d, bias, SiLU", s, t -> forward(t, s, true, null, Unary.SILU));
    ask("conv2dInputGradient", s, t -> gradient(Graph.Direction.INPUT_GRADIENT, t, s));
    ask("conv2dWeightGradient", s, t -> gradient(Graph.Direction.WEIGHT_GRADIENT, t, s));
  }

  private static GraphShape forward(DType dtype, Size s, boolean bias, Shape residual, Unary f) {
    return new GraphShape.Convolution(dtype, s.x(), s.w(), s.y(), s.window, bias, residual, f);
  }

  private static GraphShape gradient(Graph.Direction direction, DType dtype, Size s) {
    return new GraphShape.ConvolutionGradient(direction, dtype, s.x(), s.w(), s.y(), s.window);
  }

  private void attention(int queries, int keys, int heads, int size) {
    Shape q = Shape.of(2, queries, heads, size);
    Shape k = Shape.of(2, keys, heads, size);
    String label = "%d by %d tokens, heads of %d".formatted(queries, keys, size);
    ask("attention", label, t -> new GraphShape.Attention(t, q, k, false));
    ask("attention, state", label, t -> new GraphShape.Attention(t, q, k, true));
    ask("attention, composed", label, t -> new GraphShape.ComposedAttention(t, q, k, false));
    ask("attention, composed, state", label, t -> new GraphShape.ComposedAttention(t, q, k, true));
    ask("attentionBackward", label, t -> new GraphShape.AttentionGradient(t, q, k));
  }

  private void ask(String operation, Object label, Typed shape) {
    for (Precision precision : Precision.values()) {
      String name = operation + ", " + precision.name().toLowerCase(Locale.ROOT);
      Map<String, Served> byEngine = served.computeIfAbsent(name, n -> new LinkedHashMap<>());
      try {
        Engines.Choice choice = plan(shape.of(precision.dtype), precision.tf32);
        Served of = byEngine.computeIfAbsent(choice.engine().toString(), e -> new Served());
        of.shapes.add(label.toString());
        of.workspace.accept(choice.workspace());
        choice.plan().close();
      } catch (CudnnException e) {
        byEngine.computeIfAbsent("none", n -> new Served()).shapes.add(label.toString());
      }
    }
  }

  private Engines.Choice plan(GraphShape shape, boolean tf32) throws CudnnException {
    return shape
        .plan(Target.Described.of(gpu.json(), PlanCache.none()), new Graph.Freedom(tf32))
        .choice();
  }
}
