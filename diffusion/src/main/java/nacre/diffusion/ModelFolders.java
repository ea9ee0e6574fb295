package nacre.diffusion;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import nacre.diffusion.checkpoint.Checkpoint;
import nacre.diffusion.checkpoint.Component;
import nacre.diffusion.checkpoint.ModelHints;
import nacre.weights.JsonFile;
import nacre.weights.OneLine;
import nacre.weights.WeightsException;

/** The recognition of Stable Diffusion on disk, before any of it is read. */
public final class ModelFolders {
  private static final Set<String> PIPELINES =
      Set.of(
          "StableDiffusionPipeline",
          "StableDiffusionImg2ImgPipeline",
          "StableDiffusionInpaintPipeline",
          "StableDiffusionInpaintPipelineLegacy",
          "LatentConsistencyModelPipeline",
          "LatentConsistencyModelImg2ImgPipeline");

  private static final String INDEX = "model_index.json";
  private static final String CLASS = "_class_name";

  private ModelFolders() {}

  /**
   * The files of a model of which some parts are wanted, perhaps not all; no weight is read.
   *
   * @param model a folder as diffusers saves it, or a single file
   * @param hints what the caller knows better than the files
   * @param parts those that a folder must have
   * @throws WeightsException if a file is missing or malformed, or of another pipeline, in one line
   */
  public static Checkpoint open(Path model, ModelHints hints, Set<Component> parts)
      throws WeightsException {
    if (Files.isDirectory(model)) {
      requirePipeline(model, parts);
    }
    return Checkpoint.open(model, hints);
  }

  /** As {@link StableDiffusion#is}. */
  static boolean isStableDiffusion(Path model) throws WeightsException {
    if (Files.exists(model.resolve(INDEX))) {
      return pipeline(model).contains("Pipeline");
    }
    return Files.isDirectory(model)
        ? isPart(model) || isPart(model.toAbsolutePath().getParent())
        : Files.isRegularFile(model);
  }

  /** Whether a folder's pipeline is one of latent consistency models. */
  static boolean isLatentConsistency(Path model) throws WeightsException {
    return Files.exists(model.resolve(INDEX))
        && pipeline(model).startsWith("LatentConsistencyModel");
  }

  /** Whether a folder holds one of the parts, but not those of Nacre's own models. */
  private static boolean isPart(Path folder) {
    return folder != null
        && !Files.exists(folder.resolve("preset.json"))
        && Files.exists(folder.resolve(Component.UNET.config()));
  }

  /**
   * Requires a folder to be of a pipeline that is supported; without an index, to have the parts.
   *
   * @param parts which of them are needed
   * @throws WeightsException if it is another's, or lacks parts, in one line
   */
  private static void requirePipeline(Path model, Set<Component> parts) throws WeightsException {
    if (Files.exists(model.resolve(INDEX))) {
      String pipeline = pipeline(model);
      if (!PIPELINES.contains(pipeline)) {
        throw new WeightsException(
            model,
            pipeline.isEmpty()
                ? INDEX + " names no pipeline, StableDiffusionPipeline is wanted"
                : String.format(
                    Locale.ROOT,
                    "is a %s, StableDiffusionPipeline is wanted",
                    OneLine.clip(pipeline)));
      }
      return;
    }
    List<String> missing = new ArrayList<>();
    for (Component component : parts) {
      if (!Files.exists(model.resolve(component.config()))) {
        missing.add(component.config());
      }
    }
    if (!Files.exists(model.resolve(Checkpoint.SCHEDULER))) {
      missing.add(Checkpoint.SCHEDULER);
    }
    if (!missing.isEmpty()) {
      Path parent = model.toAbsolutePath().getParent();
      boolean inside = parent != null && Files.exists(parent.resolve(Component.UNET.config()));
      throw new WeightsException(
          model,
          String.format(
              Locale.ROOT,
              "has no %s, and no %s%s",
              INDEX,
              String.join(", no ", missing),
              inside ? "; give the folder above, " + parent : ""));
    }
  }

  /** The class of the pipeline; of a custom one, its file and its class. */
  private static String pipeline(Path folder) throws WeightsException {
    JsonNode name = JsonFile.read(folder.resolve(INDEX)).path(CLASS);
    return name.isArray() ? name.toString() : name.asText("");
  }
}
