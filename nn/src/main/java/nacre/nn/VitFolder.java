package nacre.nn;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import nacre.weights.AtomicFile;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * A {@link Vit} on disk as transformers keeps it: {@code config.json}, {@code model.safetensors}.
 */
public final class VitFolder {
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

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
    Vit vit = new Vit(p, config(folder.resolve("config.json")));
    try (StateDict dict = StateDict.open(folder, "model")) {
      boolean nested = dict.entries().containsKey("vit.embeddings.cls_token");
      StateDict encoder = nested ? dict.under("vit.") : dict;
      encoder.loadInto(p.relative(), name -> name.matches("(pooler|classifier)\\..*"));
    }
    return vit;
  }

  private static VitConfig config(Path file) throws WeightsException {
    try {
      JsonNode json = JSON.readTree(Files.readString(file));
      if (!json.isObject()) {
        throw new WeightsException(file, "is not a JSON object");
      }
      return VitConfig.of(json);
    } catch (WeightsException e) {
      throw e;
    } catch (JsonProcessingException e) {
      throw new WeightsException(file, "is not valid JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      String reason = Files.exists(file) ? "cannot be read: " + e.getMessage() : "no such file";
      throw new WeightsException(file, reason, e);
    } catch (IllegalArgumentException e) {
      throw new WeightsException(file, e.getMessage(), e);
    }
  }

  /**
   * Writes a model so that transformers' {@code ViTModel.from_pretrained} loads it.
   *
   * @param p where the model was built
   * @param folder exists
   * @throws IOException if a file cannot be written, in one sentence
   */
  public static void save(Vit vit, Parameters p, Path folder) throws IOException {
    String json = vit.config().toJson().toPrettyString() + "\n";
    AtomicFile.write(
        folder.resolve("config.json"), out -> out.write(json.getBytes(StandardCharsets.UTF_8)));
    new SafeTensorsWriter().addParameters(p.relative()).write(folder.resolve("model.safetensors"));
  }
}
