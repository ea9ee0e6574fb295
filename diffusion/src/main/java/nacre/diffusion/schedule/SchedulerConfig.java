package nacre.diffusion.schedule;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import nacre.diffusion.ConfigJson;

/**
 * The keys of a {@code scheduler_config.json} that are built here, with diffusers' defaults.
 *
 * @param numTrainTimesteps timesteps in training
 * @param betaStart variance of the noise that the first timestep adds
 * @param betaEnd variance of the noise that the last adds
 * @param setAlphaToOne whether DDIM's last step ends at no noise rather than at timestep 0
 * @param stepsOffset added to the timesteps of leading spacing
 * @param clipSample whether each step's estimate of the clean sample is clipped
 * @param clipSampleRange to plus and minus this
 * @param rescaleBetasZeroSnr whether the last timestep is made pure noise (Lin et al., 2023)
 * @param varianceType DDPM's
 */
public record SchedulerConfig(
    int numTrainTimesteps,
    double betaStart,
    double betaEnd,
    BetaSchedule betaSchedule,
    PredictionType predictionType,
    TimestepSpacing timestepSpacing,
    boolean setAlphaToOne,
    int stepsOffset,
    boolean clipSample,
    double clipSampleRange,
    boolean rescaleBetasZeroSnr,
    VarianceType varianceType) {

  /** Checks the numbers. */
  public SchedulerConfig {
    if (numTrainTimesteps < 1) {
      throw new IllegalArgumentException(
          "scheduler: num_train_timesteps is " + numTrainTimesteps + ", at least 1 is wanted");
    }
    if (!(betaStart > 0 && betaEnd < 1 && betaStart <= betaEnd)) {
      throw new IllegalArgumentException(
          "scheduler: beta_start %s and beta_end %s must lie between 0 and 1 and rise"
              .formatted(betaStart, betaEnd));
    }
  }

  /**
   * Reads diffusers' keys.
   *
   * @throws IllegalArgumentException naming the key, if a value is wrong or its feature not built
   */
  public static SchedulerConfig of(JsonNode json) {
    ConfigJson c = new ConfigJson("scheduler", json);
    c.require("trained_betas");
    c.require("thresholding", false);
    return new SchedulerConfig(
        c.integer("num_train_timesteps", 1000),
        c.number("beta_start", 0.0001),
        c.number("beta_end", 0.02),
        BetaSchedule.of(c.text("beta_schedule", "linear")),
        PredictionType.of(c.text("prediction_type", "epsilon")),
        TimestepSpacing.of(c.text("timestep_spacing", "leading")),
        c.flag("set_alpha_to_one", true),
        c.integer("steps_offset", 0),
        c.flag("clip_sample", true),
        c.number("clip_sample_range", 1),
        c.flag("rescale_betas_zero_snr", false),
        VarianceType.of(c.text("variance_type", "fixed_small")));
  }

  /**
   * What diffusers builds the same scheduler from.
   *
   * @param className {@code DDIMScheduler} or {@code DDPMScheduler}
   */
  public ObjectNode toJson(String className) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("_class_name", className)
        .put("num_train_timesteps", numTrainTimesteps)
        .put("beta_start", betaStart)
        .put("beta_end", betaEnd)
        .put("beta_schedule", betaSchedule.key())
        .put("prediction_type", predictionType.key())
        .put("timestep_spacing", timestepSpacing.key())
        .put("steps_offset", stepsOffset)
        .put("clip_sample", clipSample)
        .put("clip_sample_range", clipSampleRange)
        .put("rescale_betas_zero_snr", rescaleBetasZeroSnr)
        .put("thresholding", false)
        .putNull("trained_betas");
    return className.equals("DDPMScheduler")
        ? json.put("variance_type", varianceType.key())
        : json.put("set_alpha_to_one", setAlphaToOne);
  }
}
