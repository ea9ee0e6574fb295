package nacre.diffusion.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import nacre.diffusion.text.ClipTextConfig;
import nacre.diffusion.text.ClipTextModel;
import nacre.diffusion.text.ClipVocabulary;
import nacre.diffusion.unet.UNet2DCondition;
import nacre.diffusion.unet.UNetConfig;
import nacre.diffusion.vae.AutoencoderKL;
import nacre.diffusion.vae.VaeConfig;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.weights.Conversion;
import nacre.weights.SafeTensors;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.StoredType;
import nacre.weights.WeightsException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A small model, from a folder into a single file and back. */
class CheckpointWriterTest {
  private static final CheckpointWriter WRITER =
      new CheckpointWriter(new Conversion(Optional.empty()));

  @TempDir Path temporary;
  private Scope scope;
  private Map<Component, Map<String, Tensor>> saved;
  private Path folder;

  @BeforeEach
  void open() {
    scope = Scope.open();
  }

  @AfterEach
  void nothingIsLeft() {
    scope.close();
    assertEquals(0, Memory.liveTensors());
  }

  private static JsonNode json(String text) throws IOException {
    return new ObjectMapper().readTree(text.replace('\'', '"'));
  }

  private void save(String act) throws IOException {
    save(act, 20);
  }

  private void save(String act, int vocabulary) throws IOException {
    saved = new LinkedHashMap<>();
    folder = temporary.resolve("model");
    Parameters p = Parameters.create(Device.cpu(), DType.F32, 3);
    DiffusersFolder model = new DiffusersFolder(folder);
    UNetConfig unet =
        UNetConfig.of(
            json(
                """
                {'block_out_channels': [4, 8], 'layers_per_block': 1, 'norm_num_groups': 2,
                 'down_block_types': ['CrossAttnDownBlock2D', 'DownBlock2D'],
                 'up_block_types': ['UpBlock2D', 'CrossAttnUpBlock2D'],
                 'attention_head_dim': 2, 'cross_attention_dim': 6}\
                """));
    model.writeUNet(new UNet2DCondition(p.at("unet"), unet), p.at("unet"));
    VaeConfig vae =
        VaeConfig.of(
            json(
                """
                {'block_out_channels': [4, 8], 'layers_per_block': 1, 'norm_num_groups': 2,
                 'down_block_types': ['DownEncoderBlock2D', 'DownEncoderBlock2D'],
                 'up_block_types': ['UpDecoderBlock2D', 'UpDecoderBlock2D']}\
                """));
    model.writeVae(new AutoencoderKL(p.at("vae"), vae), p.at("vae"));
    ObjectNode text =
        (ObjectNode)
            json(
                """
                {'hidden_size': 6, 'intermediate_size': 8, 'num_hidden_layers': 2, 'num_attention_heads': 2}\
                """);
    text.put("hidden_act", act).put("vocab_size", vocabulary);
    ClipTextModel encoder = new ClipTextModel(p.at("text_encoder"), ClipTextConfig.of(text));
    model.writeTextEncoder(encoder, p.at("text_encoder"));
    Files.writeString(folder.resolve("model_index.json"), "{\"_class_name\": \"X\"}");
    for (Component component : Component.values()) {
      saved.put(component, p.at(component.folder()).relative());
    }
  }

  private void assertHolds(Checkpoint checkpoint) throws WeightsException {
    Parameters p = Parameters.unwritten(Device.cpu(), DType.F32);
    checkpoint.readUNet(p.at("unet"));
    checkpoint.readVae(p.at("vae"));
    checkpoint.readTextEncoder(p.at("text_encoder"));
    saved.forEach(
        (component, tensors) -> {
          Map<String, Tensor> read = p.at(component.folder()).relative();
          assertEquals(tensors.keySet(), read.keySet());
          tensors.forEach(
              (name, t) -> assertArrayEquals(t.toFloats(), read.get(name).toFloats(), name));
        });
  }

  @ParameterizedTest
  @ValueSource(strings = {"quick_gelu", "gelu"})
  void aFolderBecomesASingleFileAndAFolderAgain(String act) throws IOException {
    save(act);
    assertHolds(Checkpoint.open(folder));
    Path file = temporary.resolve("single.safetensors");
    WRITER.singleFile(new DiffusersFolder(folder), file);
    try (SafeTensors open = SafeTensors.open(file)) {
      assertTrue(open.entries().containsKey("first_stage_model.decoder.up.0.block.1.conv1.weight"));
      assertEquals(
          act.equals("gelu"),
          open.entries()
              .containsKey("cond_stage_model.model.transformer.resblocks.1.attn.in_proj_bias"));
      assertEquals(4, open.entry("first_stage_model.encoder.mid.attn_1.q.weight").shape().rank());
    }
    Checkpoint single = Checkpoint.open(file);
    assertHolds(single);
    assertEquals("X", single.config("model_index.json", json -> json.get("_class_name")).asText());
    Path again = temporary.resolve("again");
    WRITER.folder(SingleFile.open(file), Optional.empty(), again);
    assertHolds(Checkpoint.open(again));
    assertEquals(
        new ObjectMapper().readTree(folder.resolve("unet/config.json").toFile()),
        new ObjectMapper().readTree(again.resolve("unet/config.json").toFile()));
    for (Component component : Component.values()) {
      String name = component.folder() + "/" + component.stem() + ".safetensors";
      assertEquals(-1, Files.mismatch(folder.resolve(name), again.resolve(name)), name);
    }
  }

