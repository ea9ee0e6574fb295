package nacre.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.WeightsException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VitFolderTest {
  private static final Device CPU = Device.cpu();
  private static final VitConfig CONFIG = new VitConfig(6, 1, 2, 8, "gelu", 1e-6, 8, 4, 3, true);

  @TempDir Path folder;
  private Scope scope;
  private Parameters saved;

  @BeforeEach
  void save() throws IOException {
    scope = Scope.open();
    saved = Parameters.create(CPU, DType.F32, 1).at("image_encoder");
    VitFolder.save(new Vit(saved, CONFIG), saved, folder);
  }

  @AfterEach
  void nothingIsLeft() {
    scope.close();
    assertEquals(0, Memory.liveTensors());
  }

  private void assertLoads() throws WeightsException {
    Parameters p = Parameters.unwritten(CPU, DType.F32).at("elsewhere");
    assertEquals(CONFIG, VitFolder.load(p, folder).config());
    saved
        .relative()
        .forEach((name, t) -> assertArrayEquals(t.toFloats(), p.relative().get(name).toFloats()));
  }

  @Test
  void comesBackAtAnotherPlace() throws IOException {
    assertLoads();
  }

  @Test
  void anEncoderInsideAClassifierIsFound() throws IOException {
    Map<String, Tensor> whole = new LinkedHashMap<>();
    saved.relative().forEach((name, tensor) -> whole.put("vit." + name, tensor));
    whole.put("vit.pooler.dense.bias", Tensor.zeros(CPU, DType.F32, Shape.of(6)));
    whole.put("classifier.bias", Tensor.zeros(CPU, DType.F32, Shape.of(2)));
    new SafeTensorsWriter().addParameters(whole).write(folder.resolve("model.safetensors"));
    assertLoads();
  }

  @Test
  void saysWhatIsWrongInOneLine() throws IOException {
    Path config = folder.resolve("config.json");
    assertRefused("[]", config + ": is not a JSON object");
    assertRefused("{", config + ": is not valid JSON");
    assertRefused("{\"hidden_size\": 1.5}", config + ": ViT config: hidden_size is 1.5");
    assertRefused(
        CONFIG.toJson().put("num_hidden_layers", 2).toString(),
        "does not fit the model: 16 missing");
    Files.delete(config);
    WeightsException e = assertThrows(WeightsException.class, this::assertLoads);
    assertEquals(config + ": no such file", e.getMessage());
  }

  private void assertRefused(String json, String message) throws IOException {
    Files.writeString(folder.resolve("config.json"), json);
    WeightsException e = assertThrows(WeightsException.class, this::assertLoads);
    assertTrue(e.getMessage().contains(message), e.getMessage());
    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
  }
}
