package nacre.diffusion.unet;

import static nacre.tensor.ops.Concat.concat;
import static nacre.tensor.ops.Resample.upsampleNearest;
import static nacre.tensor.ops.Slice.slice;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import nacre.diffusion.layers.ResnetBlock2D;
import nacre.nn.Attention;
import nacre.nn.AttentionContext;
import nacre.nn.Conv2d;
import nacre.nn.Parameters;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/** A level of the UNet's way up; each residual block takes a skip connection beside its input. */
final class UpBlock {
  private final List<Stage> stages = new ArrayList<>();
  private final Conv2d upsampler;

  /** The {@code index}-th block from the deepest. */
  UpBlock(Parameters p, UNetConfig config, int index) {
    int level = config.levels() - 1 - index;
    List<Integer> channels = config.blockOutChannels();
    int out = channels.get(level);
    int before = channels.get(Math.min(level + 1, config.levels() - 1));
    int above = channels.get(Math.max(level - 1, 0));
    int layers = config.layersPerBlock().get(level) + 1;
    for (int i = 0; i < layers; i++) {
      int skip = i == layers - 1 ? above : out;
      ResnetBlock2D resnet =
          new ResnetBlock2D(
              p.at("resnets").at(i),
              (i == 0 ? before : out) + skip,
              out,
              config.timeWidth(),
              config.normNumGroups(),
              config.normEps());
      Transformer2D attention =
          config.upAttention().get(index)
              ? new Transformer2D(
                  p.at("attentions").at(i),
                  out,
                  config.heads().get(level),
                  config.transformerLayers().get(level),
                  config)
              : null;
      stages.add(new Stage(resnet, attention));
    }
    upsampler = level == 0 ? null : new Conv2d(p.at("upsamplers.0.conv"), out, out, 3, 1, 1);
  }

  /**
   * {@code x [N, H, W, in] → [N, 2H, 2W, out]}, or one less where the next skip connection has an
   * odd height or width; takes skip connections from the end of the list.
   */
  Tensor forward(Tensor x, TimeEmbedding time, AttentionContext context, List<Tensor> kept) {
    try (Scope scope = Scope.open()) {
      Tensor y = x;
      for (Stage stage : stages) {
        Tensor skip = kept.removeLast();
        Tensor joined = concat(3, y, skip);
        // Freed as soon as used; an open tape retains what it needs.
        skip.close();
        if (y != x) {
          y.close();
        }
        y = stage.forward(joined, time, context);
        joined.close();
      }
      return scope.keep(upsampler == null ? y : enlarge(y, kept.getLast()));
    }
  }

  /** Upsampled to the size of the next skip connection: twice its own, or one less. */
  private Tensor enlarge(Tensor x, Tensor like) {
    int h = like.dim(1);
    int w = like.dim(2);
    if (h == 2 * x.dim(1) && w == 2 * x.dim(2)) {
      return upsampler.forwardUpsampled(x);
    }
    return upsampler.forward(slice(slice(upsampleNearest(x, 2), 1, 0, h), 2, 0, w));
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
