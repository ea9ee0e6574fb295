package nacre.evaluation.metric;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** The networks whose weights a metric may need. */
public enum MetricNetwork {
  /** AlexNet as torchvision has it, for LPIPS. */
  ALEX("torchvision's AlexNet"),
  /** VGG16 as torchvision or timm has it, for LPIPS. */
  VGG("torchvision's or timm's VGG16"),
  /** SqueezeNet 1.1 as torchvision has it, for LPIPS. */
  SQUEEZE("torchvision's SqueezeNet 1.1"),
  /** Inception v3 of 2015, as pytorch-fid and torch-fidelity have it, for FID. */
  INCEPTION("the Inception v3 of pytorch-fid"),
  /** A ViT, as {@code facebook/dino-vits16}, for the similarity of DINO's features. */
  DINO("a ViT such as facebook/dino-vits16");

  private final String title;

  MetricNetwork(String title) {
    this.title = title;
  }

  /** What its file holds, in words. */
  public String title() {
    return title;
  }

  /**
   * The network of a name, as {@link #toString} gives it.
   *
   * @throws IllegalArgumentException in one line that lists the names, if there is none
   */
  public static MetricNetwork of(String name) {
    for (MetricNetwork network : values()) {
      if (network.toString().equals(name)) {
        return network;
      }
    }
    String known =
        Arrays.stream(values()).map(MetricNetwork::toString).collect(Collectors.joining(", "));
    throw new IllegalArgumentException(
        "metric network " + name + " is not known; known are " + known);
  }

  /** As users write it: {@code vgg}. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
