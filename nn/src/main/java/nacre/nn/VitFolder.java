package nacre.nn;

import java.io.IOException;
import java.nio.file.Path;
import nacre.weights.JsonFile;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * A {@link Vit} on disk as transformers keeps it: {@code config.json}, {@code model.safetensors}.
 */
public final class VitFolder {
  private VitFolder() {}

  /**
   * Builds the model that a folder describes and fills it with the folder's weights. Weights of a
   * pooler or a classifier are passed over; the encoder may stand under {@code vit.}, as in files
   * of {@code ViTForImageClassification}.
   *
   * @param p where to put the parameters; {@link Parameters#unwritten} suffices
   * @throws WeightsException if a file is missing, malformed or does not fit, in one line
   */
  public static Vit load(Parameters p, Path folder) throws WeightsException {
    Vit vit = new Vit(p, JsonFile.read(folder.resolve("config.json"), VitConfig::of));
    try (StateDict dict = StateDict.open(folder, "model")) {
      boolean nested = dict.entries().containsKey("vit.embeddings.cls_token");
      StateDict encoder = nested ? dict.under("vit.") : dict;
      encoder.loadInto(p.relative(), name -> name.matches("(pooler|classifier)\\..*"));
    }
    return vit;
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
