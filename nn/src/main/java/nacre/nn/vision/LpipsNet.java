package nacre.nn.vision;

import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import nacre.tensor.spi.Window;

/**
 * A convolutional network whose activations LPIPS compares, as torchvision has it: the layers of
 * its {@code features}, in stages that each end with an activation that is compared.
 */
public enum LpipsNet {
  /** VGG16 (Simonyan and Zisserman, 2014): thirteen convolutions of 3 × 3. */
  VGG(
      16,
      "VGG16 (not its variant with batch normalization)",
      List.of(
          List.of(conv(0, 64), conv(2, 64)),
          List.of(new Pool(2, false), conv(5, 128), conv(7, 128)),
          List.of(new Pool(2, false), conv(10, 256), conv(12, 256), conv(14, 256)),
          List.of(new Pool(2, false), conv(17, 512), conv(19, 512), conv(21, 512)),
          List.of(new Pool(2, false), conv(24, 512), conv(26, 512), conv(28, 512)))),

  /** AlexNet (Krizhevsky, 2014), five convolutions. */
  ALEX(
      31,
      "AlexNet",
      List.of(
          List.of(new Convolution(0, 64, 11, Window.of(4, 2))),
          List.of(new Pool(3, false), new Convolution(3, 192, 5, Window.of(1, 2))),
          List.of(new Pool(3, false), conv(6, 384)),
          List.of(conv(8, 256)),
          List.of(conv(10, 256)))),

  /** SqueezeNet 1.1 (Iandola et al., 2016): a convolution and eight fire modules. */
  SQUEEZE(
      17,
      "SqueezeNet 1.1",
      List.of(
          List.of(new Convolution(0, 64, 3, Window.of(2, 0))),
          List.of(new Pool(3, true), new Fire(3, 16, 64), new Fire(4, 16, 64)),
          List.of(new Pool(3, true), new Fire(6, 32, 128), new Fire(7, 32, 128)),
          List.of(new Pool(3, true), new Fire(9, 48, 192)),
          List.of(new Fire(10, 48, 192)),
          List.of(new Fire(11, 64, 256)),
          List.of(new Fire(12, 64, 256))));

  private final int smallest;
  private final String title;
  private final List<List<Part>> stages;

  LpipsNet(int smallest, String title, List<List<Part>> stages) {
    this.smallest = smallest;
    this.title = title;
    this.stages = stages;
  }

  /** A layer, or a few. */
  sealed interface Part {}

  /**
   * The largest of each window, which move by 2 pixels.
   *
   * @param ceil whether a last window that reaches out of the image counts
   */
  record Pool(int kernel, boolean ceil) implements Part {
    /** How the windows move over an image of these sizes. */
    Window window(int height, int width) {
      return new Window(2, 0, 0, beyond(height), beyond(width));
    }

    private int beyond(int length) {
      return ceil ? Math.floorMod(kernel - length, 2) : 0;
    }
  }

  /**
   * A convolution with bias, then ReLU.
   *
   * @param place in {@code features}
   * @param channels that come out, usually
   */
  record Convolution(int place, int channels, int kernel, Window window) implements Part {}

  /**
   * A fire module: a convolution of 1 × 1 to few channels, then one of 1 × 1 and one of 3 × 3
   * beside each other, each followed by ReLU.
   *
   * @param place in {@code features}
   * @param squeeze channels of the first, usually
   * @param expand channels of each of the others, usually
   */
  record Fire(int place, int squeeze, int expand) implements Part {}

  private static Convolution conv(int place, int channels) {
    return new Convolution(place, channels, 3, Window.of(1, 1));
  }

  List<List<Part>> stages() {
    return stages;
  }

  /** All convolutions, {@code 3} or {@code 3.squeeze}, with the channels that usually come out. */
  Stream<Named> convolutions() {
    return stages.stream()
        .flatMap(List::stream)
        .flatMap(
            part ->
                switch (part) {
                  case Pool _ -> Stream.of();
                  case Convolution c -> Stream.of(new Named("" + c.place, c.channels));
                  case Fire f ->
                      Stream.of(
                          new Named(f.place + ".squeeze", f.squeeze),
                          new Named(f.place + ".expand1x1", f.expand),
                          new Named(f.place + ".expand3x3", f.expand));
                });
  }

  /** A convolution by its name below {@code features}. */
  record Named(String name, int channels) {}

  /** What a file of it holds, in words. */
  String title() {
    return title;
  }

  /** The side in pixels of the smallest pictures that do not run out of pixels on the way. */
  public int smallest() {
    return smallest;
  }

  /** As in file names and configurations: {@code vgg}, {@code alex}, {@code squeeze}. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
