package nacre.diffusion.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import nacre.diffusion.text.ClipTextConfig;
import nacre.diffusion.text.ClipTextModel;
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
import nacre.weights.KeyMapping;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Every tensor of the published models, in both dialects, against diffusers' own conversion. */
class PublishedModelsTest {
  /** The names under which the hub has the single files. */
  private static final Map<Family, String> PUBLISHED =
      Map.of(
          Family.SD_1_5, "v1-5-pruned-emaonly.safetensors",
          Family.SD_2_1_BASE, "v2-1_512-ema-pruned.safetensors",
          Family.SD_2_1, "v2-1_768-ema-pruned.safetensors",
          Family.SD_1_5_INPAINTING, "sd-v1-5-inpainting.safetensors",
          Family.SD_2_INPAINTING, "512-inpainting-ema.safetensors");

  private static boolean isFirst(Family family) {
    return family == Family.SD_1_5 || family == Family.SD_1_5_INPAINTING;
  }

  @TempDir Path folder;

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  private static KeyMapping dialect(Family family, Component component) {
    var config = family.configs().get(component.config());
    return switch (component) {
      case UNET -> OriginalNames.unet(UNetConfig.of(config));
      case VAE -> OriginalNames.vae(VaeConfig.of(config));
      case TEXT_ENCODER ->
          isFirst(family)
              ? OriginalNames.clip()
              : OriginalNames.openClip(ClipTextConfig.of(config).numHiddenLayers());
    };
  }

