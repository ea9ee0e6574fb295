package nacre.neuralassets.encoder;

import static nacre.tensor.ops.Reshape.reshape;

import java.util.List;
import java.util.Optional;
import nacre.nn.Parameters;
import nacre.nn.Vit;
import nacre.nn.VitConfig;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * A vision transformer as an image encoder: DINO's, the one of the paper, or one of another
 * {@linkplain nacre.nn.VitFamily family}.
 */
public record VitEncoder(Vit vit) implements ImageEncoder {
  @Override
  public Tensor features(Tensor pixels) {
    return Scope.tidy(
        () -> {
          Tensor map = vit.features(pixels); // [N, rows, columns, C]
          return reshape(map, map.dim(0), map.dim(1) * map.dim(2), map.dim(3));
        });
  }

  @Override
  public void prepare(int side) {
    vit.prepare(side, side);
  }

  /** The sizes of a vision transformer. */
  public record Config(VitConfig vit) implements ImageEncoderConfig {
    @Override
    public String modelType() {
      return vit.family().modelType();
    }

    @Override
    public int imageSize() {
      return vit.imageSize();
    }

    @Override
    public int patchSize() {
      return vit.patchSize();
    }

    @Override
    public int hiddenSize() {
      return vit.hiddenSize();
    }

    @Override
    public List<Double> imageMean() {
      return vit.family().pixels().mean();
    }

    @Override
    public List<Double> imageStd() {
      return vit.family().pixels().std();
    }

    @Override
    public Optional<String> positions() {
      return Optional.of(vit.positionsName());
    }

    @Override
    public String library() {
      return "transformers";
    }

    @Override
    public String className() {
      return vit.family().className();
    }

    @Override
    public ImageEncoder build(Parameters parameters) {
      return new VitEncoder(new Vit(parameters, vit));
    }
  }
}
