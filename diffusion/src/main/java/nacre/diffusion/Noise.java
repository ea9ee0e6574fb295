package nacre.diffusion;

import static nacre.tensor.ops.Concat.concat;
import static nacre.tensor.ops.Permute.permute;

import java.util.Arrays;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.TorchRandn;

/** Standard normal noise for several images, each with its own generator. */
final class Noise {
  private final Device device;
  private final Shape drawn;
  private final TorchRandn[] generators;

  /**
   * @param latent {@code [1, h, w, C]}
   */
  Noise(Device device, Shape latent, long[] seeds) {
    this.device = device;
    this.drawn = Shape.of(1, latent.dim(3), latent.dim(1), latent.dim(2));
    this.generators = Arrays.stream(seeds).mapToObj(TorchRandn::new).toArray(TorchRandn[]::new);
  }

  /** The next noise, {@code f32[N, h, w, C]}, drawn in PyTorch's order of {@code [1, C, h, w]}. */
  Tensor next() {
    try (Scope scope = Scope.open()) {
      Tensor[] each = new Tensor[generators.length];
      for (int i = 0; i < each.length; i++) {
        each[i] = permute(generators[i].randn(device, DType.F32, drawn), 0, 2, 3, 1);
      }
      return scope.keep(concat(0, each));
    }
  }
}
