package nacre.diffusion.schedule;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Locale;
import java.util.Set;
import nacre.weights.ConfigJson;

/**
 * The timesteps on which a consistency model was distilled, some of which are sampled at.
 *
 * @param original their number ({@code original_inference_steps})
 */
record ConsistencySteps(int original) {
  static final Set<String> KEYS =
      Set.of(
          "original_inference_steps",
          "timestep_scaling",
          "set_alpha_to_one",
          "clip_sample",
          "clip_sample_range",
          "thresholding",
          "dynamic_thresholding_ratio",
          "sample_max_value",
          "rescale_betas_zero_snr");

  static ConsistencySteps of(ConfigJson c) {
    int original = c.integer("original_inference_steps", 50);
    int trained = c.integer("num_train_timesteps", 1000);
    if (original < 1 || original > trained) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "scheduler: original_inference_steps is %d, 1 to %d is wanted",
              original,
              trained));
    }
    return new ConsistencySteps(original);
  }

  /**
   * The timesteps of sampling, largest first.
   *
   * @param strength the share of the timesteps, from the lowest, that they are taken from
   */
  int[] timesteps(int trained, int steps, double strength) {
    int among = strength > 0 && strength <= 1 ? (int) (original * strength) : 0;
    if (steps < 1 || steps > among) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "scheduler: %d steps are asked for; the model was distilled on %d, so that there are"
                  + " 1 to %d%s",
              steps,
              original,
              among,
              strength == 1 ? "" : " at a strength of " + strength));
    }
    int stride = trained / original;
    int[] timesteps = new int[steps];
    for (int i = 0; i < steps; i++) {
      int place = (int) Math.floor(i * ((double) among / steps));
      timesteps[i] = (among - place) * stride - 1;
    }
    return timesteps;
  }

  void writeTo(ObjectNode json) {
    json.put("original_inference_steps", original);
  }
}
