package nacre.nn.vision;

import java.util.List;
import java.util.Locale;
import nacre.tensor.spi.Window;

/** A convolutional network whose activations LPIPS compares, in five stages. */
public enum LpipsNet {
  /** VGG16 (Simonyan and Zisserman, 2014): thirteen convolutions of 3 × 3. */
  VGG(
      16,
      List.of(64, 128, 256, 512, 512),
      List.of(
          new Stage(0, 3, 1, 1, 0, 2),
          new Stage(2, 3, 1, 1, 5, 7),
          new Stage(2, 3, 1, 1, 10, 12, 14),
          new Stage(2, 3, 1, 1, 17, 19, 21),
          new Stage(2, 3, 1, 1, 24, 26, 28))),

  /** AlexNet (Krizhevsky, 2014), five convolutions. */
  ALEX(
      31,
      List.of(64, 192, 384, 256, 256),
      List.of(
          new Stage(0, 11, 4, 2, 0),
          new Stage(3, 5, 1, 2, 3),
          new Stage(3, 3, 1, 1, 6),
          new Stage(0, 3, 1, 1, 8),
          new Stage(0, 3, 1, 1, 10)));

  private final int smallest;
  private final List<Integer> widths;
  private final List<Stage> stages;

  LpipsNet(int smallest, List<Integer> widths, List<Stage> stages) {
    this.smallest = smallest;
    this.widths = widths;
    this.stages = stages;
  }

  /**
   * What lies between two activations that are compared.
   *
   * @param pool window of the maxima before the convolutions, with a stride of 2; 0 for none
   * @param kernel of each convolution
   * @param stride of each
   * @param padding of each
   * @param places of the convolutions in torchvision's {@code features}
   */
  record Stage(int pool, int kernel, int stride, int padding, int... places) {
    Window window() {
      return Window.of(stride, padding);
    }
  }

  List<Stage> stages() {
    return stages;
  }

  /** The channels of the five activations. */
  public List<Integer> widths() {
    return widths;
  }

  /** The side in pixels of the smallest pictures that do not run out of pixels on the way. */
  public int smallest() {
    return smallest;
  }

  /** As in file names and configurations: {@code vgg}, {@code alex}. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