  private static String prefix(Family family, Component component) {
    return switch (component) {
      case UNET -> OriginalNames.UNET;
      case VAE -> OriginalNames.VAE;
      case TEXT_ENCODER -> isFirst(family) ? OriginalNames.CLIP : OriginalNames.OPEN_CLIP;
    };
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void everyNameIsPairedOnceInEitherDirection(Family family) {
    Manifest manifest = Manifest.of(family);
    for (Component component : Component.values()) {
      String prefix = prefix(family, component);
      KeyMapping dialect = dialect(family, component);
      List<Manifest.Row> rows = manifest.rows().get(component);
      Set<String> ours = new HashSet<>();
      Map<String, Integer> theirs = new HashMap<>();
      for (Manifest.Row row : rows) {
        String original = row.original().substring(prefix.length());
        List<String> names = row.names().stream().map(component::currentName).toList();
        assertEquals(names, dialect.ours(original), row.original());
        for (int i = 0; i < names.size(); i++) {
          KeyMapping.Place place = dialect.theirs(names.get(i)).orElseThrow();
          assertEquals(original, place.name());
          assertEquals(i, place.part());
          assertEquals(names.size(), place.parts());
          assertEquals(row.shape(), place.whole(row.partShape()));
          assertTrue(ours.add(names.get(i)), names.get(i));
          theirs.merge(original, 1, Integer::sum);
        }
      }
      assertEquals(current(manifest, component).keySet(), ours);
      assertEquals(rows.size(), theirs.size());
      rows.forEach(
          row ->
              assertEquals(
                  row.names().size(), theirs.get(row.original().substring(prefix.length()))));
    }
  }

  /** Levels and layers that a model does not have are strange in either naming. */
  @ParameterizedTest
  @CsvSource({
    "UNET, down_blocks.3.downsamplers.0.conv.weight, input_blocks.12.0.op.weight",
    "UNET, up_blocks.3.upsamplers.0.conv.weight, output_blocks.11.2.conv.weight",
    "UNET, down_blocks.0.resnets.2.conv1.weight, input_blocks.13.0.in_layers.2.weight",
    "UNET, up_blocks.0.resnets.3.conv1.weight, output_blocks.12.0.in_layers.2.weight",
    "VAE, encoder.down_blocks.3.downsamplers.0.conv.weight, encoder.down.3.downsample.conv.weight",
    "VAE, decoder.up_blocks.3.upsamplers.0.conv.weight, decoder.up.0.upsample.conv.weight",
    "VAE, encoder.down_blocks.4.resnets.0.conv1.weight, encoder.down.4.block.0.conv1.weight",
    "VAE, encoder.down_blocks.0.resnets.2.conv1.weight, encoder.down.0.block.2.conv1.weight",
    "VAE, decoder.up_blocks.0.resnets.3.conv1.weight, decoder.up.3.block.3.conv1.weight",
    "TEXT_ENCODER, encoder.layers.23.mlp.fc1.weight, transformer.resblocks.23.mlp.c_fc.weight",
  })
  void namesEndWhereTheModelDoes(Component component, String ours, String theirs) {
    KeyMapping dialect = dialect(Family.SD_2_1, component);
    assertEquals(Optional.empty(), dialect.theirs(ours));
    assertEquals(List.of(), dialect.ours(theirs));
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aSingleFileGivesWhatDiffusersMakesOfIt(Family family) throws IOException {
    Manifest manifest = Manifest.of(family);
    Path file = folder.resolve(PUBLISHED.get(family));
    HollowFile.write(file, manifest.original());
    SingleFile single = SingleFile.open(file);
    assertEquals(family.configs(), single.configs());
    int tensors = 0;
    for (Component component : Component.values()) {
      try (StateDict dict = single.weights(component)) {
        Map<String, Shape> shapes = new HashMap<>();
        dict.entries().forEach((name, entry) -> shapes.put(name, entry.shape()));
        assertEquals(current(manifest, component), shapes);
        tensors += shapes.size();
      }
    }
    assertEquals(isFirst(family) ? 686 + 248 + 196 : 686 + 248 + 372, tensors);
    assertModelsWantIt(single);
    Files.delete(file);
  }

  /** As v1-5-pruned.ckpt: what training left beside the weights is named in a note. */
  @ParameterizedTest
  @EnumSource(
      value = Family.class,
      names = {"SD_1_5", "SD_2_1"})
  void aCheckpointOfPyTorchIsTheSameModel(Family family) throws IOException {
    Manifest manifest = Manifest.of(family);
    String name = PUBLISHED.get(family).replace(".safetensors", ".ckpt");
    Path file = folder.resolve(name);
    HollowCheckpoint.write(file, manifest.original());
    SingleFile single = SingleFile.open(file);
    assertEquals(family.configs(), single.configs());
    for (Component component : Component.values()) {
      try (StateDict dict = single.weights(component)) {
        Map<String, Shape> shapes = new HashMap<>();
        dict.entries().forEach((key, entry) -> shapes.put(key, entry.shape()));
        assertEquals(current(manifest, component), shapes);
      }
    }
    String note =
        "its weights are those under state_dict; `nacre weights convert --key` takes others (1):"
            + " optimizer_states";
    assertTrue(single.notes().contains(note), single.notes().toString());
    Files.delete(file);
  }

  /** Names and shapes that a component has in memory. */
  private static Map<String, Shape> current(Manifest manifest, Component component) {
    Map<String, Shape> shapes = new HashMap<>();
    manifest
        .present(component)
        .forEach((name, shape) -> shapes.put(component.currentName(name), shape));
    return shapes;
  }

  private static void assertModelsWantIt(Checkpoint checkpoint) throws WeightsException {
    try (Scope _ = Scope.open();
        StateDict unet = checkpoint.weights(Component.UNET);
        StateDict vae = checkpoint.weights(Component.VAE);
        StateDict text = checkpoint.weights(Component.TEXT_ENCODER)) {
      // One byte an element, and none is touched.
      Parameters p = Parameters.unwritten(Device.cpu(), DType.U8).frozen();
      checkpoint.config(
          "unet/config.json", json -> new UNet2DCondition(p.at("unet"), UNetConfig.of(json)));
      checkpoint.config(
          "vae/config.json", json -> new AutoencoderKL(p.at("vae"), VaeConfig.of(json)));
      checkpoint.config(
          "text_encoder/config.json",
          json -> new ClipTextModel(p.at("text"), ClipTextConfig.of(json)));
      assertEquals("", unet.compare(p.at("unet").relative()).toString());
      assertEquals("", vae.compare(p.at("vae").relative()).toString());
      assertEquals("", text.compare(p.at("text").relative()).toString());
    }
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aFolderOfThePublishedNamesFits(Family family) throws IOException {
    Manifest manifest = Manifest.of(family);
    for (Component component : Component.values()) {
      Path inner = Files.createDirectories(folder.resolve(component.folder()));
      Map<String, Shape> shapes = new HashMap<>(manifest.present(component));
      if (component == Component.TEXT_ENCODER) {
        shapes.put("text_model.embeddings.position_ids", Shape.of(1, 77));
      }
      HollowFile.write(inner.resolve(component.stem() + ".fp16.safetensors"), shapes);
      Files.writeString(
          folder.resolve(component.config()), family.configs().get(component.config()).toString());
    }
    assertModelsWantIt(Checkpoint.open(folder));
  }

  @ParameterizedTest
  @CsvSource({"5,depth", "7,upscaler", "8,InstructPix2Pix"})
  void modelsThatTakeOtherThingsAreRefusedByName(int channels, String name) throws IOException {
    Map<String, Shape> shapes = Manifest.of(Family.SD_1_5).original();
    shapes.put("model.diffusion_model.input_blocks.0.0.weight", Shape.of(320, channels, 3, 3));
    Path file = folder.resolve("other.safetensors");
    HollowFile.write(file, shapes);
    WeightsException e = assertThrows(WeightsException.class, () -> SingleFile.open(file));
    assertTrue(e.getMessage().contains(name), e.getMessage());
    assertFalse(e.getMessage().contains("\n"), e.getMessage());
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void familiesAreNamedAsTheyPrint(Family family) {
    assertEquals(Optional.of(family), Family.named(family.toString()));
    assertFalse(Family.named("sd-3").isPresent());
  }
}
