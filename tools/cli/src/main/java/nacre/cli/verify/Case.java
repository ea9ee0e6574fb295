package nacre.cli.verify;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import nacre.cli.options.DTypeOption;
import nacre.tensor.DType;
import nacre.weights.JsonFile;
import nacre.weights.TextFile;

/**
 * A bundle's {@code case.json}.
 *
 * @param module name of the module, as {@link ModuleRegistry} knows it
 * @param config the module's own {@code config.json}, or its constructor's arguments
 * @param dtype type to compute in
 * @param tolerance largest relative error that passes
 */
record Case(String module, JsonNode config, DType dtype, double tolerance) {
  /** Python writes infinite numbers, which JSON has not. */
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS).build();

  static Case read(Path folder) throws IOException {
    Path file = folder.resolve("case.json");
    if (!Files.isRegularFile(file)) {
      throw new BundleException(folder, "no bundle: it has no case.json");
    }
    JsonNode json;
    try {
      json = JSON.readTree(TextFile.read(file));
    } catch (JsonProcessingException e) {
      throw new BundleException(file, "is not valid JSON: " + JsonFile.reason(e), e);
    }
    JsonNode config = json.path("config");
    JsonNode tolerance = json.path("tolerance");
    DType dtype = DTypeOption.of(json.path("dtype").asText("float32"));
    if (!json.path("module").isTextual()) {
      throw new BundleException(file, "names no module");
    }
    if (!config.isObject()) {
      throw new BundleException(file, "has no config");
    }
    if (!tolerance.isNumber() || !(tolerance.doubleValue() > 0)) {
      throw new BundleException(file, "has no tolerance, or not one above 0");
    }
    if (dtype == null) {
      throw new BundleException(
          file, "dtype " + json.get("dtype") + " is not known; known are float32, bfloat16");
    }
    return new Case(json.get("module").textValue(), config, dtype, tolerance.doubleValue());
  }
}
