package nacre.diffusion.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import nacre.diffusion.schedule.PredictionType;
import nacre.diffusion.schedule.SchedulerConfig;
import nacre.tensor.Shape;
import nacre.weights.WeightsException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a single file is: by its metadata, its tensors, its name, and by what a user says. */
class RecognitionTest {
  private static final String ARCHITECTURE = "modelspec.architecture";
  private static final String PREDICTION = "modelspec.prediction_type";

  @TempDir Path folder;

  private final Map<String, String> metadata = new LinkedHashMap<>();
  private final Map<String, Shape> more = new LinkedHashMap<>();
  private String name = "model.safetensors";

  private Path file(Family family) throws IOException {
    Map<String, Shape> tensors = new LinkedHashMap<>(Manifest.of(family).original());
    tensors.putAll(more);
    Path file = folder.resolve(name);
    HollowFile.write(file, tensors, metadata);
    return file;
  }

  private static SchedulerConfig scheduler(SingleFile file) throws WeightsException {
    return file.readScheduler(20).schedule().config();
  }

  private void assertIs(Family family, PredictionType predicts, SingleFile file)
      throws WeightsException {
    assertTrue(file.origin().startsWith("as " + family), file.origin());
    assertEquals(family.configs().get("unet/config.json"), file.configs().get("unet/config.json"));
    assertEquals(predicts, scheduler(file).predictionType());
  }

  private String refusal(Family family) throws IOException {
    Path file = file(family);
    return assertThrows(WeightsException.class, () -> SingleFile.open(file)).getMessage();
  }

  @ParameterizedTest
  @CsvSource({
    "stable-diffusion-v2-512, epsilon, SD_2_1_BASE, EPSILON",
    "stable-diffusion-v2-512, v, SD_2_1_BASE, V_PREDICTION",
    "stable-diffusion-v2-512, , SD_2_1_BASE, EPSILON",
    "stable-diffusion-v2-768-v, v, SD_2_1, V_PREDICTION",
    "stable-diffusion-v2-768-v, , SD_2_1, V_PREDICTION",
    "Stable-Diffusion-V2-768-v, epsilon, SD_2_1, EPSILON",
    ", v, SD_2_1, V_PREDICTION",
    ", epsilon, SD_2_1_BASE, EPSILON",
  })
  void metadataGoesBeforeTheName(
      String architecture, String prediction, Family family, PredictionType predicts)
      throws IOException {
    // The name is that of the other.
    name = family == Family.SD_2_1 ? "mine-512.safetensors" : "mine-768.safetensors";
    if (architecture != null) {
      metadata.put(ARCHITECTURE, architecture);
    }
    if (prediction != null) {
      metadata.put(PREDICTION, prediction);
    }
    assertIs(family, predicts, SingleFile.open(file(Family.SD_2_1)));
  }

  @Test
  void aResolutionTellsTheSize() throws IOException {
    metadata.put("modelspec.resolution", "768x768");
    metadata.put(PREDICTION, "epsilon");
    assertIs(Family.SD_2_1, PredictionType.EPSILON, SingleFile.open(file(Family.SD_2_1)));
  }

