package nacre.diffusion.schedule;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Set;
import nacre.weights.ConfigJson;

/**
 * The configuration keys of {@link DpmSolverScheduler}.
 *
 * @param order 1 to 3: number of predictions that a step uses
 * @param heun whether steps of the second order go by Heun's rule rather than the midpoint's
 *     ({@code solver_type})
 * @param stochastic whether each step adds noise ({@code algorithm_type} is {@code
 *     sde-dpmsolver++})
 * @param lowerOrderFinal whether the last steps of fewer than 15 are of a lower order
 * @param eulerAtFinal whether the last step is of the first order
 * @param sigmas the noise levels
 * @param lambdaMinClipped timesteps of a lower log α − log σ are left out
 * @param clipping of the estimates of the clean sample
 */
public record DpmSolverConfig(
    int order,
    boolean heun,
    boolean stochastic,
    boolean lowerOrderFinal,
    boolean eulerAtFinal,
    SigmaConfig sigmas,
    double lambdaMinClipped,
    SampleClipping clipping)
    implements MethodConfig {
  static final Set<String> KEYS =
      Set.of(
          "solver_order",
          "solver_type",
          "algorithm_type",
          "lower_order_final",
          "euler_at_final",
          "use_karras_sigmas",
          "use_exponential_sigmas",
          "use_beta_sigmas",
          "use_lu_lambdas",
          "use_flow_sigmas",
          "flow_shift",
          "use_dynamic_shifting",
          "time_shift_type",
          "final_sigmas_type",
          "lambda_min_clipped",
          "variance_type",
          "thresholding",
          "dynamic_thresholding_ratio",
          "sample_max_value",
          "rescale_betas_zero_snr");

  /** Checks the order. */
  public DpmSolverConfig {
    if (order < 1 || order > 3) {
      throw new IllegalArgumentException(
          "scheduler: solver_order is " + order + ", 1, 2 or 3 is wanted");
    }
  }

  static DpmSolverConfig of(ConfigJson c) {
    c.require("use_flow_sigmas", false);
    c.require("use_dynamic_shifting", false);
    // The variance of a model's noise, for DDPM, changes nothing here, unless the model predicts
    // it.
    c.require("variance_type", "fixed_small", "fixed_small_log", "fixed_large", "fixed_large_log");
    // The solver types of DEIS and UniPC stand for the default, as in diffusers.
    c.require("algorithm_type", "dpmsolver++", "sde-dpmsolver++", "deis");
    c.require("solver_type", "midpoint", "heun", "logrho", "bh1", "bh2");
    return new DpmSolverConfig(
        c.integer("solver_order", 2),
        c.text("solver_type", "midpoint").equals("heun"),
        c.text("algorithm_type", "dpmsolver++").equals("sde-dpmsolver++"),
        c.flag("lower_order_final", true),
        c.flag("euler_at_final", false),
        SigmaConfig.of(c, SigmaSpacing.KARRAS, SigmaSpacing.EXPONENTIAL, SigmaSpacing.LU),
        c.number("lambda_min_clipped", Double.NEGATIVE_INFINITY),
        SampleClipping.ofThresholding(c));
  }

  @Override
  public Scheduler scheduler(NoiseSchedule schedule, int steps) {
    return new DpmSolverScheduler(schedule, this, steps);
  }

  @Override
  public void writeTo(ObjectNode json) {
    json.put("solver_order", order)
        .put("solver_type", heun ? "heun" : "midpoint")
        .put("algorithm_type", stochastic ? "sde-dpmsolver++" : "dpmsolver++")
        .put("lower_order_final", lowerOrderFinal)
        .put("euler_at_final", eulerAtFinal);
    sigmas.writeTo(json);
    if (lambdaMinClipped > Double.NEGATIVE_INFINITY) {
      json.put("lambda_min_clipped", lambdaMinClipped);
    }
    clipping.writeThresholdingTo(json);
  }
}
