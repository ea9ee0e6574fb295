package nacre.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.weights.Layout;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Folders that transformers wrote, of encoders that are parts of larger models:
 * tools/lab/reference/export_encoder_folders.py.
 */
class EncoderFoldersTest {
  private static final Device CPU = Device.cpu();
  private static final Path FOLDERS = Path.of("src/test/resources/encoders");
  private static final JsonMapper JSON = new JsonMapper();

  @TempDir Path folder;

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  private static Tensor read(StateDict dict, String name, Shape shape) throws IOException {
    Tensor tensor = Tensor.empty(CPU, DType.F32, shape);
    dict.entries().get(name).copyTo(tensor, Layout.ofParameter(shape));
    return tensor;
  }

  /** The folder's model computes what transformers computed. */
  private static void assertComputes(Path model, Path expected) throws IOException {
    try (Scope _ = Scope.open();
        StateDict dict = StateDict.open(expected.resolve("expected.safetensors"))) {
      Vit vit = VitFolder.load(Parameters.unwritten(CPU, DType.F32).at("here"), model);
      Tensor tokens = vit.forward(read(dict, "pixel_values", Shape.of(2, 8, 8, 3)));
      Tensor wanted = read(dict, "last_hidden_state", Shape.of(2, 5, 8));
      assertArrayEquals(wanted.toFloats(), tokens.toFloats(), 2e-6f);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "vit-classifier, VIT, 0.485",
    "timm-dino, VIT, 0.485",
    "dinov2-classifier, DINOV2, 0.485",
    "mae-pretraining, VIT_MAE, 0.485",
    "clip, CLIP, 0.48145466",
    "clip-projection, CLIP, 0.48145466"
  })
  void anEncoderIsFoundComputesAndIsSaved(String name, VitFamily family, double mean)
      throws IOException {
    Path original = FOLDERS.resolve(name);
    assertComputes(original, original);
    VitConfig config = VitFolder.config(original);
    assertEquals(family, config.family());
    ImageProcessorConfig images = ImageProcessorConfig.read(original, config);
    assertEquals(8, images.imageSize());
    assertEquals(mean, images.mean().getFirst());
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.unwritten(CPU, DType.F32);
      VitFolder.save(VitFolder.load(p, original), p, folder);
    }
    assertEquals(config, VitFolder.config(folder));
    assertComputes(folder, original);
    JsonNode saved = JSON.readTree(folder.resolve("config.json").toFile());
    assertEquals(family.modelType(), saved.get("model_type").asText());
    assertEquals(family.className(), saved.get("architectures").get(0).asText());
  }

  /** The files of DINO's authors: a backbone alone, and a training checkpoint with its teacher. */
  @ParameterizedTest
  @ValueSource(strings = {"dino_pretrain.pth", "dino_full_checkpoint.pth"})
  void aSingleFileOfDinoSaysEverything(String name) throws IOException {
    Path files = FOLDERS.resolve("dino-files");
    Path file = files.resolve(name);
    VitConfig config = VitFolder.config(file);
    assertEquals(new VitConfig(64, 1, 1, 32, "gelu", 1e-6, 8, 4, 3, true), config);
    ImageProcessorConfig images = ImageProcessorConfig.read(file, config);
    assertEquals(8, images.imageSize());
    assertEquals(0.485, images.mean().getFirst());
    assertEquals(0.229, images.std().getFirst());
    try (Scope _ = Scope.open();
        StateDict dict = StateDict.open(files.resolve("expected.safetensors"))) {
      Vit vit = VitFolder.load(Parameters.unwritten(CPU, DType.F32), file);
      Tensor tokens = vit.forward(read(dict, "pixel_values", Shape.of(2, 8, 8, 3)));
      Tensor wanted = read(dict, "last_hidden_state", Shape.of(2, 5, 64));
      assertArrayEquals(wanted.toFloats(), tokens.toFloats(), 2e-6f);
    }
  }

  @Test
  void aSingleFileOfOtherNamesIsRefused() {
    WeightsException e =
        assertThrows(
            WeightsException.class,
            () -> VitFolder.config(FOLDERS.resolve("vit-classifier/model.safetensors")));
    assertTrue(e.getMessage().contains("has no patch_embed.proj.weight"), e.getMessage());
  }

  /** transformers 5 saves CLIP's bare vision tower without the prefix, earlier ones with it. */
  @Test
  void clipsTowerWithAndWithoutItsPrefix() throws IOException {
    Path original = FOLDERS.resolve("clip-projection");
    try (Scope _ = Scope.open()) {
      Map<String, Tensor> bare = new LinkedHashMap<>();
      Parameters p = Parameters.unwritten(CPU, DType.F32);
      VitFolder.load(p, original);
      p.all().forEach((name, t) -> bare.put(name.substring("vision_model.".length()), t));
      bare.put("embeddings.position_ids", Tensor.ofInts(CPU, Shape.of(1, 5), 0, 1, 2, 3, 4));
      new SafeTensorsWriter().addParameters(bare).write(folder.resolve("model.safetensors"));
      Files.copy(original.resolve("config.json"), folder.resolve("config.json"));
    }
    assertComputes(folder, original);
  }

  /** Old files of CLIP have the tower twice, and the dict's defaults count as well. */
  @Test
  void theDictOfAnOldConfigCounts() throws IOException {
    ObjectNode json = JSON.createObjectNode().put("model_type", "clip");
    json.putObject("vision_config").put("hidden_size", 96).put("patch_size", 16);
    assertEquals(96, VitConfig.of(json).hiddenSize());
    json.putObject("vision_config_dict").put("hidden_size", 192);
    assertEquals(192, VitConfig.of(json).hiddenSize());
    assertEquals(32, VitConfig.of(json).patchSize());
    assertEquals("quick_gelu", VitConfig.of(json).hiddenAct());
    json.put("vision_config_dict", 3);
    assertThrows(IllegalArgumentException.class, () -> VitConfig.of(json));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"swin", "convnext", "siglip_vision_model", "sam", "clip_text_model", "dpt"})
  void anotherKindIsRefusedByItsName(String kind) throws IOException {
    assertRefused(
        "{\"model_type\": \"" + kind + "\"}",
        "model_type '"
            + kind
            + "' is no vision transformer that is known; known are vit, dinov2,"
            + " dinov2_with_registers, vit_mae, clip_vision_model, clip");
  }

  @Test
  void aModelOfDiffusersIsRefusedByItsName() throws IOException {
    assertRefused(
        "{\"_class_name\": \"UNet2DConditionModel\"}",
        "is of the class UNet2DConditionModel of diffusers, which is no vision transformer");
  }

  private void assertRefused(String config, String message) throws IOException {
    Path file = folder.resolve("config.json");
    Files.writeString(file, config);
    WeightsException e =
        assertThrows(
            WeightsException.class,
            () -> VitFolder.load(Parameters.unwritten(CPU, DType.F32), folder));
    assertEquals(file + ": " + message, e.getMessage());
  }

  @Test
  void weightsOfAnotherFamilyDoNotFit() throws IOException {
    for (String file : List.of("model.safetensors", "config.json")) {
      String from = file.equals("config.json") ? "dinov2-classifier" : "vit-classifier";
      Files.copy(FOLDERS.resolve(from).resolve(file), folder.resolve(file));
    }
    WeightsException e;
    try (Scope _ = Scope.open()) {
      e =
          assertThrows(
              WeightsException.class,
              () -> VitFolder.load(Parameters.unwritten(CPU, DType.F32), folder));
    }
    assertTrue(e.getMessage().contains("does not fit the model"), e.getMessage());
    assertEquals(1, e.getMessage().lines().count());
  }

  private ImageProcessorConfig images(String file, String json, VitConfig encoder)
      throws IOException {
    Path path = folder.resolve(file);
    Files.writeString(path, json);
    try {
      return ImageProcessorConfig.read(folder, encoder);
    } finally {
      Files.delete(path);
    }
  }

  @Test
  void imagesAreWhatTheFolderSaysElseTheFamilys() throws IOException {
    ObjectNode json = JSON.createObjectNode().put("model_type", "dinov2").put("image_size", 518);
    VitConfig dinov2 = VitConfig.of(json);
    List<Double> mean = List.of(0.485, 0.456, 0.406);
    List<Double> std = List.of(0.229, 0.224, 0.225);
    ImageProcessorConfig usual = new ImageProcessorConfig(224, mean, std);
    Files.writeString(folder.resolve("config.json"), json.toString());
    assertEquals(usual, ImageProcessorConfig.read(folder, dinov2));
    String file = "preprocessor_config.json";
    assertEquals(usual, images(file, "{}", dinov2));
    assertEquals(
        usual,
        images(
            file,
            "{\"size\": {\"shortest_edge\": 256}, \"crop_size\": {\"height\": 224, \"width\":"
                + " 224}}",
            dinov2));
    assertEquals(
        28,
        images(file, "{\"size\": 28, \"crop_size\": 14, \"do_center_crop\": false}", dinov2)
            .imageSize());
    assertEquals(
        42, images(file, "{\"size\": {\"height\": 42, \"width\": 42}}", dinov2).imageSize());
    ImageProcessorConfig raw = images(file, "{\"do_normalize\": false}", dinov2);
    assertEquals(List.of(0.0, 0.0, 0.0), raw.mean());
    assertEquals(List.of(1.0, 1.0, 1.0), raw.std());
    ImageProcessorConfig bytes =
        images(
            file,
            "{\"do_rescale\": false, \"image_mean\": [51, 102, 0], \"image_std\": [51, 51, 255]}",
            dinov2);
    assertEquals(0.2, bytes.mean().getFirst(), 1e-12);
    assertEquals(1, bytes.std().getLast(), 1e-12);
    assertEquals(
        usual,
        images("processor_config.json", "{\"image_processor\": {\"crop_size\": 224}}", dinov2));
    assertEquals(usual, images("preprocessor_config.json", usual.toJson().toString(), dinov2));
  }

  @Test
  void timmSaysItInItsConfig() throws IOException {
    VitConfig vit = VitConfig.of(JSON.createObjectNode());
    assertEquals(
        new ImageProcessorConfig(384, List.of(0.485, 0.456, 0.406), List.of(0.229, 0.224, 0.225)),
        images(
            "config.json",
            """
            {"architecture": "vit_small_patch16_224", "pretrained_cfg": {"tag": "dino",
             "input_size": [3, 384, 384], "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}}
            """,
            vit));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "{\"size\": 30}; images of side 30 do not divide into the encoder's patches of 16",
        "{\"size\": {\"height\": 32, \"width\": 48}}; is 32 × 48, square images are wanted",
        "{\"size\": \"large\"}; size must be a whole number",
        "{\"size\": -16}; images of side -16",
        "{\"image_std\": [0, 1, 1]}; image_std must be above 0",
        "{\"image_mean\": [0.5]}; image_mean must be 3 numbers",
        "{\"rescale_factor\": 0}; rescale_factor must be above 0"
      })
  void wrongImagesAreRefusedInOneLine(String json, String message) throws IOException {
    VitConfig vit = VitConfig.of(JSON.createObjectNode());
    WeightsException e =
        assertThrows(WeightsException.class, () -> images("preprocessor_config.json", json, vit));
    assertTrue(e.getMessage().contains(message), e.getMessage());
    assertTrue(e.getMessage().contains("preprocessor_config.json: "), e.getMessage());
    assertEquals(1, e.getMessage().lines().count());
  }
}
