package nacre.nn.vision;

import static nacre.tensor.ops.Activation.relu;
import static nacre.tensor.ops.Pool.averagePool;
import static nacre.tensor.ops.Pool.maxPool;
import static nacre.tensor.ops.Reduce.mean;
import static nacre.tensor.ops.Reshape.reshape;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import nacre.nn.Layer;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Window;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * Inception v3 (Szegedy et al., 2015) as the Fréchet inception distance looks through it: the graph
 * of TensorFlow's {@code 2015-12-05}, which means of windows do not count what is padded in, and
 * whose last block takes the largest element where it should take the mean. Its norms are part of
 * the convolutions, whose weights and outputs are multiplied and shifted when it is loaded.
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

  private final List<Layer> stages;
  private final Tap tap;

  private final int width;

  private InceptionV3(List<Layer> stages, Tap tap, int width) {
    this.stages = stages;
    this.tap = tap;
    this.width = width;
  }

  /**
   * Reads the weights as pytorch-fid and torch-fidelity publish them, {@code
   * pt_inception-2015-12-05}: {@code Conv2d_1a_3x3.conv.weight} and so on, whatever precedes these
   * names. Tensors belong to the current scope.
   *
   * @param file of safetensors, or a folder with {@code model.safetensors}
   * @param tap where features are taken; of what lies behind it nothing is loaded
   * @throws WeightsException if the file is malformed or does not fit, in one line
   */
  public static InceptionV3 load(Device device, Path file, Tap tap) throws WeightsException {
    try (StateDict dict =
        Files.isDirectory(file) ? StateDict.open(file, "model") : StateDict.open(file)) {
      InceptionParts parts = new InceptionParts(device, file, dict);
      InceptionParts.Step[] stages = {
        parts.chain(
            parts.convolution("Conv2d_1a_3x3", 3, 3, Window.of(2, 0)),
            parts.convolution("Conv2d_2a_3x3", 3, 3, Window.of(1, 0)),
            parts.same("Conv2d_2b_3x3", 3, 3),
            parts.layer(x -> maxPool(x, 3, 2))),
        parts.chain(
            parts.same("Conv2d_3b_1x1", 1, 1),
            parts.convolution("Conv2d_4a_3x3", 3, 3, Window.of(1, 0)),
            parts.layer(x -> maxPool(x, 3, 2))),
        parts.chain(
            blockA(parts.in("Mixed_5b")),
            blockA(parts.in("Mixed_5c")),
            blockA(parts.in("Mixed_5d")),
            blockB(parts.in("Mixed_6a")),
            blockC(parts.in("Mixed_6b")),
            blockC(parts.in("Mixed_6c")),
            blockC(parts.in("Mixed_6d")),
            blockC(parts.in("Mixed_6e"))),
        parts.chain(
            blockD(parts.in("Mixed_7a")),
            blockE(parts.in("Mixed_7b"), averaged(parts.in("Mixed_7b"))),
            blockE(parts.in("Mixed_7c"), largest(parts.in("Mixed_7c"))))
      };
      List<InceptionParts.Made> made = parts.build(List.of(stages).subList(0, tap.ordinal() + 1));
      List<Layer> layers = made.stream().map(InceptionParts.Made::layer).toList();
      return new InceptionV3(layers, tap, made.getLast().channels());
    }
  }

  /** The branch with the mean of each pixel's neighbors: of the products, which are fewer. */
  private static InceptionParts.Step averaged(InceptionParts p) {
    return p.chain(
        p.linear("branch_pool", 1, 1, Window.of(1, 0)),
        p.layer(x -> relu(averagePool(x, 3, AROUND))));
  }

  private static InceptionParts.Step largest(InceptionParts p) {
    return p.chain(p.layer(x -> maxPool(x, 3, AROUND)), p.same("branch_pool", 1, 1));
  }

  private static InceptionParts.Step blockA(InceptionParts p) {
    return p.beside(
        p.same("branch1x1", 1, 1),
        p.chain(p.same("branch5x5_1", 1, 1), p.same("branch5x5_2", 5, 5)),
        p.chain(
            p.same("branch3x3dbl_1", 1, 1),
            p.same("branch3x3dbl_2", 3, 3),
            p.same("branch3x3dbl_3", 3, 3)),
        averaged(p));
  }

  private static InceptionParts.Step blockB(InceptionParts p) {
    return p.beside(
        p.convolution("branch3x3", 3, 3, Window.of(2, 0)),
        p.chain(
            p.same("branch3x3dbl_1", 1, 1),
            p.same("branch3x3dbl_2", 3, 3),
            p.convolution("branch3x3dbl_3", 3, 3, Window.of(2, 0))),
        p.layer(x -> maxPool(x, 3, 2)));
  }

  private static InceptionParts.Step blockC(InceptionParts p) {
    return p.beside(
        p.same("branch1x1", 1, 1),
        p.chain(
            p.same("branch7x7_1", 1, 1), p.same("branch7x7_2", 1, 7), p.same("branch7x7_3", 7, 1)),
        p.chain(
            p.same("branch7x7dbl_1", 1, 1),
            p.same("branch7x7dbl_2", 7, 1),
            p.same("branch7x7dbl_3", 1, 7),
            p.same("branch7x7dbl_4", 7, 1),
            p.same("branch7x7dbl_5", 1, 7)),
        averaged(p));
  }

  private static InceptionParts.Step blockD(InceptionParts p) {
    return p.beside(
        p.chain(p.same("branch3x3_1", 1, 1), p.convolution("branch3x3_2", 3, 3, Window.of(2, 0))),
        p.chain(
            p.same("branch7x7x3_1", 1, 1),
            p.same("branch7x7x3_2", 1, 7),
            p.same("branch7x7x3_3", 7, 1),
            p.convolution("branch7x7x3_4", 3, 3, Window.of(2, 0))),
        p.layer(x -> maxPool(x, 3, 2)));
  }

  private static InceptionParts.Step blockE(InceptionParts p, InceptionParts.Step pooled) {
    return p.beside(
        p.same("branch1x1", 1, 1),
        p.chain(
            p.same("branch3x3_1", 1, 1),
            p.beside(p.same("branch3x3_2a", 1, 3), p.same("branch3x3_2b", 3, 1))),
        p.chain(
            p.same("branch3x3dbl_1", 1, 1),
            p.same("branch3x3dbl_2", 3, 3),
            p.beside(p.same("branch3x3dbl_3a", 1, 3), p.same("branch3x3dbl_3b", 3, 1))),
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
