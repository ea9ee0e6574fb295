package nacre.diffusion.vae;

import java.util.ArrayList;
import java.util.List;
import nacre.nn.Conv2d;
import nacre.nn.Parameters;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/** {@code latent [N, h, w, latent] → [N, f·h, f·w, out]}. Names as diffusers' {@code Decoder}. */
final class Decoder {
  private final Conv2d convIn;
  private final MidBlock mid;
  private final List<Coder.Up> up = new ArrayList<>();
  private final Coder.Out out;

  Decoder(Parameters p, VaeConfig config) {
    List<Integer> channels = config.blockOutChannels().reversed();
    int in = channels.getFirst();
    convIn = new Conv2d(p.at("conv_in"), config.latentChannels(), in, 3, 1, 1);
    mid = new MidBlock(p.at("mid_block"), in, config);
    for (int i = 0; i < channels.size(); i++) {
      boolean last = i == channels.size() - 1;
      int width = channels.get(i);
      up.add(new Coder.Up(p.at("up_blocks").at(i), in, width, last, config));
      in = width;
    }
    out = new Coder.Out(p, in, config.outChannels(), config);
  }

  Tensor forward(Tensor latent) {
    try (Scope scope = Scope.open()) {
      Tensor x = mid.forward(convIn.forward(latent));
      for (Coder.Up level : up) {
        Tensor y = level.forward(x);
        x.close();
        x = y;
      }
      return scope.keep(out.forward(x));
    }
  }
}
