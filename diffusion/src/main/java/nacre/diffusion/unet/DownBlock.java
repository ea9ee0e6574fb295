package nacre.diffusion.unet;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import nacre.diffusion.layers.ResnetBlock2D;
import nacre.nn.Attention;
import nacre.nn.AttentionContext;
import nacre.nn.Conv2d;
import nacre.nn.Parameters;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Window;

/** A level of the UNet's way down; every output is kept as a skip connection for the way up. */
final class DownBlock {
  private final List<Stage> stages = new ArrayList<>();
  private final Conv2d downsampler;

  DownBlock(Parameters p, UNetConfig config, int level) {
    int out = config.blockOutChannels().get(level);
    int in = config.blockOutChannels().get(Math.max(0, level - 1));
    for (int i = 0; i < config.layersPerBlock().get(level); i++) {
      ResnetBlock2D resnet =
          new ResnetBlock2D(
              p.at("resnets").at(i),
              i == 0 ? in : out,
              out,
              config.timeWidth(),
              config.normNumGroups(),
              config.normEps());
      Transformer2D attention =
          config.downAttention().get(level)
              ? new Transformer2D(
                  p.at("attentions").at(i),
                  out,
                  config.heads().get(level),
                  config.transformerLayers().get(level),
                  config)
              : null;
      stages.add(new Stage(resnet, attention));
    }
    boolean last = level == config.levels() - 1;
    // Without padding, diffusers pads one row at the bottom and one column at the right.
    Window window =
        config.downsamplePadding() == 0
            ? new Window(2, 0, 0, 1, 1)
            : Window.of(2, config.downsamplePadding());
    downsampler = last ? null : new Conv2d(p.at("downsamplers.0.conv"), out, out, 3, window);
  }

  /**
   * {@code x [N, H, W, in] → [N, H/2, W/2, out]}; appends the skip connections, which the way up
   * will free.
   */
  Tensor forward(Tensor x, TimeEmbedding time, AttentionContext context, List<Tensor> kept) {
    Tensor y = x;
    for (Stage stage : stages) {
      y = stage.forward(y, time, context);
      kept.add(y);
    }
    if (downsampler != null) {
      y = downsampler.forward(y);
      kept.add(y);
    }
    return y;
  }

  Stream<ResnetBlock2D> resnets() {
    return stages.stream().map(Stage::resnet);
  }

  /** The layers that attend to the image itself. */
  Stream<Attention> selfAttention() {
    return stages.stream().flatMap(Stage::selfAttention);
  }

  /** The layers that attend to the context. */
  Stream<Attention> crossAttention() {
    return stages.stream().flatMap(Stage::crossAttention);
  }
}
