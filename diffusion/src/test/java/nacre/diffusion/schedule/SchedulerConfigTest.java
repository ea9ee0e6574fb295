package nacre.diffusion.schedule;

import static nacre.diffusion.schedule.NoiseScheduleTest.assertMessage;
import static nacre.diffusion.schedule.NoiseScheduleTest.config;
import static nacre.diffusion.schedule.NoiseScheduleTest.json;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

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
        "DDIM|{'beta_schedule': 'sigmoid'}",
        "DDIM|{'prediction_type': 'flow'}",
        "DDIM|{'timestep_spacing': 'karras'}",
        "DDIM|{'trained_betas': [0.1]}",
        "DDIM|{'trained_betas': ['a']}",
        "DDIM|{'num_train_timesteps': 0}",
        "DDIM|{'num_train_timesteps': 'many'}",
        "DDIM|{'beta_start': 0.5, 'beta_end': 0.1}",
        "DDIM|{'clip_sample_range': 0}",
        "DDIM|{'dynamic_thresholding_ratio': 1.5}",
        "DDIM|{'surprise': 1}",
        "DDPM|{'variance_type': 'learned'}",
        "PNDM|{'prediction_type': 'sample'}",
        "PNDM|{'rescale_betas_zero_snr': true}",
        "EULER|{'interpolation_type': 'cubic'}",
        "EULER|{'timestep_type': 'wrong'}",
        "EULER|{'final_sigmas_type': 'half'}",
        "EULER|{'use_beta_sigmas': true}",
        "EULER|{'use_exponential_sigmas': true, 'use_karras_sigmas': true}",
        "DPM_SOLVER|{'use_beta_sigmas': true}",
        "DPM_SOLVER|{'use_flow_sigmas': true}",
        "DPM_SOLVER|{'use_dynamic_shifting': true}",
        "DPM_SOLVER|{'algorithm_type': 'dpmsolver'}",
        "DPM_SOLVER|{'solver_type': 'newton'}",
        "DPM_SOLVER|{'solver_order': 4}",
        "DPM_SOLVER|{'variance_type': 'learned_range'}",
        "DPM_SOLVER|{'lambda_min_clipped': 'low'}"
      })
  void whatIsNotBuiltIsRefusedByKey(SchedulerKind kind, String json) {
    String key = json.substring(2, json.indexOf("'", 2));
    assertMessage(key, () -> config(json, kind));
  }

  @ParameterizedTest
  @EnumSource(SchedulerKind.class)
  void configSurvivesJson(SchedulerKind kind) throws JsonProcessingException {
    SchedulerConfig config =
        config(
            "{'num_train_timesteps': 3, 'beta_schedule': 'scaled_linear', 'steps_offset': 1,"
                + " 'beta_start': 0.00085, 'beta_end': 0.012, 'trained_betas': [0.1, 0.2, 0.3],"
                + " 'prediction_type': 'v_prediction', 'timestep_spacing': 'trailing',"
                + " 'clip_sample': true, 'clip_sample_range': 2.0, 'set_alpha_to_one': false,"
                + (kind == SchedulerKind.PNDM ? "" : " 'rescale_betas_zero_snr': true,")
                + " 'variance_type': 'fixed_large', 'skip_prk_steps': true,"
                + " 'use_karras_sigmas': true, 'final_sigmas_type': 'sigma_min', 'sigma_max': 9.0,"
                + " 'interpolation_type': 'log_linear', 'timestep_type': 'continuous',"
                + " 'solver_order': 3, 'solver_type': 'heun', 'algorithm_type': 'sde-dpmsolver++',"
                + " 'lower_order_final': false, 'euler_at_final': true,"
                + " 'lambda_min_clipped': -5.5, 'thresholding': true,"
                + " 'dynamic_thresholding_ratio': 0.9, 'sample_max_value': 3.0}",
            kind);
    assertEquals(config, SchedulerConfig.of(config.toJson()));
    SchedulerConfig plain = config("{}", kind);
    assertEquals(plain, SchedulerConfig.of(plain.toJson()));
  }

  @ParameterizedTest
  @EnumSource(SchedulerChoice.class)
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
    assertEquals(SchedulerKind.PNDM, pndm.method().kind());
    assertEquals(TimestepSpacing.LEADING, pndm.timestepSpacing());
    SchedulerConfig dpm = SchedulerChoice.of("dpm++").configure(json(HUB));
    assertEquals(SchedulerKind.DPM_SOLVER, dpm.method().kind());
    assertEquals(TimestepSpacing.LINSPACE, dpm.timestepSpacing());
  }

  @Test
  void unknownNamesAreRefusedWithThoseThatAre() {
    assertMessage("DDIMScheduler", () -> SchedulerConfig.of(json("{'_class_name': 'Euler'}")));
    assertMessage(
        String.join(", ", List.of("ddim", "ddpm", "pndm", "euler")),
        () -> SchedulerChoice.of("heun"));
  }
}
