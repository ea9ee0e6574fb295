package nacre.diffusion.vae;

import java.util.ArrayList;
import java.util.List;
import nacre.diffusion.layers.ResnetBlock2D;
import nacre.nn.Conv2d;
import nacre.nn.GroupNorm;
import nacre.nn.Parameters;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Window;

/** What encoder and decoder are made of: levels of residual blocks, and the ends. */
final class Coder {
  /** Epsilon of all GroupNorms; diffusers' config has no key for it. */
  static final double EPS = 1e-6;

  private Coder() {}

  /** A level on the way down: {@code [N, H, W, in] → [N, H/2, W/2, out]}. */
  static final class Down {
    private final List<ResnetBlock2D> resnets;
    private final Conv2d downsampler;

    Down(Parameters p, int in, int out, boolean last, VaeConfig config) {
      resnets = resnets(p, in, out, config.layersPerBlock(), config);
      // One row and column of zeros behind: an odd size loses its last pixel.
      Window window = new Window(2, 0, 0, 1, 1);
      downsampler = last ? null : new Conv2d(p.at("downsamplers.0.conv"), out, out, 3, window);
    }

    Tensor forward(Tensor x) {
      try (Scope scope = Scope.open()) {
        Tensor y = run(resnets, x);
        return scope.keep(downsampler == null ? y : downsampler.forward(y));
      }
    }
  }

  /** A level on the way up: {@code [N, H, W, in] → [N, 2H, 2W, out]}. */
  static final class Up {
    private final List<ResnetBlock2D> resnets;
    private final Conv2d upsampler;

    Up(Parameters p, int in, int out, boolean last, VaeConfig config) {
      resnets = resnets(p, in, out, config.layersPerBlock() + 1, config);
      upsampler = last ? null : new Conv2d(p.at("upsamplers.0.conv"), out, out, 3, 1, 1);
    }

    Tensor forward(Tensor x) {
      try (Scope scope = Scope.open()) {
        Tensor y = run(resnets, x);
        return scope.keep(upsampler == null ? y : upsampler.forwardUpsampled(y));
      }
    }
  }

  /** The end of both: GroupNorm, SiLU, convolution. */
  static final class Out {
    private final GroupNorm norm;
    private final Conv2d conv;

    Out(Parameters p, int in, int out, VaeConfig config) {
      norm = new GroupNorm(p.at("conv_norm_out"), config.normNumGroups(), in, EPS);
      conv = new Conv2d(p.at("conv_out"), in, out, 3, 1, 1);
    }

    Tensor forward(Tensor x) {
      return conv.forward(norm.forwardSilu(x));
    }
  }

  private static List<ResnetBlock2D> resnets(
      Parameters p, int in, int out, int count, VaeConfig config) {
    List<ResnetBlock2D> resnets = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Parameters at = p.at("resnets").at(i);
      resnets.add(new ResnetBlock2D(at, i == 0 ? in : out, out, 0, config.normNumGroups(), EPS));
    }
    return resnets;
  }

  /** One after the other, each freed when the next is there. */
  private static Tensor run(List<ResnetBlock2D> resnets, Tensor x) {
    Tensor y = x;
    for (ResnetBlock2D resnet : resnets) {
      Tensor next = resnet.forward(y, null);
      if (y != x) {
        y.close();
      }
      y = next;
    }
    return y;
  }
}
