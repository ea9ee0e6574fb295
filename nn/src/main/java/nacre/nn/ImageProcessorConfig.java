package nacre.nn;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import nacre.weights.ConfigJson;
import nacre.weights.JsonFile;
import nacre.weights.WeightsException;

/**
 * The images that an encoder was trained on: what transformers has in {@code
 * preprocessor_config.json}, and timm in {@code pretrained_cfg} of its {@code config.json}.
 *
 * @param imageSize side of the square images in pixels, which need not be that of the encoder's
 *     positions
 * @param mean of each channel of images in [0, 1], subtracted
 * @param std of each channel, divided by after that
 */
public record ImageProcessorConfig(int imageSize, List<Double> mean, List<Double> std) {
  private static final String FILE = "preprocessor_config.json";

  /** The side to which DINOv2's images are cropped; its positions are those of larger ones. */
  private static final int DINOV2_SIZE = 224;

  private static final double BYTES = 1 / 255.0;

  /** Checks the numbers. */
  public ImageProcessorConfig {
    mean = List.copyOf(mean);
    std = List.copyOf(std);
    if (imageSize < 1 || !mean.stream().allMatch(Double::isFinite)) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "images of side %d and mean %s cannot be", imageSize, mean));
    }
    if (!std.stream().allMatch(x -> x > 0 && Double.isFinite(x))) {
      throw new IllegalArgumentException("image_std must be above 0, it is " + std);
    }
  }

  /** What a family does where no file says otherwise. */
  public static ImageProcessorConfig of(VitConfig encoder) {
    VitFamily.Pixels pixels = encoder.family().pixels();
    int size =
        encoder.family().isDinov2()
            ? Math.min(DINOV2_SIZE, encoder.imageSize())
            : encoder.imageSize();
    return new ImageProcessorConfig(size, pixels.mean(), pixels.std());
  }

  /**
   * Reads what a folder says beside an encoder; what it does not say is the family's. Of a single
   * file, which says nothing, the images are ImageNet's, as for DINO, DeiT and MAE.
   *
   * @param encoder the encoder in the folder
   * @throws WeightsException if a file is malformed, images are not square or do not divide into
   *     the encoder's patches, in one line
   */
  public static ImageProcessorConfig read(Path folder, VitConfig encoder) throws WeightsException {
    ImageProcessorConfig otherwise = of(encoder);
    if (Files.isRegularFile(folder)) {
      VitFamily.Pixels pixels = VitFamily.Pixels.IMAGENET;
      return new ImageProcessorConfig(encoder.imageSize(), pixels.mean(), pixels.std());
    }
    Path file = folder.resolve(FILE);
    if (Files.exists(file)) {
      return JsonFile.read(file, json -> transformers(json, otherwise).fitting(encoder));
    }
    file = folder.resolve("processor_config.json"); // of models that read text, too
    if (Files.exists(file)) {
      return JsonFile.read(
          file, json -> transformers(json.path("image_processor"), otherwise).fitting(encoder));
    }
    return JsonFile.read(
        folder.resolve("config.json"),
        json -> timm(json.path("pretrained_cfg"), otherwise).fitting(encoder));
  }

  private static ImageProcessorConfig transformers(JsonNode json, ImageProcessorConfig otherwise) {
    ConfigJson c = new ConfigJson("image processor", json);
    boolean cropped = c.flag("do_center_crop", c.has("crop_size"));
    String key = cropped && c.has("crop_size") ? "crop_size" : "size";
    int size =
        c.flag("do_resize", true) || cropped
            ? size(c, key, otherwise.imageSize)
            : otherwise.imageSize;
    if (!c.flag("do_normalize", true)) {
      return scaled(c, size, List.of(0.0, 0.0, 0.0), List.of(1.0, 1.0, 1.0));
    }
    return scaled(
        c, size, c.numbers("image_mean", otherwise.mean), c.numbers("image_std", otherwise.std));
  }

  /** Numbers in the file are of bytes times its factor; ours are of bytes / 255. */
  private static ImageProcessorConfig scaled(
      ConfigJson c, int size, List<Double> mean, List<Double> std) {
    double factor = c.flag("do_rescale", true) ? c.number("rescale_factor", BYTES) : 1;
    if (!(factor > 0)) {
      throw new IllegalArgumentException(c.model() + ": rescale_factor must be above 0");
    }
    if (Math.abs(factor - BYTES) < 1e-9) {
      return new ImageProcessorConfig(size, mean, std);
    }
    return new ImageProcessorConfig(
        size,
        mean.stream().map(x -> x * BYTES / factor).toList(),
        std.stream().map(x -> x * BYTES / factor).toList());
  }

  /** A number, height and width, or the shortest edge. */
  private static int size(ConfigJson c, String key, int otherwise) {
    if (!c.has(key) || !c.node().get(key).isObject()) {
      return c.integer(key, otherwise);
    }
    ConfigJson sides = new ConfigJson(c.model() + " " + key, c.node().get(key));
    if (sides.has("shortest_edge")) {
      return sides.integer("shortest_edge", otherwise);
    }
    return square(
        sides.model(), sides.integer("height", otherwise), sides.integer("width", otherwise));
  }

  private static ImageProcessorConfig timm(JsonNode json, ImageProcessorConfig otherwise) {
    ConfigJson c = new ConfigJson("pretrained_cfg", json);
    int side = otherwise.imageSize;
    List<Integer> size = c.integers("input_size", 3, List.of(3, side, side));
    return new ImageProcessorConfig(
        square("pretrained_cfg input_size", size.get(1), size.get(2)),
        c.numbers("mean", otherwise.mean),
        c.numbers("std", otherwise.std));
  }

  private static int square(String what, int height, int width) {
    if (height != width) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT, "%s is %d × %d, square images are wanted", what, height, width));
    }
    return height;
  }

  private ImageProcessorConfig fitting(VitConfig encoder) {
    if (imageSize % encoder.patchSize() != 0) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "images of side %d do not divide into the encoder's patches of %d",
              imageSize,
              encoder.patchSize()));
    }
    return this;
  }

  /** A {@code preprocessor_config.json} of transformers with the same numbers. */
  public ObjectNode toJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("image_processor_type", "ViTImageProcessor")
        .put("do_resize", true)
        .put("do_rescale", true)
        .put("do_normalize", true)
        .put("resample", 2)
        .put("rescale_factor", BYTES);
    json.putObject("size").put("height", imageSize).put("width", imageSize);
    mean.forEach(json.putArray("image_mean")::add);
    std.forEach(json.putArray("image_std")::add);
    return json;
  }
}