  @Test
  void numbersAreConvertedOnTheWay() throws IOException {
    save("gelu");
    Path file = temporary.resolve("single.safetensors");
    new CheckpointWriter(new Conversion(Optional.of(StoredType.F16)))
        .singleFile(new DiffusersFolder(folder), file);
    try (SafeTensors open = SafeTensors.open(file)) {
      open.entries().values().forEach(entry -> assertEquals(StoredType.F16, entry.type()));
    }
  }

  @Test
  void aTokenizerIsBroughtAlong() throws IOException {
    save("gelu");
    Path file = temporary.resolve("single.safetensors");
    WRITER.singleFile(new DiffusersFolder(folder), file);
    Path tokenizer = Files.createDirectories(temporary.resolve("tokenizer"));
    Files.writeString(tokenizer.resolve("vocab.json"), "{}");
    Path again = temporary.resolve("again");
    Optional<Path> given = Optional.of(tokenizer);
    IOException e =
        assertThrows(IOException.class, () -> WRITER.folder(SingleFile.open(file), given, again));
    assertTrue(e.getMessage().contains("merges.txt"), e.getMessage());
    assertFalse(Files.exists(again));
    Files.writeString(tokenizer.resolve("merges.txt"), "a b");
    WRITER.folder(SingleFile.open(file), given, again);
    assertEquals("a b", Files.readString(again.resolve("tokenizer/merges.txt")));
  }

  /** CLIP's own vocabulary goes with a text encoder of its size, and with no other. */
  @ParameterizedTest
  @ValueSource(ints = {20, ClipVocabulary.SIZE})
  void withoutATokenizerTheVocabularyIsClips(int size) throws IOException {
    save("gelu", size);
    Files.createDirectories(folder.resolve("safety_checker"));
    Files.writeString(folder.resolve("safety_checker/config.json"), "{}");
    Path file = temporary.resolve("single.safetensors");
    WRITER.singleFile(new DiffusersFolder(folder), file);
    SingleFile single = SingleFile.open(file);
    assertEquals(
        Set.of(
            "model_index.json", "text_encoder/config.json", "unet/config.json", "vae/config.json"),
        single.configs().keySet());
    assertEquals(size != 20, CheckpointWriter.hasClipVocabulary(single));
    Path again = temporary.resolve("again");
    WRITER.folder(single, Optional.empty(), again);
    for (String name : List.of("vocab.json", "merges.txt")) {
      assertEquals(size != 20, Files.exists(again.resolve("tokenizer").resolve(name)), name);
    }
  }

  @Test
  void whatDoesNotFitIsListedAtOnce() throws IOException {
    save("gelu");
    Path weights = folder.resolve("text_encoder/model.safetensors");
    try (Scope _ = Scope.open()) {
      Map<String, Tensor> tensors = new LinkedHashMap<>(saved.get(Component.TEXT_ENCODER));
      tensors.remove("encoder.layers.1.self_attn.v_proj.bias");
      tensors.put("stranger", tensors.get("final_layer_norm.bias"));
      new SafeTensorsWriter().addParameters(tensors).write(weights);
    }
    Path file = temporary.resolve("single.safetensors");
    DiffusersFolder model = new DiffusersFolder(folder);
    IOException e = assertThrows(WeightsException.class, () -> WRITER.singleFile(model, file));
    assertTrue(
        e.getMessage()
            .endsWith("1 missing: encoder.layers.1.self_attn.v_proj.bias; 1 unexpected: stranger"),
        e.getMessage());
    assertFalse(Files.exists(file));
  }

  @Test
  void aFileIsOfAKnownFamilyOrRefused() throws IOException {
    Manifest manifest = Manifest.of(Family.SD_2_1);
    Path file = temporary.resolve("mine.safetensors");
    HollowFile.write(file, manifest.original());
    WeightsException e = assertThrows(WeightsException.class, () -> SingleFile.open(file));
    assertTrue(e.getMessage().contains("--family sd-2.1-base"), e.getMessage());
    assertEquals(
        Family.SD_2_1.configs(), SingleFile.open(file, ModelHints.of(Family.SD_2_1)).configs());
    Files.delete(file);
    Map<String, Shape> more = new LinkedHashMap<>(manifest.original());
    more.put("stranger.weight", Shape.of(1));
    HollowFile.write(file, more);
    e = assertThrows(WeightsException.class, () -> SingleFile.open(file));
    assertTrue(
        e.getMessage().contains("tensors of no part of it (1): stranger.weight"), e.getMessage());
    Files.delete(file);
    HollowFile.write(file, Map.of("a", Shape.of(1)));
    e = assertThrows(WeightsException.class, () -> SingleFile.open(file));
    assertTrue(e.getMessage().contains("is no Stable Diffusion checkpoint"), e.getMessage());
  }
}
