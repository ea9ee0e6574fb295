package nacre.evaluation.threedit;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import nacre.diffusion.checkpoint.Component;
import nacre.diffusion.schedule.SchedulerConfig;
import nacre.diffusion.schedule.Schedulers;
import nacre.diffusion.text.ClipTextConfig;
import nacre.diffusion.unet.UNetConfig;
import nacre.diffusion.vae.VaeConfig;
import nacre.nn.Parameters;
import nacre.nn.VitConfig;
import nacre.nn.VitFamily;
import nacre.tensor.Tensor;
import nacre.weights.JsonFile;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * A model in a folder as diffusers' pipelines for Zero-1-to-3 have it: {@code unet}, {@code vae},
 * {@code image_encoder}, {@code scheduler}, and {@code clip_camera_projection} or {@code
 * cc_projection}, each with {@code config.json} and weights; for 3DIT {@code text_encoder} as well.
 * Nacre writes what it trains so.
 */
public final class ThreeDitFolder {
  private static final String CONFIG = "config.json";
  private static final String STEM = "diffusion_pytorch_model";
  private static final String PROJECTION = "clip_camera_projection";
  private static final String OTHER_PROJECTION = "cc_projection";
  private static final String IMAGE = "image_encoder";
  private static final String TEXT = Component.TEXT_ENCODER.folder();
  private static final Path SCHEDULER = Path.of("scheduler", "scheduler_config.json");

  private ThreeDitFolder() {}

  /**
   * The configuration of the model in a folder.
   *
   * @throws WeightsException in one line, if a file is missing or malformed, or the parts do not
   *     fit together
   */
  public static ThreeDitConfig config(Path folder) throws WeightsException {
    UNetConfig unet = JsonFile.read(folder.resolve(Component.UNET.config()), UNetConfig::of);
    VaeConfig vae = JsonFile.read(folder.resolve(Component.VAE.config()), VaeConfig::of);
    Path text = folder.resolve(Component.TEXT_ENCODER.config());
    Path scheduler = folder.resolve(SCHEDULER);
    Optional<ClipTextConfig> words =
        Files.exists(text)
            ? Optional.of(JsonFile.read(text, ClipTextConfig::of))
            : Optional.empty();
    VitConfig vision = JsonFile.read(folder.resolve(IMAGE).resolve(CONFIG), VitConfig::of);
    SchedulerConfig noise =
        Files.exists(scheduler)
            ? JsonFile.read(scheduler, json -> SchedulerConfig.of(json, Schedulers.DDIM))
            : ThreeDitConfig.ddim();
    try {
      return new ThreeDitConfig(
          unet.sampleSize() * vae.downsampling(), unet, vae, words, vision, noise);
    } catch (IllegalArgumentException e) {
      throw new WeightsException(folder, e.getMessage(), e);
    }
  }

  /**
   * Writes the folder's weights over those of a model.
   *
   * @param p in which the model was built
   * @throws WeightsException in one line, if a file is missing or malformed, or does not fit
   */
  public static void load(Path folder, Parameters p, ThreeDitConfig config)
      throws WeightsException {
    read(folder.resolve(Component.UNET.folder()), STEM, p.at("unet"), Component.UNET);
    read(folder.resolve(Component.VAE.folder()), STEM, p.at("vae"), Component.VAE);
    if (config.text().isPresent()) {
      read(folder.resolve(TEXT), "model", p.at("text_encoder"), Component.TEXT_ENCODER);
    }
    try (StateDict image = StateDict.open(folder.resolve(IMAGE), "model")) {
      image.loadInto(
          p.at("image_encoder").relative(),
          name -> VitFamily.isIgnorable(name) && !name.startsWith("visual_projection."));
    }
    Path projection = folder.resolve(PROJECTION);
    Path place = Files.isDirectory(projection) ? projection : folder.resolve(OTHER_PROJECTION);
    try (StateDict linear = StateDict.open(place, STEM)) {
      // proj.weight or projection.weight
      linear
          .rename(name -> name.substring(name.indexOf('.') + 1))
          .loadInto(p.at("cc_projection").relative());
    }
  }

  private static void read(Path folder, String stem, Parameters p, Component component)
      throws WeightsException {
    try (StateDict weights = StateDict.open(folder, stem)) {
      weights.rename(component::currentName).loadInto(p.relative());
    }
  }

  /**
   * Writes a model, which {@link #load} reads.
   *
   * @param tensors its parameters by name, or averages of them
   * @param folder exists
   * @throws IOException in one line, if a file cannot be written
   */
  public static void save(Path folder, Map<String, Tensor> tensors, ThreeDitConfig config)
      throws IOException {
    write(folder.resolve("unet"), STEM, tensors, "unet.", "", config.unet().toJson());
    write(folder.resolve("vae"), STEM, tensors, "vae.", "", config.vae().toJson());
    if (config.text().isPresent()) {
      ObjectNode text = config.text().get().toJson();
      write(folder.resolve(TEXT), "model", tensors, "text_encoder.", "text_model.", text);
    }
    ObjectNode vision = config.vision().toJson();
    vision.putArray("architectures").add("CLIPVisionModelWithProjection");
    vision.put("projection_dim", config.unet().crossAttentionDim());
    write(folder.resolve(IMAGE), "model", tensors, "image_encoder.", "", vision);
    ObjectNode projection =
        JsonNodeFactory.instance
            .objectNode()
            .put("_class_name", "CLIPCameraProjection")
            .put("embedding_dim", config.unet().crossAttentionDim())
            .put("additional_embeddings", ThreeDit.NUMBERS);
    write(folder.resolve(PROJECTION), STEM, tensors, "cc_projection.", "proj.", projection);
    Files.createDirectories(folder.resolve(SCHEDULER).getParent());
    JsonFile.write(folder.resolve(SCHEDULER), config.scheduler().toJson());
  }

  private static void write(
      Path folder,
      String stem,
      Map<String, Tensor> all,
      String below,
      String written,
      ObjectNode config)
      throws IOException {
    Map<String, Tensor> part = new HashMap<>();
    all.forEach(
        (name, tensor) -> {
          if (name.startsWith(below)) {
            part.put(written + name.substring(below.length()), tensor);
          }
        });
    if (part.isEmpty()) {
      throw new IOException(
          String.format(Locale.ROOT, "%s: there are no parameters %s*", folder, below));
    }
    Files.createDirectories(folder);
    JsonFile.write(folder.resolve(CONFIG), config);
    new SafeTensorsWriter().addParameters(part).write(folder.resolve(stem + ".safetensors"));
  }
}
