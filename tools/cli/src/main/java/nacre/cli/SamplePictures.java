package nacre.cli;

import static nacre.tensor.ops.Concat.concat;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;
import nacre.cli.output.Progress;
import nacre.neuralassets.edit.Edit;
import nacre.neuralassets.edit.EditTokens;
import nacre.neuralassets.edit.SceneView;
import nacre.neuralassets.model.NeuralAssets;
import nacre.neuralassets.model.Sampler;
import nacre.neuralassets.scene.PngFile;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.RandomNormal;

/**
 * The drawing of edited scenes. All pictures begin with the same noise, so that they differ by
 * their edits only.
 */
final class SamplePictures {
  private final Sampler sampler;
  private final EditTokens tokens;
  private final long seed;
  private final PrintStream print;

  /** One picture to draw. */
  record Order(SceneView view, List<Edit> edits) {}

  /**
   * Drawing without a word.
   *
   * @param seed of the noise
   */
  SamplePictures(Sampler sampler, Scenes scenes, long seed) {
    this(sampler, scenes, seed, null);
  }

  /**
   * Drawing that shows its progress.
   *
   * @param print where; null for nowhere
   */
  SamplePictures(Sampler sampler, Scenes scenes, long seed, PrintStream print) {
    this.print = print;
    this.sampler = sampler;
    this.tokens = new EditTokens(sampler.model(), scenes.config().slots(), scenes);
    this.seed = seed;
  }

  /** Draws the pictures in order. */
  List<BufferedImage> draw(List<Order> orders) throws IOException {
    List<BufferedImage> pictures = new ArrayList<>();
    var limit = new Progress.Limit.Steps((long) orders.size() * sampler.steps());
    try (Progress progress =
        print == null ? null : Progress.start(print, limit, 0, Memory::liveBytes)) {
      int most = sampler.batch();
      for (int at = 0; at < orders.size(); at += most) {
        List<Order> some = orders.subList(at, Math.min(orders.size(), at + most));
        long before = (long) at * sampler.steps();
        IntConsumer show =
            progress == null
                ? step -> {}
                : step -> progress.step(before + (long) step * some.size(), 0);
        pictures.addAll(some(some, show));
      }
    }
    return pictures;
  }

  private List<BufferedImage> some(List<Order> orders, IntConsumer progress) throws IOException {
    NeuralAssets model = sampler.model();
    int side = model.preset().sampleSize();
    int size = model.preset().imageSize();
    try (Scope _ = Scope.open()) {
      Tensor[] all = new Tensor[orders.size()];
      Tensor[] noises = new Tensor[all.length];
      Shape one = Shape.of(1, side, side, model.preset().sampleChannels());
      Tensor noise = RandomNormal.normal(model.device(), one, seed, 0);
      Arrays.fill(noises, noise);
      for (int i = 0; i < all.length; i++) {
        all[i] = tokens.of(orders.get(i).view(), orders.get(i).edits());
      }
      float[] drawn = sampler.sample(concat(0, all), concat(0, noises), progress).toFloats();
      List<BufferedImage> pictures = new ArrayList<>();
      int each = size * size * 3;
      for (int i = 0; i < all.length; i++) {
        pictures.add(picture(Arrays.copyOfRange(drawn, i * each, (i + 1) * each), size));
      }
      return pictures;
    }
  }

  /** [size, size, 3] in [−1, 1] as an image; values outside are clamped. */
  static BufferedImage picture(float[] values, int size) {
    byte[] rgb = new byte[values.length];
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) Math.round(Math.clamp(values[i] * 0.5f + 0.5f, 0, 1) * 255);
    }
    return PngFile.image(rgb, size, size);
  }

  /** A frame as the model sees it. */
  static BufferedImage frame(SceneView view, int frame) {
    return PngFile.image(view.clip().rgb(frame), view.clip().size(), view.clip().size());
  }
}
