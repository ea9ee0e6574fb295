package nacre.nn.vision;

import static nacre.tensor.ops.Activation.relu;
import static nacre.tensor.ops.Pool.averagePool;
import static nacre.tensor.ops.Pool.maxPool;
import static nacre.tensor.ops.Reduce.mean;
import static nacre.tensor.ops.Reshape.reshape;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import nacre.nn.Layer;
import nacre.nn.Parameters;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Window;

/**
 * Inception v3 (Szegedy et al., 2015) as the Fréchet inception distance looks through it: the graph
 * of TensorFlow's {@code 2015-12-05}, which means of windows do not count what is padded in, and
 * whose last block takes the largest element where it should take the mean. Its norms are part of
 * the convolutions: {@link InceptionFile} multiplies and shifts those when it loads it.
 */
public final class InceptionV3 {
  private static final Window AROUND = Window.of(1, 1);

  /** A place in the network where features are taken. */
  public enum Tap {
    /** After the first pooling, usually 64 features. */
    FIRST_POOL(64),
    /** After the second pooling, usually 192 features. */
    SECOND_POOL(192),
    /** Before the auxiliary classifier, usually 768 features. */
    PRE_AUX(768),
    /** After the last block, usually 2048 features: those of FID. */
    LAST(2048);

    private final int usual;

    Tap(int usual) {
      this.usual = usual;
    }

    /** How many features there are in the published network. */
    public int usual() {
      return usual;
    }
  }

  private final List<Layer> stages = new ArrayList<>();
  private final Tap tap;
  private final int width;
  private final Map<String, InceptionParts.Convolved> convolutions;

  /** A network of its usual widths, whose parameters are {@code <place>.conv.weight, .bias}. */
  public InceptionV3(Parameters p, Tap tap) {
    this(p, tap, Map.of());
  }

  /**
   * A network of other widths.
   *
   * @param tap where features are taken; nothing lies behind it
   * @param widths channels of convolutions, by their names: {@code Mixed_5b.branch1x1}
   */
  InceptionV3(Parameters p, Tap tap, Map<String, Integer> widths) {
    InceptionParts parts = new InceptionParts(p, widths);
    int channels = 3;
    for (InceptionParts.Step step : steps(parts).subList(0, tap.ordinal() + 1)) {
      InceptionParts.Made made = step.make(channels);
      channels = made.channels();
      stages.add(x -> Scope.tidy(() -> made.layer().forward(x)));
    }
    this.tap = tap;
    this.width = channels;
    this.convolutions = parts.convolutions();
  }

  Map<String, InceptionParts.Convolved> convolutions() {
    return convolutions;
  }

  /** What lies between the taps. */
  private static List<InceptionParts.Step> steps(InceptionParts p) {
    return List.of(
        p.chain(
            p.inside("Conv2d_1a_3x3", 32, 2),
            p.inside("Conv2d_2a_3x3", 32, 1),
            p.same("Conv2d_2b_3x3", 64, 3, 3),
            p.layer(x -> maxPool(x, 3, 2))),
        p.chain(
            p.same("Conv2d_3b_1x1", 80, 1, 1),
            p.inside("Conv2d_4a_3x3", 192, 1),
            p.layer(x -> maxPool(x, 3, 2))),
        p.chain(
            blockA(p.in("Mixed_5b"), 32),
            blockA(p.in("Mixed_5c"), 64),
            blockA(p.in("Mixed_5d"), 64),
            blockB(p.in("Mixed_6a")),
            blockC(p.in("Mixed_6b"), 128),
            blockC(p.in("Mixed_6c"), 160),
            blockC(p.in("Mixed_6d"), 160),
            blockC(p.in("Mixed_6e"), 192)),
        p.chain(
            blockD(p.in("Mixed_7a")),
            blockE(p.in("Mixed_7b"), averaged(p.in("Mixed_7b"), 192)),
            blockE(p.in("Mixed_7c"), largest(p.in("Mixed_7c"), 192))));
  }

