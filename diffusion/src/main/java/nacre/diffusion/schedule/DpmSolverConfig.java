package nacre.diffusion.schedule;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import nacre.tensor.Tensor;
import nacre.weights.ConfigJson;

/**
 * The configuration keys of {@link DpmSolverScheduler} and {@link DpmSinglestepScheduler}.
 *
 * @param order 1 to 3: number of predictions that a step uses
 * @param heun whether steps of the second order go by Heun's rule rather than the midpoint's
 *     ({@code solver_type})
 * @param algorithm what is extrapolated, and whether steps add noise ({@code algorithm_type})
 * @param lowerOrderFinal whether the last steps of fewer than 15 are of a lower order
 * @param eulerAtFinal whether the last step is of the first order
 * @param sigmas the noise levels
 * @param lambdaMinClipped timesteps of a lower log α − log σ are left out
 * @param clipping of the estimates of the clean sample
 * @param singlestep whether a step starts anew from where the last of the first order did
 */
public record DpmSolverConfig(
    int order,
    boolean heun,
    DpmAlgorithm algorithm,
    boolean lowerOrderFinal,
    boolean eulerAtFinal,
    SigmaConfig sigmas,
    double lambdaMinClipped,
    SampleClipping clipping,
    boolean singlestep)
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
          SigmaConfig.FINAL,
          "lambda_min_clipped",
          "variance_type",
          "thresholding",
          "dynamic_thresholding_ratio",
          "sample_max_value",
          "rescale_betas_zero_snr");

  static final Set<String> SINGLESTEP_KEYS =
      KEYS.stream()
          .filter(key -> !Set.of("euler_at_final", "use_lu_lambdas").contains(key))
          .filter(key -> !key.equals("rescale_betas_zero_snr"))
          .collect(Collectors.toUnmodifiableSet());

  /** Checks the order, and what goes together. */
  public DpmSolverConfig {
    if (order < 1 || order > 3) {
      throw new IllegalArgumentException(
          "scheduler: solver_order is " + order + ", 1, 2 or 3 is wanted");
    }
    if (!algorithm.clean() && !sigmas.endsAtLowest()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "scheduler: algorithm_type %s wants final_sigmas_type = sigma_min",
              algorithm.key()));
    }
    if (algorithm == DpmAlgorithm.STOCHASTIC_NOISE && (order == 3 || singlestep)) {
      throw new IllegalArgumentException(
          "scheduler: algorithm_type sde-dpmsolver is multistep, with a solver_order of 1 or 2");
    }
    if (singlestep && !algorithm.clean() && !clipping.none()) {
      throw new IllegalArgumentException(
          "scheduler: thresholding does not go with algorithm_type dpmsolver, single-step");
    }
  }

  static DpmSolverConfig of(ConfigJson c) {
    return of(c, false);
  }

  static DpmSolverConfig ofSinglestep(ConfigJson c) {
    return of(c, true);
  }

  private static DpmSolverConfig of(ConfigJson c, boolean singlestep) {
    // The variance of a model's noise, for DDPM, changes nothing here, unless the model predicts
    // it.
    c.require("variance_type", "fixed_small", "fixed_small_log", "fixed_large", "fixed_large_log");
    // The solver types of DEIS and UniPC stand for the default, as in diffusers.
    c.require(
        "algorithm_type", "dpmsolver", "dpmsolver++", "sde-dpmsolver", "sde-dpmsolver++", "deis");
    c.require("solver_type", "midpoint", "heun", "logrho", "bh1", "bh2");
    return new DpmSolverConfig(
        c.integer("solver_order", 2),
        c.text("solver_type", "midpoint").equals("heun"),
        DpmAlgorithm.of(c.text("algorithm_type", "dpmsolver++")),
        c.flag("lower_order_final", !singlestep),
        !singlestep && c.flag("euler_at_final", false),
        SigmaConfig.of(c, singlestep ? SINGLESTEP_KEYS : KEYS),
        c.number("lambda_min_clipped", Double.NEGATIVE_INFINITY),
        SampleClipping.ofThresholding(c),
        singlestep);
  }

  @Override
  public Scheduler scheduler(NoiseSchedule schedule, int steps) {
    return singlestep
        ? new DpmSinglestepScheduler(schedule, this, steps)
        : new DpmSolverScheduler(schedule, this, steps);
  }

  /** What the algorithm extrapolates, as the model's output at a step implies it. */
  Tensor estimate(LevelPath path, int index, Tensor sample, Tensor output) {
    return algorithm.clean()
        ? path.clean(index, clipping, sample, output)
        : path.noise(index, clipping, sample, output);
  }

  @Override
  public void writeTo(ObjectNode json) {
    json.put("solver_order", order)
        .put("solver_type", heun ? "heun" : "midpoint")
        .put("algorithm_type", algorithm.key())
        .put("lower_order_final", lowerOrderFinal);
    if (!singlestep) {
      json.put("euler_at_final", eulerAtFinal);
    }
    sigmas.writeTo(json);
    if (lambdaMinClipped > Double.NEGATIVE_INFINITY) {
      json.put("lambda_min_clipped", lambdaMinClipped);
    }
    clipping.writeThresholdingTo(json);
  }
}
