package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import nacre.diffusion.text.ClipTextConfig;
import nacre.diffusion.unet.UNetConfig;
import nacre.diffusion.vae.VaeConfig;
import nacre.evaluation.threedit.ThreeDit;
import nacre.evaluation.threedit.ThreeDitConfig;
import nacre.evaluation.threedit.ThreeDitFolder;
import nacre.nn.Parameters;
import nacre.nn.VitConfig;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code nacre eval --baseline NAME=MODEL}: baselines with weights of their own. */
class BaselineModelsTest {
  private static final JsonMapper JSON = new JsonMapper();
  private static final Path FILLING = Path.of("src/test/resources/tiny-sd/model");

  @TempDir Path folder;

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  private CommandLineRun eval(Object... more) {
    List<Object> words = new ArrayList<>(List.of("eval", "--model", "../../models/demo"));
    words.addAll(List.of("--steps", 1, "--guidance", 1, "--benchmark", 4, "--json"));
    words.addAll(List.of("--metrics", "psnr", "--level", "image", "--out", folder.resolve("out")));
    words.addAll(List.of(more));
    return CommandLineRun.of(words.toArray());
  }

  /** A tiny 3DIT with CLIP's vocabulary, for pictures of 16 pixels. */
  private static Path threeDit(Path folder, long seed) throws IOException {
    ThreeDitConfig config =
        new ThreeDitConfig(
            16,
            UNetConfig.of(
                JSON.readTree(
                    """
                    {"sample_size": 8, "in_channels": 8, "out_channels": 4,
                     "block_out_channels": [8, 8], "layers_per_block": 1, "attention_head_dim": 2,
                     "cross_attention_dim": 12, "norm_num_groups": 4,
                     "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
                     "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"]}
                    """)),
            VaeConfig.of(
                JSON.readTree(
                    """
                    {"block_out_channels": [4, 8], "layers_per_block": 1, "norm_num_groups": 2,
                     "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D"],
                     "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D"]}
                    """)),
            Optional.of(new ClipTextConfig(49408, 12, 24, 1, 2, 77, "quick_gelu", 1e-5)),
            VitConfig.of(
                JSON.readTree(
                    """
                    {"model_type": "clip_vision_model", "hidden_size": 16, "intermediate_size": 24,
                     "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 12,
                     "patch_size": 4}
                    """)),
            ThreeDitConfig.ddim());
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.create(Device.cpu(), DType.F32, seed);
      new ThreeDit(p, config);
      Files.createDirectories(folder);
      ThreeDitFolder.save(folder, p.all(), config);
    }
    return folder;
  }

  private static JsonNode method(CommandLineRun run, int number) throws IOException {
    assertEquals(0, run.status(), run::err);
    return JSON.readTree(run.out()).path("methods").get(number);
  }

  /** Of a move, a turn, a change of size and a removal 3DIT cannot draw the third. */
  @Test
  void threeDitDrawsWhatItCan() throws IOException {
    String baseline = "3dit=" + threeDit(folder.resolve("3dit"), 1);
    JsonNode drawn = method(eval("--baseline", baseline, "--seeds", 2), 1);
    assertEquals(baseline, drawn.path("name").asText());
    assertEquals(2, drawn.path("seeds").asInt());
    assertEquals(1, drawn.path("refused").asInt());
    assertEquals(3, drawn.path("metrics").get(0).path("cases").asInt());
    assertTrue(drawn.path("metrics").get(0).path("standard_error").asDouble() > 0);
    threeDit(folder.resolve("3dit"), 2);
    CommandLineRun other = eval("--baseline", baseline, "--seeds", 2);
    assertEquals(1, other.status());
    assertTrue(other.err().contains("other weights, settings or version"), other::err);
  }

  @Test
  void stableDiffusionFillsHolesOfChained() throws IOException {
    String baseline = "chained=" + FILLING;
    CommandLineRun both = eval("--baseline", "chained," + baseline);
    JsonNode plain = method(both, 1);
    JsonNode filled = method(both, 2);
    assertEquals(baseline, filled.path("name").asText());
    double psnr = filled.path("metrics").get(0).path("mean").asDouble();
    assertTrue(psnr > 10, both::out);
    assertNotEquals(plain.path("metrics").get(0).path("mean").asDouble(), psnr);
    assertEquals(4, filled.path("metrics").get(0).path("cases").asInt());
  }

  @Test
  void whatCannotBeMeantIsRefusedInALine() {
    assertMeaningless("--baseline 3dit needs a model: write 3dit=MODEL", 2, "3dit");
    assertMeaningless("--baseline copy takes no model", 2, "copy=x");
    assertMeaningless("must be copy or chained or 3dit; did you mean 3dit?", 2, "3dti=x");
    assertMeaningless("no such file or folder", 1, "3dit=" + folder.resolve("none"));
    assertMeaningless("model/image_encoder/config.json: no such file", 1, "3dit=" + FILLING);
  }

  private void assertMeaningless(String told, int status, String baseline) {
    CommandLineRun run = eval("--baseline", baseline);
    assertEquals(status, run.status(), run::out);
    assertEquals(1, run.complaints().size(), run::err);
    assertTrue(run.err().contains(told), run::err);
  }
}
