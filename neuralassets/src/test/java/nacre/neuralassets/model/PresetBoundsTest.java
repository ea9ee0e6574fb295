package nacre.neuralassets.model;

import static nacre.neuralassets.model.PresetRangesTest.preset;
import static nacre.neuralassets.model.PresetRangesTest.with;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is said of a number of a preset that is out of its range, or does not fit the rest. */
class PresetBoundsTest {
  /** The lines that a hostile tester found, and others like them. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "unet.norm_num_groups | 0 | norm_num_groups must be a whole number from 1",
        "unet.norm_num_groups | 7 | norm_num_groups must be a divisor of block_out_channels, which"
            + " is",
        "training.batch_size | 1000000000 | training.batch_size must be a whole number from 1 to"
            + " 65536",
        "unet.layers_per_block | 0 | layers_per_block must be a whole number from 1 to 1000, not 0",
        "asset_tokens.image_std | [0,1,1] | asset_tokens.image_std must be a number from 1.0E-4",
        "training.adam_epsilon | 0 | training.adam_epsilon must be a number from 1.0E-30 to 1, not"
            + " 0.0",
        "training.adam_beta2 | 1 | training.adam_beta2 must be a number from 0 to 0.999999, not"
            + " 1.0",
        "asset_tokens.roi_size | 1000 | asset_tokens.roi_size must be a whole number from 1 to 64",
        "training.learning_rate | 1e999 | training.learning_rate must be a number from 0 to 1000",
        "training.max_grad_norm | 0 | training.max_grad_norm must be a number from",
        "image_encoder.layer_norm_eps | -1 | layer_norm_eps must be a number",
        "scheduler.steps_offset | -1 | steps_offset must be a whole number from 0",
        "sampling.num_inference_steps | 1001 | at most scheduler.num_train_timesteps",
        "sampling.num_inference_steps | 0 | sampling.num_inference_steps must be a whole number"
            + " from 1 to 1000000, not 0",
        "sampling.guidance_scale | -0.1 | sampling.guidance_scale must be a number from 0 to"
            + " 1000000",
        "image_size | 0 | image_size must be a whole number from 1 to 8192, not 0",
        "image_size | 8193 | image_size must be a whole number from 1 to 8192, not 8193",
        "fold | 0 | fold must be a whole number from 1 to 8192, not 0",
        "fold | 8193 | fold must be a whole number from 1 to 8192, not 8193",
        "coordinate_octaves | -1 | coordinate_octaves must be a whole number from 0 to 30, not -1",
        "coordinate_octaves | 31 | coordinate_octaves must be a whole number from 0 to 30, not 31",
        "coordinate_octaves | 2 | unet.in_channels does not fit the rest: unet.out_channels + 4 ·"
            + " coordinate_octaves is wanted",
        "unet.sample_size | 16 | unet.sample_size does not fit the rest: image_size / fold, as"
            + " there is no vae, is wanted",
        "unet.out_channels | 3 | unet.out_channels does not fit the rest: 3 · fold² is wanted",
        "asset_tokens.roi | 2 | asset_tokens.roi is not known; known here are appearance_dim,",
        "training.rate | 2 | training.rate is not known; known here are",
        "sampling.steps | 2 | sampling.steps is not known; known here are guidance_scale, num_inf",
      })
  void theLineNamesKeyAndRange(String path, String value, String told) throws IOException {
    assertRefused(false, path, value, told);
  }

  /** What lies just below and just above of what a key may be. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "asset_tokens.roi_size | 0 | 65 | a whole number from 1 to 64",
        "asset_tokens.appearance_dim | 0 | 65537 | a whole number from 1 to 65536",
        "asset_tokens.pose_dim | 0 | 65537 | a whole number from 1 to 65536",
        "asset_tokens.pose_hidden | 0 | 65537 | a whole number from 1 to 65536",
        "asset_tokens.background_hidden | 0 | 65537 | a whole number from 1 to 65536",
        "asset_tokens.initial_gain | -0.1 | 1000.1 | a number from 0 to 1000",
        "asset_tokens.image_size | 0 | 8193 | a whole number from 1 to 8192",
        "asset_tokens.depth_scale | -0.1 | 1000001 | a number from 0 to 1000000",
        "asset_tokens.pose_octaves | -1 | 31 | a whole number from 0 to 30",
        "asset_tokens.image_mean | [0,0,-1001] | [1001,0,0] | a number from -1000 to 1000",
        "asset_tokens.image_std | [1,1,0] | [10001,1,1] | a number from 1.0E-4 to 10000",
        "training.steps | 0 | -1 | a whole number from 1",
        "training.batch_size | 0 | 65537 | a whole number from 1 to 65536",
        "training.learning_rate | -0.1 | 1001 | a number from 0 to 1000",
        "training.encoder_learning_rate_factor | -0.1 | 1000001 | a number from 0 to 1000000",
        "training.token_learning_rate_factor | -0.1 | 1000001 | a number from 0 to 1000000",
        "training.warmup_steps | -1 | -2 | a whole number from 0",
        "training.weight_decay | -0.1 | 1001 | a number from 0 to 1000",
        "training.adam_beta1 | -0.1 | 1 | a number from 0 to 0.999999",
        "training.adam_beta2 | -0.1 | 1 | a number from 0 to 0.999999",
        "training.adam_epsilon | 0 | 1.1 | a number from 1.0E-30 to 1",
        "training.max_grad_norm | 0 | 1e31 | a number from 1.0E-30 to 1.0E30",
        "training.ema_decay | -0.1 | 1 | a number from 0 to 0.999999",
        "training.drop_probability | -0.1 | 1.1 | a number from 0 to 1",
        "training.timestep_power | 0 | 101 | a number from 0.01 to 100",
        "training.object_weight | 0 | 1001 | a number from 0.01 to 1000",
        "training.gradient_accumulation_steps | 0 | 2 | a whole number from 1 to 1",
      })
  void whatIsBeyondABoundIsRefused(String path, String below, String above, String range)
      throws IOException {
    assertRefused(false, path, below, path + " must be " + range);
    assertRefused(false, path, above, path + " must be " + range);
  }

  /** What an autoencoder asks of the rest. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "fold | 2 | fold does not fit the rest: 1, as there is a vae, is wanted",
        "unet.sample_size | 16 | unet.sample_size does not fit the rest: image_size / the vae's"
            + " down-sampling is wanted",
        "unet.out_channels | 8 | unet.out_channels does not fit the rest: latent_channels is"
            + " wanted",
        "vae.in_channels | 1 | vae.in_channels does not fit the rest: 3 is wanted",
        "vae.out_channels | 1 | vae.out_channels does not fit the rest: 3 is wanted",
      })
  void theLineNamesWhatTheAutoencoderWants(String path, String value, String told)
      throws IOException {
    assertRefused(true, path, value, told);
  }

  /** A batch of images is an array; 3 · 8192² numbers fit into one ten times. */
  @Test
  void boundsBelongToTheRanges() throws IOException {
    ObjectNode large = preset(false);
    large.put("image_size", 8192).put("coordinate_octaves", 30);
    ((ObjectNode) large.get("unet")).put("sample_size", 4096).put("in_channels", 132);
    ((ObjectNode) large.get("sampling")).put("num_inference_steps", 1000).put("guidance_scale", 0);
    ((ObjectNode) large.get("training")).put("batch_size", 10);
    Preset preset = Preset.of("mine", large.toString());
    assertEquals(8192, preset.imageSize());
    assertEquals(30, preset.coordinateOctaves());
    assertEquals(1000, preset.sampling().numInferenceSteps());
    ((ObjectNode) large.get("training")).put("batch_size", 11);
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> Preset.of("mine", large.toString()));
    assertTrue(e.getMessage().contains("training.batch_size does not fit the rest"), e::getMessage);
    ObjectNode least = preset(false).put("coordinate_octaves", 0);
    ((ObjectNode) least.get("unet")).put("in_channels", 12);
    assertEquals(0, Preset.of("mine", least.toString()).coordinateOctaves());
  }

  /** What may be left out is what it is said to be then. */
  @Test
  void flagsAreRead() throws IOException {
    ObjectNode preset = preset(false);
    ObjectNode training = (ObjectNode) preset.get("training");
    assertTrue(Preset.of("mine", preset.toString()).training().gradientCheckpointing());
    training.put("gradient_checkpointing", false);
    assertFalse(Preset.of("mine", preset.toString()).training().gradientCheckpointing());
    training.remove("gradient_checkpointing");
    assertFalse(Preset.of("mine", preset.toString()).training().gradientCheckpointing());
    ObjectNode tokens = (ObjectNode) preset.get("asset_tokens");
    for (boolean derived : new boolean[] {true, false}) {
      tokens.put("derived_box", derived);
      AssetTokens read = Preset.of("mine", preset.toString()).assetTokens();
      assertEquals(derived, read.poseFeatures().derivedBox());
    }
  }

  private static void assertRefused(boolean latent, String path, String value, String told)
      throws IOException {
    String json = with(preset(latent), List.of(path.split("\\.")), value);
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> Preset.of("mine", json));
    assertTrue(e.getMessage().startsWith("preset mine: "), e::getMessage);
    assertTrue(e.getMessage().contains(told), e::getMessage);
  }
}
