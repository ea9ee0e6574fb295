package nacre.diffusion.schedule;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import nacre.tensor.Tensor;
import nacre.weights.ConfigJson;

/**
 * The configuration keys of {@link UniPcScheduler}.
 *
 * @param order at least 1: number of predictions that a step uses
 * @param firstKind whether B(h) is h rather than eʰ − 1 ({@code solver_type} is {@code bh1})
 * @param predictsClean whether the clean sample is extrapolated rather than the noise ({@code
 *     predict_x0})
 * @param lowerOrderFinal whether the last steps are of a lower order
 * @param disableCorrector indices of steps after which nothing is corrected
 * @param sigmas the noise levels
 * @param clipping of the estimates of the clean sample
 */
public record UniPcConfig(
    int order,
    boolean firstKind,
    boolean predictsClean,
    boolean lowerOrderFinal,
    List<Integer> disableCorrector,
    SigmaConfig sigmas,
    SampleClipping clipping)
    implements MethodConfig {
  static final Set<String> KEYS = keys();

  private static Set<String> keys() {
    Set<String> keys = new HashSet<>(SigmaConfig.SPACINGS);
    keys.addAll(
        Set.of(
            SigmaConfig.FINAL,
            "solver_order",
            "solver_type",
            "predict_x0",
            "lower_order_final",
            "disable_corrector",
            "solver_p",
            "shift_terminal",
            "sigma_min",
            "sigma_max"));
    keys.addAll(
        Set.of(
            "thresholding",
            "dynamic_thresholding_ratio",
            "sample_max_value",
            "rescale_betas_zero_snr"));
    return Set.copyOf(keys);
  }

  /** Checks the order, and what goes together. */
  public UniPcConfig {
    disableCorrector = List.copyOf(disableCorrector);
    if (order < 1) {
      throw new IllegalArgumentException(
          "scheduler: solver_order is " + order + ", at least 1 is wanted");
    }
    boolean high = order > 1 && !lowerOrderFinal;
    if (!sigmas.endsAtLowest() && (high || !predictsClean)) {
      // In diffusers it makes pictures of numbers that are none.
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "scheduler: %s = false wants final_sigmas_type = sigma_min",
              high ? "lower_order_final" : "predict_x0"));
    }
  }

  static UniPcConfig of(ConfigJson c) {
    c.require("solver_p");
    c.require("shift_terminal");
    // Those of DPM-Solver and DEIS stand for the default, as in diffusers.
    c.require("solver_type", "bh1", "bh2", "midpoint", "heun", "logrho");
    return new UniPcConfig(
        c.integer("solver_order", 2),
        c.text("solver_type", "bh2").equals("bh1"),
        c.flag("predict_x0", true),
        c.flag("lower_order_final", true),
        c.has("disable_corrector") && c.node().get("disable_corrector").isEmpty()
            ? List.of()
            : c.integers("disable_corrector", 0, List.of()),
        SigmaConfig.of(c, KEYS),
        SampleClipping.ofThresholding(c));
  }

  @Override
  public Scheduler scheduler(NoiseSchedule schedule, int steps) {
    return new UniPcScheduler(schedule, this, steps);
  }

  /** What is extrapolated, as the model's output at a step implies it. */
  Tensor estimate(LevelPath path, int index, Tensor sample, Tensor output) {
    return predictsClean
        ? path.clean(index, clipping, sample, output)
        : path.noise(index, SampleClipping.NONE, sample, output);
  }

  @Override
  public void writeTo(ObjectNode json) {
    json.put("solver_order", order)
        .put("solver_type", firstKind ? "bh1" : "bh2")
        .put("predict_x0", predictsClean)
        .put("lower_order_final", lowerOrderFinal);
    ArrayNode disabled = json.putArray("disable_corrector");
    disableCorrector.forEach(disabled::add);
    sigmas.writeTo(json);
    clipping.writeThresholdingTo(json);
  }
}
