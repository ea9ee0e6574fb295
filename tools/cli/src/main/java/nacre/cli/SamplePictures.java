package nacre.cli;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import nacre.cli.options.Seed;
import nacre.cli.output.Progress;
import nacre.diffusion.Inpainting;
import nacre.neuralassets.edit.Edit;
import nacre.neuralassets.edit.EditTokens;
import nacre.neuralassets.edit.SceneLibrary;
import nacre.neuralassets.edit.SceneView;
import nacre.neuralassets.model.EncodedConditioning;
import nacre.neuralassets.model.NeuralAssets;
import nacre.neuralassets.model.Sampler;
import nacre.neuralassets.scene.PngFile;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * The drawing of edited scenes. All pictures of a seed begin with the same noise, so that they
 * differ by their edits only.
 */
public final class SamplePictures {
  private final Sampler sampler;
  private final EditTokens tokens;
  private final DrawingStart start;
  private final PrintStream print;
  private final Sampler.Spectator spectator;

  /**
   * One picture to draw.
   *
   * @param later how many seeds after the first one its own is
   */
  public record Order(SceneView view, List<Edit> edits, int later) {}

  /**
   * Drawing without a word.
   *
   * @param seed of the noise
   * @param eachStep called after each denoising step; what it throws ends the drawing
   */
  SamplePictures(Sampler sampler, Scenes scenes, long seed, Runnable eachStep) {
    this(
        sampler,
        scenes,
        scenes.config().slots(),
        Seed.of(seed),
        DrawingStart.Mode.ANEW,
        null,
        (_, _) -> eachStep.run());
  }

  /**
   * Drawing that shows its progress.
   *
   * @param seed of the noise of the first picture
   * @param print where; null for nowhere
   */
  SamplePictures(
      Sampler sampler, Scenes scenes, Seed seed, DrawingStart.Mode mode, PrintStream print) {
    this(sampler, scenes, scenes.config().slots(), seed, mode, print, (_, _) -> {});
  }

  /**
   * Drawing for a spectator.
   *
   * @param scenes the scenes that edits refer to
   * @param slots objects that the model has room for
   * @param seed of the noise of the first picture
   * @param mode how drawing begins
   */
  public SamplePictures(
      Sampler sampler,
      SceneLibrary scenes,
      int slots,
      Seed seed,
      DrawingStart.Mode mode,
      Sampler.Spectator spectator) {
    this(sampler, scenes, slots, seed, mode, null, spectator);
  }

  private SamplePictures(
      Sampler sampler,
      SceneLibrary scenes,
      int slots,
      Seed seed,
      DrawingStart.Mode mode,
      PrintStream print,
      Sampler.Spectator spectator) {
    this.print = print;
    this.spectator = spectator;
    this.sampler = sampler;
    this.tokens = new EditTokens(sampler.model(), slots, scenes);
    this.start = new DrawingStart(sampler, tokens, seed, mode);
  }

  /** Draws the pictures in order. */
  public List<BufferedImage> draw(List<Order> orders) throws IOException {
    List<BufferedImage> pictures = new ArrayList<>();
    var limit = new Progress.Limit.Steps((long) orders.size() * sampler.steps());
    try (Progress progress =
        print == null ? null : Progress.start(print, limit, 0, Memory::liveBytes)) {
      start.prepare(orders, progress);
      int most = sampler.batch();
      for (int at = 0; at < orders.size(); at += most) {
        List<Order> some = orders.subList(at, Math.min(orders.size(), at + most));
        long before = (long) at * sampler.steps();
        Sampler.Spectator show =
            progress == null
                ? spectator
                : (step, _) -> progress.step(before + (long) step * some.size(), 0);
        pictures.addAll(some(some, show));
      }
    }
    return pictures;
  }

  private List<BufferedImage> some(List<Order> orders, Sampler.Spectator progress)
      throws IOException {
    NeuralAssets model = sampler.model();
    int size = model.preset().imageSize();
    try (Scope _ = Scope.open()) {
      List<EncodedConditioning> all = new ArrayList<>();
      for (Order order : orders) {
        all.add(tokens.encode(order.view(), order.edits()));
      }
      Tensor noise = start.noise(orders);
      Inpainting kept = start.kept(orders, noise);
      EncodedConditioning given = EncodedConditioning.concatenated(all);
      float[] drawn = sampler.sample(given, noise, kept, progress).toFloats();
      List<BufferedImage> pictures = new ArrayList<>();
      int each = size * size * 3;
      for (int i = 0; i < orders.size(); i++) {
        byte[] rgb = rgb(Arrays.copyOfRange(drawn, i * each, (i + 1) * each));
        pictures.add(PngFile.image(start.paste(orders.get(i), rgb), size, size));
      }
      return pictures;
    }
  }

  /** Whether the model is of a kind that carries out such edits. */
  boolean canDraw(List<Edit> edits) {
    return tokens.refusal(edits).isEmpty();
  }

  /** The seed of a later picture. */
  Seed seed(int later) {
    return start.seed(later);
  }

  /** Values in [−1, 1] as bytes; those outside are clamped. */
  public static byte[] rgb(float[] values) {
    byte[] rgb = new byte[values.length];
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) Math.round(Math.clamp(values[i] * 0.5f + 0.5f, 0, 1) * 255);
    }
    return rgb;
  }

  /** A frame as the model sees it. */
  public static BufferedImage frame(SceneView view, int frame) {
    return PngFile.image(view.clip().rgb(frame), view.clip().size(), view.clip().size());
  }
}
