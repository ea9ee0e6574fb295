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
 * @param first its layers before those of {@code second}: of a decoder all that have the latent's
 *     size, of an encoder those that have not
 * @param second the others
 */
record Coder(Layer first, Layer second) {
  /** Epsilon of all GroupNorms; diffusers' config has no key for it. */
  static final double EPS = 1e-6;

  /** {@code image [N, H, W, in] → [N, H/f, W/f, 2 · latent]}. */
  static Coder encoder(Parameters p, VaeConfig config) {
    List<Integer> channels = config.blockOutChannels();
    int in = channels.getFirst();
    List<Layer> layers = new ArrayList<>();
    int cut = 0;
    layers.add(new Conv2d(p.at("conv_in"), config.inChannels(), in, 3, 1, 1));
    for (int level = 0; level < channels.size(); level++) {
      int out = channels.get(level);
      Parameters at = p.at("down_blocks").at(level);
      layers.addAll(resnets(at, in, out, config.layersPerBlock(), config));
      if (level < channels.size() - 1) {
        // One row of zeros at the bottom and one column at the right: an odd size loses its last
        // pixel.
        Window window = new Window(2, 0, 0, 1, 1);
        layers.add(new Conv2d(at.at("downsamplers.0.conv"), out, out, 3, window));
        cut = layers.size();
      }
      in = out;
    }
    layers.addAll(middle(p.at("mid_block"), in, config));
    layers.addAll(end(p, in, 2 * config.latentChannels(), config));
    return cut(layers, cut);
  }

  /** {@code latent [N, h, w, latent] → [N, f·h, f·w, out]}. */
  static Coder decoder(Parameters p, VaeConfig config) {
    List<Integer> channels = config.blockOutChannels().reversed();
    int in = channels.getFirst();
    List<Layer> layers = new ArrayList<>();
    int cut = 0;
    layers.add(new Conv2d(p.at("conv_in"), config.latentChannels(), in, 3, 1, 1));
    layers.addAll(middle(p.at("mid_block"), in, config));
    for (int i = 0; i < channels.size(); i++) {
      int out = channels.get(i);
      Parameters at = p.at("up_blocks").at(i);
      layers.addAll(resnets(at, in, out, config.layersPerBlock() + 1, config));
      cut = i == 0 ? layers.size() : cut;
      if (i < channels.size() - 1) {
        layers.add(new Conv2d(at.at("upsamplers.0.conv"), out, out, 3, 1, 1)::forwardUpsampled);
      }
      in = out;
    }
    layers.addAll(end(p, in, config.outChannels(), config));
    return cut(layers, cut);
  }

  /** All of its layers. */
  Tensor forward(Tensor x) {
    return first.then(second).forward(x);
  }

  Coder then(Layer last) {
    return new Coder(first, second.then(last));
  }

  Coder after(Layer input) {
    return new Coder(input.then(first), second);
  }

  private static Coder cut(List<Layer> layers, int at) {
    return new Coder(
        Sequential.of(layers.subList(0, at)), Sequential.of(layers.subList(at, layers.size())));
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