  /** The branch with the mean of each pixel's neighbors: of the products, which are fewer. */
  private static InceptionParts.Step averaged(InceptionParts p, int width) {
    return p.chain(p.linear("branch_pool", width), p.layer(x -> relu(averagePool(x, 3, AROUND))));
  }

  private static InceptionParts.Step largest(InceptionParts p, int width) {
    return p.chain(p.layer(x -> maxPool(x, 3, AROUND)), p.same("branch_pool", width, 1, 1));
  }

  private static InceptionParts.Step blockA(InceptionParts p, int pooled) {
    return p.beside(
        p.same("branch1x1", 64, 1, 1),
        p.chain(p.same("branch5x5_1", 48, 1, 1), p.same("branch5x5_2", 64, 5, 5)),
        p.chain(
            p.same("branch3x3dbl_1", 64, 1, 1),
            p.same("branch3x3dbl_2", 96, 3, 3),
            p.same("branch3x3dbl_3", 96, 3, 3)),
        averaged(p, pooled));
  }

  private static InceptionParts.Step blockB(InceptionParts p) {
    return p.beside(
        p.inside("branch3x3", 384, 2),
        p.chain(
            p.same("branch3x3dbl_1", 64, 1, 1),
            p.same("branch3x3dbl_2", 96, 3, 3),
            p.inside("branch3x3dbl_3", 96, 2)),
        p.layer(x -> maxPool(x, 3, 2)));
  }

  private static InceptionParts.Step blockC(InceptionParts p, int width) {
    return p.beside(
        p.same("branch1x1", 192, 1, 1),
        p.chain(
            p.same("branch7x7_1", width, 1, 1),
            p.same("branch7x7_2", width, 1, 7),
            p.same("branch7x7_3", 192, 7, 1)),
        p.chain(
            p.same("branch7x7dbl_1", width, 1, 1),
            p.same("branch7x7dbl_2", width, 7, 1),
            p.same("branch7x7dbl_3", width, 1, 7),
            p.same("branch7x7dbl_4", width, 7, 1),
            p.same("branch7x7dbl_5", 192, 1, 7)),
        averaged(p, 192));
  }

  private static InceptionParts.Step blockD(InceptionParts p) {
    return p.beside(
        p.chain(p.same("branch3x3_1", 192, 1, 1), p.inside("branch3x3_2", 320, 2)),
        p.chain(
            p.same("branch7x7x3_1", 192, 1, 1),
            p.same("branch7x7x3_2", 192, 1, 7),
            p.same("branch7x7x3_3", 192, 7, 1),
            p.inside("branch7x7x3_4", 192, 2)),
        p.layer(x -> maxPool(x, 3, 2)));
  }

  private static InceptionParts.Step blockE(InceptionParts p, InceptionParts.Step pooled) {
    return p.beside(
        p.same("branch1x1", 320, 1, 1),
        p.chain(
            p.same("branch3x3_1", 384, 1, 1),
            p.beside(p.same("branch3x3_2a", 384, 1, 3), p.same("branch3x3_2b", 384, 3, 1))),
        p.chain(
            p.same("branch3x3dbl_1", 448, 1, 1),
            p.same("branch3x3dbl_2", 384, 3, 3),
            p.beside(p.same("branch3x3dbl_3a", 384, 1, 3), p.same("branch3x3dbl_3b", 384, 3, 1))),
        pooled);
  }

  /** Where the features are taken. */
  public Tap tap() {
    return tap;
  }

  /** How many features there are. */
  public int width() {
    return width;
  }

  /**
   * Features of pictures, {@code [N, H, W, 3] → [N, C]}: means over the pixels of what there is at
   * the tap.
   *
   * @param x in [−1, 1], usually of 299 by 299 pixels, and at least 75
   */
  public Tensor features(Tensor x) {
    return Scope.tidy(
        () -> {
          Tensor at = x;
          for (Layer stage : stages) {
            at = stage.forward(at);
          }
          return reshape(mean(at, 1, 2), at.dim(0), at.dim(3));
        });
  }
}
