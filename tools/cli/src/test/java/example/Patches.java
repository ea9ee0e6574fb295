package example;

import static nacre.tensor.ops.Reshape.reshape;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Set;
import nacre.neuralassets.encoder.ImageEncoder;
import nacre.neuralassets.encoder.ImageEncoderConfig;
import nacre.neuralassets.encoder.ImageEncoderProvider;
import nacre.nn.Conv2d;
import nacre.nn.Parameters;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/** An image encoder of one's own: one convolution over the patches. */
record Patches(int imageSize, int patchSize, int hiddenSize) implements ImageEncoderConfig {
  @Override
  public String modelType() {
    return "patches";
  }

  @Override
  public List<Double> imageMean() {
    return List.of(0.4, 0.4, 0.4);
  }

  @Override
  public ImageEncoder build(Parameters parameters) {
    Conv2d patches = new Conv2d(parameters.at("patches"), 3, hiddenSize, patchSize, patchSize, 0);
    return pixels ->
        Scope.tidy(
            () -> {
              Tensor map = patches.forward(pixels); // [N, grid, grid, C]
              return reshape(map, map.dim(0), map.dim(1) * map.dim(2), hiddenSize);
            });
  }

  /** Reads three sizes. */
  public static final class Provider implements ImageEncoderProvider {
    @Override
    public String modelType() {
      return "patches";
    }

    @Override
    public Set<String> keys() {
      return Set.of("image_size", "patch_size", "hidden_size");
    }

    @Override
    public ImageEncoderConfig read(JsonNode json) {
      return new Patches(
          json.path("image_size").asInt(16),
          json.path("patch_size").asInt(4),
          json.path("hidden_size").asInt(32));
    }
  }
}
