package nacre.nn;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import nacre.weights.JsonFile;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * A folder with a {@link Vit}, as transformers or timm write it: {@code config.json}, {@code
 * model.safetensors}.
 */
public final class VitFolder {
  private VitFolder() {}

  /** As {@link #load(Parameters, Path, boolean)}, without a pooling layer. */
  public static Vit load(Parameters p, Path folder) throws WeightsException {
    return load(p, folder, false);
  }

  /**
   * Builds the model that a folder describes and fills it with the folder's weights. Weights of a
   * classifier are ignored, and those of a pooling layer that is not requested; the encoder may be
   * under {@code vit.}, as in files of {@code ViTForImageClassification}.
   *
   * @param p where to put the parameters; {@link Parameters#unwritten} suffices
   * @param addPoolingLayer whether to load the pooling layer, which must then exist
   * @throws WeightsException if a file is missing, malformed or does not fit, in one line
   */
  public static Vit load(Parameters p, Path folder, boolean addPoolingLayer)
      throws WeightsException {
    Path file = folder.resolve("config.json");
    JsonNode json = JsonFile.read(file);
    try (StateDict dict = StateDict.open(folder, "model")) {
      VitConfig config =
          json.has("architecture")
              ? TimmNames.config(file, json, dict)
              : JsonFile.read(file, VitConfig::of);
      Vit vit = new Vit(p, config, addPoolingLayer);
      StateDict encoder = dict;
      if (TimmNames.are(dict.entries())) {
        encoder = dict.translate(TimmNames.of(config.numHiddenLayers()));
      } else if (dict.entries().containsKey("vit.embeddings.cls_token")) {
        encoder = dict.under("vit.");
      }
      String others = addPoolingLayer ? "(classifier|head)" : "(pooler|classifier|head)";
      encoder.loadInto(p.relative(), name -> name.matches(others + "\\..*"));
      return vit;
    }
  }

  /**
   * Writes a model so that transformers' {@code ViTModel.from_pretrained} loads it.
   *
   * @param p where the model was built
   * @throws IOException if a file cannot be written, in one sentence
   */
  public static void save(Vit vit, Parameters p, Path folder) throws IOException {
    JsonFile.write(folder.resolve("config.json"), vit.config().toJson());
    new SafeTensorsWriter().addParameters(p.relative()).write(folder.resolve("model.safetensors"));
  }
}