  @ParameterizedTest
  @CsvSource({
    "v2-1_512-ema-pruned.safetensors, SD_2_1_BASE",
    "v2-1_768-ema-pruned.safetensors, SD_2_1",
    "512.safetensors, SD_2_1_BASE",
    "model768px.safetensors, SD_2_1",
    "mine-step-00025120-768.safetensors, SD_2_1",
  })
  void numbersInANameAreWhole(String named, Family family) throws IOException {
    name = named;
    PredictionType predicts =
        family == Family.SD_2_1 ? PredictionType.V_PREDICTION : PredictionType.EPSILON;
    assertIs(family, predicts, SingleFile.open(file(Family.SD_2_1)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"mine-step-00025120.safetensors", "mine-7680.safetensors", "512-768.safetensors"})
  void otherNumbersTellNothing(String named) throws IOException {
    name = named;
    String message = refusal(Family.SD_2_1);
    assertTrue(message.contains("say it with --family sd-2.1-base"), message);
  }

  @Test
  void metadataThatContradictsTheTensorsIsRefused() throws IOException {
    metadata.put(ARCHITECTURE, "stable-diffusion-v2-512");
    String message = refusal(Family.SD_1_5);
    assertTrue(
        message.contains(
            "modelspec.architecture = stable-diffusion-v2-512, but its context is 768"),
        message);
    assertIs(
        Family.SD_1_5,
        PredictionType.EPSILON,
        SingleFile.open(folder.resolve(name), ModelHints.of(Family.SD_1_5)));
  }

  @Test
  void aPredictionThatIsNotKnownIsRefused() throws IOException {
    metadata.put(PREDICTION, "flow");
    String message = refusal(Family.SD_1_5);
    assertTrue(message.contains("modelspec.prediction_type = flow, which is not known"), message);
  }

  @Test
  void whatAUserSaysGoesBeforeTheFile() throws IOException {
    name = "mine-768.safetensors";
    metadata.put(ARCHITECTURE, "stable-diffusion-v2-768-v");
    metadata.put(PREDICTION, "v");
    Path file = file(Family.SD_2_1);
    assertIs(
        Family.SD_2_1_BASE,
        PredictionType.EPSILON,
        SingleFile.open(file, ModelHints.of(Family.SD_2_1_BASE)));
    ModelHints sample = new ModelHints(Optional.empty(), Optional.of(PredictionType.SAMPLE));
    assertIs(Family.SD_2_1, PredictionType.SAMPLE, SingleFile.open(file, sample));
  }

  @Test
  void aKeyMarksVelocity() throws IOException {
    more.put("v_pred", Shape.of(0));
    SingleFile file = SingleFile.open(file(Family.SD_1_5));
    assertIs(Family.SD_1_5, PredictionType.V_PREDICTION, file);
    assertEquals("PNDMScheduler", scheduler(file).kind().className());
    assertEquals(List.of(), file.notes());
    assertEquals("as sd-1.5, predicting v_prediction", file.origin());
  }

  @Test
  void anotherMarksAScheduleThatEndsInNoise() throws IOException {
    more.put("v_pred", Shape.of(0));
    more.put("ztsnr", Shape.of(0));
    SingleFile file = SingleFile.open(file(Family.SD_1_5));
    SchedulerConfig config = scheduler(file);
    assertEquals(PredictionType.V_PREDICTION, config.predictionType());
    assertTrue(config.rescaleBetasZeroSnr());
    assertEquals("DDIMScheduler", config.kind().className());
    assertEquals(999f, file.readScheduler(20).timestep(0));
    assertTrue(file.origin().endsWith(", with a zero terminal SNR"), file.origin());
    assertTrue(scheduler(file).rescaleBetasZeroSnr());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "cond_stage_model.logit_scale",
        "cond_stage_model.transformer.vision_model.embeddings.class_embedding",
        "embedding_manager.string_to_param_dict.*",
        "optimizer.state.0.step",
        "control_model.input_blocks.0.0.weight",
        "scale_factor",
        "lvlb_weights",
      })
  void tensorsOfNoUseAreNoted(String extra) throws IOException {
    more.put(extra, Shape.of(1));
    SingleFile file = SingleFile.open(file(Family.SD_1_5));
    assertEquals(
        List.of("tensors that are of no use to draw with are passed over (1): " + extra),
        file.notes());
    file.checkWeights();
  }

  @ParameterizedTest
  @CsvSource({
    "conditioner.embedders.0.transformer.text_model.embeddings.position_ids, Stable Diffusion XL",
    "model.diffusion_model.label_emb.0.0.weight, Stable Diffusion XL",
    "model.diffusion_model.input_blocks.1.0.time_stack.emb_layers.1.bias, Stable Video Diffusion",
    "edm_mean, a model of the EDM schedule",
    "scaled_fp8, tensors of factors (1): ",
    "model.diffusion_model.out.2.scale_weight, tensors of factors (1): ",
    "stranger.weight, tensors of no part of it (1): stranger.weight",
  })
  void otherModelsAreNamed(String extra, String reason) throws IOException {
    more.put(extra, Shape.of(1));
    String message = refusal(Family.SD_1_5);
    assertTrue(message.contains(reason), message);
  }

  @ParameterizedTest
  @CsvSource({
    "model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight, Stable Diffusion 3",
    "double_blocks.0.img_attn.proj.weight, Flux",
    "lora_unet_down_blocks_0_attentions_0_proj_in.lora_up.weight, a LoRA",
    "control_model.time_embed.0.weight, a ControlNet",
    "emb_params, an embedding of textual inversion",
    "down_blocks.0.resnets.0.norm1.weight, the UNet of a folder",
    "decoder.up_blocks.0.resnets.0.norm1.weight, an autoencoder alone",
    "first_stage_model.decoder.up.0.block.0.norm1.weight, an autoencoder alone",
    "text_model.embeddings.token_embedding.weight, a text encoder alone",
    "nothing, no Stable Diffusion checkpoint: it has no model.diffusion_model.input_blocks",
  })
  void filesOfAnotherKindAreNamed(String only, String reason) throws IOException {
    Path file = folder.resolve(name);
    HollowFile.write(file, Map.of(only, Shape.of(1)));
    String message = assertThrows(WeightsException.class, () -> SingleFile.open(file)).getMessage();
    assertTrue(message.contains("is " + reason), message);
  }
}
