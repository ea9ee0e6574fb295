package nacre.diffusion.schedule;

import static nacre.diffusion.schedule.NoiseScheduleTest.assertMessage;
import static nacre.diffusion.schedule.NoiseScheduleTest.config;
import static nacre.diffusion.schedule.NoiseScheduleTest.json;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class SchedulerConfigTest {
  private static final String HUB =
      "{'_class_name': 'PNDMScheduler', '_diffusers_version': '0.6.0', 'beta_end': 0.012,"
          + " 'beta_schedule': 'scaled_linear', 'beta_start': 0.00085,"
          + " 'num_train_timesteps': 1000, 'set_alpha_to_one': false, 'skip_prk_steps': true,"
          + " 'steps_offset': 1, 'trained_betas': null, 'clip_sample': false}";

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "DDIMScheduler|{'beta_schedule': 'sigmoid'}",
        "DDIMScheduler|{'prediction_type': 'flow'}",
        "DDIMScheduler|{'timestep_spacing': 'karras'}",
        "DDIMScheduler|{'trained_betas': [0.1]}",
        "DDIMScheduler|{'trained_betas': ['a']}",
        "DDIMScheduler|{'num_train_timesteps': 0}",
        "DDIMScheduler|{'num_train_timesteps': 'many'}",
        "DDIMScheduler|{'beta_start': 0.5, 'beta_end': 0.1}",
        "DDIMScheduler|{'clip_sample_range': 0}",
        "DDIMScheduler|{'dynamic_thresholding_ratio': 1.5}",
        "DDIMScheduler|{'surprise': 1}",
        "DDPMScheduler|{'variance_type': 'learned'}",
        "PNDMScheduler|{'prediction_type': 'sample'}",
        "PNDMScheduler|{'rescale_betas_zero_snr': true}",
        "EulerDiscreteScheduler|{'interpolation_type': 'cubic'}",
        "EulerDiscreteScheduler|{'timestep_type': 'wrong'}",
        "EulerDiscreteScheduler|{'final_sigmas_type': 'half'}",
        "EulerDiscreteScheduler|{'use_flow_sigmas': true}",
        "EulerAncestralDiscreteScheduler|{'prediction_type': 'flow_prediction'}",
        "DDIMScheduler|{'rescale_betas_zero_snr': true}",
        "HeunDiscreteScheduler|{'rescale_betas_zero_snr': true, 'prediction_type': 'v_prediction'}",
        "DDIMScheduler|{'predict_epsilon': false}",
        "UniPCMultistepScheduler|{'solver_order': 0}",
        "UniPCMultistepScheduler|{'solver_p': 'DDIM'}",
        "DPMSolverSDEScheduler|{'noise_sampler_seed': 5}",
        "LCMScheduler|{'original_inference_steps': 0}",
        "EulerDiscreteScheduler|{'use_exponential_sigmas': true, 'use_karras_sigmas': true}",
        "DPMSolverMultistepScheduler|{'use_flow_sigmas': true}",
        "DPMSolverMultistepScheduler|{'use_dynamic_shifting': true}",
        "DPMSolverMultistepScheduler|{'algorithm_type': 'dpmsolver'}",
        "DPMSolverMultistepScheduler|{'algorithm_type': 'ddim'}",
        "DPMSolverMultistepScheduler|{'solver_type': 'newton'}",
        "DPMSolverMultistepScheduler|{'solver_order': 4}",
        "DPMSolverMultistepScheduler|{'variance_type': 'learned_range'}",
        "DPMSolverMultistepScheduler|{'lambda_min_clipped': 'low'}"
      })
  void whatIsNotBuiltIsRefusedByKey(String kind, String json) {
    String key = json.substring(2, json.indexOf("'", 2));
    assertMessage(key, () -> config(json, Schedulers.ofClass(kind)));
  }

  @ParameterizedTest
  @MethodSource("nacre.diffusion.schedule.Schedulers#builtIn")
  void configSurvivesJson(SchedulerKind kind) throws JsonProcessingException {
    SchedulerConfig config =
        config(
            "{'num_train_timesteps': 3, 'beta_schedule': 'scaled_linear', 'steps_offset': 1,"
                + " 'beta_start': 0.00085, 'beta_end': 0.012, 'trained_betas': [0.1, 0.2, 0.3],"
                + " 'prediction_type': 'v_prediction', 'timestep_spacing': 'trailing',"
                + " 'clip_sample': true, 'clip_sample_range': 2.0, 'set_alpha_to_one': false,"
                + (kind.keys().contains("rescale_betas_zero_snr")
                    ? " 'rescale_betas_zero_snr': true,"
                    : "")
                + " 'variance_type': 'fixed_large', 'skip_prk_steps': true,"
                + " 'use_karras_sigmas': true, 'final_sigmas_type': 'sigma_min', 'sigma_max': 9.0,"
                + " 'sigma_min': 0.5, 'disable_corrector': [0, 2],"
                + " 'interpolation_type': 'log_linear', 'timestep_type': 'continuous',"
                + " 'solver_order': 3, 'solver_type': 'heun', 'original_inference_steps': 3,"
                + (kind.className().startsWith("DEIS")
                    ? ""
                    : " 'algorithm_type': 'sde-dpmsolver++',")
                + " 'lower_order_final': false, 'euler_at_final': true,"
                + " 'lambda_min_clipped': -5.5, 'thresholding': true,"
                + " 'dynamic_thresholding_ratio': 0.9, 'sample_max_value': 3.0}",
            kind);
    assertEquals(config, SchedulerConfig.of(config.toJson()));
    SchedulerConfig plain = config("{}", kind);
    assertEquals(plain, SchedulerConfig.of(plain.toJson()));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "LCMScheduler|{'original_inference_steps': 1000}",
        "TCDScheduler|{'original_inference_steps': 1}",
        "DEISMultistepScheduler|{'solver_order': 1}",
        "DEISMultistepScheduler|{'solver_order': 3}",
        "DPMSolverMultistepScheduler|{'solver_order': 3}",
        "UniPCMultistepScheduler|{'solver_order': 1, 'lower_order_final': false}",
      })
  void theEndsOfARangeBelongToIt(String kind, String json) throws JsonProcessingException {
    SchedulerConfig config = config(json, Schedulers.ofClass(kind));
    assertEquals(config, SchedulerConfig.of(config.toJson()));
  }

  @ParameterizedTest
  @MethodSource("nacre.diffusion.schedule.Schedulers#choices")
  void everySchedulerCanBeHadFromTheHubsConfig(SchedulerChoice choice)
      throws JsonProcessingException {
    SchedulerConfig config = choice.configure(json(HUB));
    assertEquals(0.012, config.betaEnd());
    assertEquals(BetaSchedule.SCALED_LINEAR, config.betaSchedule());
    assertTrue(Scheduler.of(config, 20).steps() >= 20);
  }

  @Test
  void missingKeysHaveTheClassesOwnDefaults() throws JsonProcessingException {
    SchedulerConfig pndm = SchedulerConfig.of(json(HUB));
    assertEquals(Schedulers.PNDM, pndm.kind());
    assertEquals(TimestepSpacing.LEADING, pndm.timestepSpacing());
    SchedulerConfig dpm = Schedulers.named("dpm++").configure(json(HUB));
    assertEquals(Schedulers.DPM_SOLVER, dpm.kind());
    assertEquals(TimestepSpacing.LINSPACE, dpm.timestepSpacing());
  }

  @Test
  void classesThatAreNotThereNameTheOption() {
    assertMessage(
        "--scheduler, such as ddim, euler, euler-a, dpm++",
        () -> SchedulerConfig.of(json("{'_class_name': 'IPNDMScheduler'}")));
    assertMessage(
        "flow matching",
        () -> SchedulerConfig.of(json("{'_class_name': 'FlowMatchEulerDiscreteScheduler'}")));
  }

  /** As diffusers' from_config: a class has its own defaults for what the folder does not say. */
  @Test
  void whatAFolderDoesNotSayHasTheClassesOwnDefaults() throws JsonProcessingException {
    JsonNode empty = json("{'_class_name': 'DDIMScheduler'}");
    assertEquals(0.02, Schedulers.named("euler").configure(empty).betaEnd());
    assertEquals(0.012, Schedulers.named("heun").configure(empty).betaEnd());
    assertEquals(BetaSchedule.LINEAR, Schedulers.named("heun").configure(empty).betaSchedule());
    assertEquals(
        BetaSchedule.SCALED_LINEAR, Schedulers.named("lcm").configure(empty).betaSchedule());
    assertEquals(
        TimestepSpacing.LINSPACE, Schedulers.named("lms").configure(empty).timestepSpacing());
  }
}
