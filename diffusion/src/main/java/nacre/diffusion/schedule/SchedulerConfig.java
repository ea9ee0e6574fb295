package nacre.diffusion.schedule;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Locale;
import nacre.weights.ConfigJson;
import nacre.weights.ConfigRange;

/**
 * The configuration of a scheduler: a {@code scheduler_config.json}, with diffusers' defaults.
 *
 * @param numTrainTimesteps timesteps in training
 * @param betaStart variance of the noise that the first timestep adds
 * @param betaEnd variance of the noise that the last adds
 * @param betaSchedule those between
 * @param trainedBetas all of them instead, or none
 * @param rescaleBetasZeroSnr whether the last timestep is made pure noise (Lin et al., 2023)
 * @param predictionType what the model predicts
 * @param timestepSpacing which timesteps are sampled at
 * @param stepsOffset added to the timesteps of leading spacing
 * @param kind the scheduler's class
 * @param method the keys of that class
 */
public record SchedulerConfig(
    int numTrainTimesteps,
    double betaStart,
    double betaEnd,
    BetaSchedule betaSchedule,
    List<Double> trainedBetas,
    boolean rescaleBetasZeroSnr,
    PredictionType predictionType,
    TimestepSpacing timestepSpacing,
    int stepsOffset,
    SchedulerKind kind,
    MethodConfig method) {

  private static final String ZERO_SNR = "rescale_betas_zero_snr";

  /** Checks the numbers, and what goes together. */
  public SchedulerConfig {
    ConfigRange range = new ConfigRange("scheduler: ");
    range.whole("num_train_timesteps", numTrainTimesteps, 1, 1_000_000);
    range.whole("steps_offset", stepsOffset, 0, numTrainTimesteps);
    if (!(betaStart > 0 && betaEnd < 1 && betaStart <= betaEnd)) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "scheduler: beta_start %s and beta_end %s must lie between 0 and 1 and rise",
              betaStart,
              betaEnd));
    }
    if (rescaleBetasZeroSnr && !kind.keys().isEmpty()) {
      if (!kind.keys().contains(ZERO_SNR)) {
        // diffusers ignores it, and samples with another noise schedule than the model learned.
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "scheduler: %s has no rescale_betas_zero_snr, which the model's config sets; choose"
                    + " another, such as ddim, euler, euler-a, dpm++ or unipc",
                kind));
      }
      refuseNoiseFromNoise(true, predictionType);
    }
    trainedBetas = List.copyOf(trainedBetas);
    if (!trainedBetas.isEmpty() && trainedBetas.size() != numTrainTimesteps) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "scheduler: trained_betas holds %d numbers, num_train_timesteps is %d",
              trainedBetas.size(),
              numTrainTimesteps));
    }
  }

  /**
   * Refuses a noise schedule that does not go with the prediction, whatever the class.
   *
   * @throws IllegalArgumentException if so
   */
  public static void checkNoiseSchedule(JsonNode json) {
    ConfigJson c = new ConfigJson("scheduler", json);
    PredictionType type = PredictionType.of(c.text("prediction_type", "epsilon"));
    refuseNoiseFromNoise(c.flag(ZERO_SNR, false), type);
  }

  private static void refuseNoiseFromNoise(boolean zeroSnr, PredictionType type) {
    if (zeroSnr && type == PredictionType.EPSILON) {
      throw new IllegalArgumentException(
          "scheduler: rescale_betas_zero_snr = true makes a zero terminal SNR, from which"
              + " prediction_type = epsilon cannot begin: the last timestep is nothing but noise;"
              + " such models predict v_prediction");
    }
  }

  /**
   * Reads diffusers' keys for the class that {@code _class_name} names.
   *
   * @throws IllegalArgumentException naming the key, if a value is wrong or its feature not built
   */
  public static SchedulerConfig of(JsonNode json) {
    return of(json, Schedulers.ofClass(json.path("_class_name").asText("")));
  }

  /**
   * Reads diffusers' keys for a class, which need not be the one that they were written for: keys
   * that only others have are passed over, and those missing have the class's own defaults.
   *
   * @throws IllegalArgumentException naming the key, if a value is wrong or its feature not built
   */
  public static SchedulerConfig of(JsonNode json, SchedulerKind kind) {
    ConfigJson c = new ConfigJson("scheduler", json);
    Schedulers.checkKeys(c);
    refuseFlowMatching(c);
    c.require("predict_epsilon", true); // of versions before 0.13, where false was another type
    ScheduleDefaults defaults = kind.defaults();
    return new SchedulerConfig(
        c.integer("num_train_timesteps", 1000),
        c.number("beta_start", defaults.betaStart()),
        c.number("beta_end", defaults.betaEnd()),
        BetaSchedule.of(c.text("beta_schedule", defaults.betaSchedule().key())),
        c.numbers("trained_betas"),
        c.flag(ZERO_SNR, false),
        PredictionType.of(c.text("prediction_type", "epsilon")),
        TimestepSpacing.of(c.text("timestep_spacing", defaults.spacing().key())),
        c.integer("steps_offset", 0),
        kind,
        kind.reader().apply(c));
  }

  /** Models of flow matching learned no noise schedule of this kind, whatever the class. */
  private static void refuseFlowMatching(ConfigJson c) {
    String key = null;
    for (String flag : List.of("use_flow_sigmas", "use_dynamic_shifting")) {
      key = c.flag(flag, false) ? flag : key;
    }
    if (c.text("prediction_type", "").equals("flow_prediction")) {
      key = "prediction_type";
    }
    if (key != null) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "scheduler: %s = %s belongs to models of flow matching, such as Stable Diffusion 3;"
                  + " they are not supported",
              key,
              c.node().get(key).asText()));
    }
  }

  /** The {@code scheduler_config.json} from which diffusers builds the same scheduler. */
  public ObjectNode toJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("_class_name", kind.className())
        .put("num_train_timesteps", numTrainTimesteps)
        .put("beta_start", betaStart)
        .put("beta_end", betaEnd)
        .put("beta_schedule", betaSchedule.key())
        .put("prediction_type", predictionType.key())
        .put("timestep_spacing", timestepSpacing.key())
        .put("steps_offset", stepsOffset);
    if (trainedBetas.isEmpty()) {
      json.putNull("trained_betas");
    } else {
      ArrayNode betas = json.putArray("trained_betas");
      trainedBetas.forEach(betas::add);
    }
    if (kind.keys().contains(ZERO_SNR)) {
      json.put(ZERO_SNR, rescaleBetasZeroSnr);
    }
    method.writeTo(json);
    return json;
  }

  /** β of each timestep of training, before any rescaling. */
  float[] betas() {
    if (trainedBetas.isEmpty()) {
      return betaSchedule.betas(numTrainTimesteps, betaStart, betaEnd);
    }
    float[] betas = new float[numTrainTimesteps];
    for (int i = 0; i < betas.length; i++) {
      betas[i] = trainedBetas.get(i).floatValue();
    }
    return betas;
  }

  /** The timesteps of sampling, largest first. */
  int[] timesteps(int steps) {
    return timestepSpacing.timesteps(numTrainTimesteps, steps, stepsOffset);
  }
}
