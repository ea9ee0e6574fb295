package nacre.diffusion.vae;

import java.util.ArrayList;
import java.util.List;
import nacre.diffusion.layers.ResnetBlock2D;
import nacre.nn.Conv2d;
import nacre.nn.GroupNorm;
import nacre.nn.Layer;
import nacre.nn.Parameters;
import nacre.nn.Sequential;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Window;

/**
 * The encoder or the decoder of the autoencoder: levels of residual blocks between an input and an
 * output layer. Names as in diffusers.
 *
 * @param stages its layers in their order
 */
record Coder(List<Stage> stages) {
  /**
   * Layers as far as a residual block, which is the last of them mostly.
   *
   * @param in pixels of the image that a pixel of the input stands for, along a side
   * @param out those that a pixel of the output stands for
   */
  record Stage(Layer layer, int in, int out) {}

  /** Epsilon of all GroupNorms; diffusers' config has no key for it. */
  static final double EPS = 1e-6;

  /** {@code image [N, H, W, in] → [N, H/f, W/f, 2 · latent]}. */
  static Coder encoder(Parameters p, VaeConfig config) {
    List<Integer> channels = config.blockOutChannels();
    int in = channels.getFirst();
    Stages stages = new Stages(1);
    stages.add(new Conv2d(p.at("conv_in"), config.inChannels(), in, 3, 1, 1));
    for (int level = 0; level < channels.size(); level++) {
      int out = channels.get(level);
      Parameters at = p.at("down_blocks").at(level);
      for (Layer resnet : resnets(at, in, out, config.layersPerBlock(), config)) {
        stages.add(resnet);
        if (level < channels.size() - 1) {
          stages.end(1 << level);
        }
      }
      if (level < channels.size() - 1) {
        // One row of zeros at the bottom and one column at the right: an odd size loses its last
        // pixel.
        Window window = new Window(2, 0, 0, 1, 1);
        stages.add(new Conv2d(at.at("downsamplers.0.conv"), out, out, 3, window));
      }
      in = out;
    }
    middle(p.at("mid_block"), in, config).forEach(stages::add);
    end(p, in, 2 * config.latentChannels(), config).forEach(stages::add);
    return new Coder(stages.end(config.downsampling()));
  }

  /** {@code latent [N, h, w, latent] → [N, f·h, f·w, out]}. */
  static Coder decoder(Parameters p, VaeConfig config) {
    List<Integer> channels = config.blockOutChannels().reversed();
    int in = channels.getFirst();
    Stages stages = new Stages(config.downsampling());
    stages.add(new Conv2d(p.at("conv_in"), config.latentChannels(), in, 3, 1, 1));
    middle(p.at("mid_block"), in, config).forEach(stages::add);
    for (int i = 0; i < channels.size(); i++) {
      int out = channels.get(i);
      Parameters at = p.at("up_blocks").at(i);
      for (Layer resnet : resnets(at, in, out, config.layersPerBlock() + 1, config)) {
        stages.add(resnet);
        stages.end(config.downsampling() >> i);
      }
      if (i < channels.size() - 1) {
        stages.add(new Conv2d(at.at("upsamplers.0.conv"), out, out, 3, 1, 1)::forwardUpsampled);
      }
      in = out;
    }
    end(p, in, config.outChannels(), config).forEach(stages::add);
    return new Coder(stages.end(1));
  }

  /** All of its layers. */
  Tensor forward(Tensor x) {
    return Sequential.of(stages.stream().map(Stage::layer).toList()).forward(x);
  }

  /** With a layer behind the last. */
  Coder then(Layer layer) {
    List<Stage> all = new ArrayList<>(stages);
    Stage last = all.removeLast();
    all.add(new Stage(last.layer.then(layer), last.in, last.out));
    return new Coder(all);
  }

  /** With a layer before the first. */
  Coder after(Layer layer) {
    List<Stage> all = new ArrayList<>(stages);
    Stage first = all.removeFirst();
    all.addFirst(new Stage(layer.then(first.layer), first.in, first.out));
    return new Coder(all);
  }

  private static final class Stages {
    private final List<Stage> all = new ArrayList<>();
    private final List<Layer> layers = new ArrayList<>();
    private int in;

    private Stages(int in) {
      this.in = in;
    }

    private void add(Layer layer) {
      layers.add(layer);
    }

    /** The stages as far as the last layer. */
    private List<Stage> end(int out) {
      all.add(new Stage(Sequential.of(layers), in, out));
      layers.clear();
      in = out;
      return all;
    }
  }

  /** Two residual blocks, around attention where the config says so. */
  private static List<Layer> middle(Parameters p, int channels, VaeConfig config) {
    List<Layer> layers = new ArrayList<>();
    layers.add(resnet(p.at("resnets.0"), channels, channels, config));
    if (config.midAttention()) {
      layers.add(new PixelAttention(p.at("attentions.0"), channels, config));
    }
    layers.add(resnet(p.at("resnets.1"), channels, channels, config));
    return layers;
  }

  private static List<Layer> resnets(Parameters p, int in, int out, int count, VaeConfig config) {
    List<Layer> resnets = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      resnets.add(resnet(p.at("resnets").at(i), i == 0 ? in : out, out, config));
    }
    return resnets;
  }

  private static Layer resnet(Parameters p, int in, int out, VaeConfig config) {
    return new ResnetBlock2D(p, in, out, 0, config.normNumGroups(), EPS);
  }

  /** GroupNorm, SiLU, convolution. */
  private static List<Layer> end(Parameters p, int in, int out, VaeConfig config) {
    GroupNorm norm = new GroupNorm(p.at("conv_norm_out"), config.normNumGroups(), in, EPS);
    return List.of(norm::forwardSilu, new Conv2d(p.at("conv_out"), in, out, 3, 1, 1));
  }
}
