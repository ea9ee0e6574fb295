package nacre.diffusion.vae;

import java.util.ArrayList;
import java.util.List;
import nacre.nn.Conv2d;
import nacre.nn.Parameters;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/** {@code image [N, H, W, in] → [N, H/f, W/f, 2 · latent]}. Names as diffusers' {@code Encoder}. */
final class Encoder {
  private final Conv2d convIn;
  private final List<Coder.Down> down = new ArrayList<>();
  private final MidBlock mid;
  private final Coder.Out out;

  Encoder(Parameters p, VaeConfig config) {
    List<Integer> channels = config.blockOutChannels();
    convIn = new Conv2d(p.at("conv_in"), config.inChannels(), channels.getFirst(), 3, 1, 1);
    int in = channels.getFirst();
    for (int level = 0; level < channels.size(); level++) {
      boolean last = level == channels.size() - 1;
      int width = channels.get(level);
      down.add(new Coder.Down(p.at("down_blocks").at(level), in, width, last, config));
      in = width;
    }
    mid = new MidBlock(p.at("mid_block"), in, config);
    out = new Coder.Out(p, in, 2 * config.latentChannels(), config);
  }

  Tensor forward(Tensor image) {
    try (Scope scope = Scope.open()) {
      Tensor x = convIn.forward(image);
      for (Coder.Down level : down) {
        Tensor y = level.forward(x);
        x.close();
        x = y;
      }
      return scope.keep(out.forward(mid.forward(x)));
    }
  }
}
