package nacre.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.Concat;
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

  /** {@code [query, key, value]} of a layer in one tensor, and timm's other names. */
  private Map<String, Tensor> inTimmsNames() {
    Map<String, Tensor> renamed = new LinkedHashMap<>();
    saved
        .relative()
        .forEach(
            (name, tensor) -> {
              if (!name.contains("attention.attention")) {
                renamed.put(
                    name.replace("embeddings.cls_token", "cls_token")
                        .replace("embeddings.position_embeddings", "pos_embed")
                        .replace("embeddings.patch_embeddings.projection", "patch_embed.proj")
                        .replace("encoder.layer", "blocks")
                        .replace("layernorm_before", "norm1")
                        .replace("layernorm_after", "norm2")
                        .replace("attention.output.dense", "attn.proj")
                        .replace("intermediate.dense", "mlp.fc1")
                        .replace(".output.dense", ".mlp.fc2")
                        .replace("layernorm.", "norm."),
                    tensor);
              }
            });
    for (String what : List.of("weight", "bias")) {
      String heads = "encoder.layer.0.attention.attention.";
      Tensor[] parts =
          Stream.of("query.", "key.", "value.")
              .map(part -> saved.relative().get(heads + part + what))
              .toArray(Tensor[]::new);
      renamed.put("blocks.0.attn.qkv." + what, Concat.concat(0, parts));
    }
    return renamed;
  }

  @Test
  void timmsNamesAreKnown() throws IOException {
    Map<String, Tensor> timm = inTimmsNames();
    timm.put("head.weight", Tensor.zeros(CPU, DType.F32, Shape.of(2, 6)));
    new SafeTensorsWriter().addParameters(timm).write(folder.resolve("model.safetensors"));
    assertLoads(); // with the config of transformers
    Files.writeString(
        folder.resolve("config.json"),
        "{\"architecture\": \"vit_tiny_patch4_8\", \"model_args\": {\"num_heads\": 2}}");
    assertLoads();
    assertRefused("{\"architecture\": \"resnet50\"}", "'resnet50' is no plain vision transformer");
    timm.put("blocks.0.ls1.gamma", Tensor.zeros(CPU, DType.F32, Shape.of(6)));
    new SafeTensorsWriter().addParameters(timm).write(folder.resolve("model.safetensors"));
    assertRefused(CONFIG.toJson().toString(), "1 unexpected: blocks.0.ls1.gamma");
  }

  @Test
  void aPoolingLayerIsReadWhereItIsWanted() throws IOException {
    Parameters p = Parameters.unwritten(CPU, DType.F32);
    WeightsException e =
        assertThrows(WeightsException.class, () -> VitFolder.load(p, folder, true));
    assertTrue(e.getMessage().contains("2 missing: pooler.dense.weight"), e.getMessage());
    Map<String, Tensor> whole = new LinkedHashMap<>(saved.relative());
    whole.put("pooler.dense.weight", Tensor.full(CPU, DType.F32, Shape.of(6, 6), 0.25));
    whole.put("pooler.dense.bias", Tensor.full(CPU, DType.F32, Shape.of(6), 0.5));
    new SafeTensorsWriter().addParameters(whole).write(folder.resolve("model.safetensors"));
    assertLoads();
    Parameters pooling = Parameters.unwritten(CPU, DType.F32);
    Vit vit = VitFolder.load(pooling, folder, true);
    Tensor tokens = Tensor.full(CPU, DType.F32, Shape.of(1, 5, 6), 0.1);
    assertEquals(Math.tanh(0.25 * 0.6 + 0.5), vit.pool(tokens).toFloats()[5], 1e-6);
  }

  @Test
  void saysWhatIsWrongInOneLine() throws IOException {
    Path config = folder.resolve("config.json");
    assertRefused("[]", config + ": is not a JSON object");
    assertRefused("{", config + ": is not valid JSON");
    assertRefused(
        "{\"hidden_size\": 1.5}",
        config + ": ViT config: hidden_size must be a whole number, it is 1.5");
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
