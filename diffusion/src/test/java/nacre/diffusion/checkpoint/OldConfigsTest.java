package nacre.diffusion.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Against what diffusers' pipelines make of such configs. */
class OldConfigsTest {

  private static JsonNode json(String text) throws JsonProcessingException {
    return new JsonMapper().readTree(text.replace('\'', '"'));
  }

  /** As StableDiffusionPipeline: is_unet_version_less_0_9_0 and is_unet_sample_size_less_64. */
  @ParameterizedTest
  @CsvSource({
    "0.8.1, 32, 64",
    "0.6.0, 63, 64",
    "0.6.0, 64, 64",
    "0.6.0, 96, 96",
    "0.9.0, 32, 32",
    "0.10.2, 32, 32",
    "1.0.0, 32, 32",
    "'', 32, 32",
  })
  void beforeVersion09ASampleIs64AtLeast(String version, int side, int wanted)
      throws JsonProcessingException {
    JsonNode config =
        json("{'_diffusers_version': '%s', 'sample_size': %d}".formatted(version, side));
    assertEquals(wanted, OldConfigs.unet(config).get("sample_size").intValue());
  }

  @Test
  void aSampleThatIsNoNumberStays() throws JsonProcessingException {
    JsonNode missing = json("{'_diffusers_version': '0.6.0'}");
    assertEquals(missing, OldConfigs.unet(missing));
    JsonNode sides = json("{'_diffusers_version': '0.6.0', 'sample_size': [32, 48]}");
    assertEquals(sides, OldConfigs.unet(sides));
  }

  @Test
  void blocksLoseTheirOldName() throws JsonProcessingException {
    JsonNode old = json("{'up_block_types': ['UNetResCrossAttnUpBlock2D', 'UpBlock2D', 3]}");
    JsonNode wanted = json("{'up_block_types': ['CrossAttnUpBlock2D', 'UpBlock2D', 3]}");
    assertEquals(wanted, OldConfigs.unet(old));
  }

  @Test
  void ofAWholeClipTheTextEncodersPartIsTaken() throws JsonProcessingException {
    JsonNode part = json("{'hidden_size': 7}");
    JsonNode whole = json("{'model_type': 'clip', 'text_config': {'hidden_size': 7}}");
    assertEquals(part, OldConfigs.text(whole));
    JsonNode own = json("{'model_type': 'clip_text_model', 'text_config': {'hidden_size': 7}}");
    assertEquals(own, OldConfigs.text(own));
    JsonNode without = json("{'model_type': 'clip', 'hidden_size': 7}");
    assertEquals(without, OldConfigs.text(without));
  }

  /** Keys of training mean nothing, and those with an underscore are notes of diffusers' own. */
  @Test
  void keysThatAreOfNoClassAreNoted(@TempDir Path folder) throws IOException {
    DiffusersFolder model = new DiffusersFolder(folder);
    for (Component component : List.of(Component.UNET, Component.VAE)) {
      Files.createDirectories(folder.resolve(component.folder()));
      Files.writeString(
          folder.resolve(component.config()),
          "{\"_note\": 1, \"decay\": 0.9, \"update_after_step\": 0, \"in_channels\": 4}");
    }
    assertEquals(List.of(), model.notes());
    Files.writeString(
        folder.resolve(Component.VAE.config()), "{\"surprise\": 1, \"decay\": 1, \"another\": 2}");
    assertEquals(
        List.of(
            "vae/config.json: keys that no vae has are passed over, as in diffusers: surprise,"
                + " another"),
        model.notes());
    Files.writeString(folder.resolve(Component.UNET.config()), "{\"strange\": 1}");
    assertEquals(
        "unet/config.json: keys that no unet has are passed over, as in diffusers: strange",
        model.notes().getFirst());
    assertEquals(2, model.notes().size());
  }
}
