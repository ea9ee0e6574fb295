package nacre.diffusion.schedule;

import java.util.Arrays;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import nacre.weights.ConfigJson;

/** The classes of schedulers that are built here, each with the keys that are its own. */
public enum SchedulerKind {
  /** Song et al., 2021. */
  DDIM("DDIMScheduler", TimestepSpacing.LEADING, DdimConfig.KEYS, DdimConfig::of),
  /** Ho et al., 2020. */
  DDPM("DDPMScheduler", TimestepSpacing.LEADING, DdpmConfig.KEYS, DdpmConfig::of),
  /** Liu et al., 2022. */
  PNDM("PNDMScheduler", TimestepSpacing.LEADING, PndmConfig.KEYS, PndmConfig::of),
  /** Karras et al., 2022, algorithm 2 without its correction. */
  EULER("EulerDiscreteScheduler", TimestepSpacing.LINSPACE, EulerConfig.KEYS, EulerConfig::of),
  /** Lu et al., 2022. */
  DPM_SOLVER(
      "DPMSolverMultistepScheduler",
      TimestepSpacing.LINSPACE,
      DpmSolverConfig.KEYS,
      DpmSolverConfig::of);

  /** Keys of every class. */
  private static final Set<String> SHARED =
      Set.of(
          "num_train_timesteps",
          "beta_start",
          "beta_end",
          "beta_schedule",
          "trained_betas",
          "prediction_type",
          "timestep_spacing",
          "steps_offset");

  /** Keys of classes that are not built here but share their configs with those that are. */
  private static final Set<String> ELSEWHERE =
      Set.of(
          "disable_corrector",
          "noise_sampler_seed",
          "original_inference_steps",
          "predict_x0",
          "rho",
          "shift_terminal",
          "sigma_data",
          "sigma_schedule",
          "solver_p",
          "timestep_scaling");

  private final String className;
  private final TimestepSpacing spacing;
  private final Set<String> keys;
  private final Function<ConfigJson, MethodConfig> reader;

  SchedulerKind(
      String className,
      TimestepSpacing spacing,
      Set<String> keys,
      Function<ConfigJson, MethodConfig> reader) {
    this.className = className;
    this.spacing = spacing;
    this.keys = keys;
    this.reader = reader;
  }

  /** The name of the class in diffusers. */
  public String className() {
    return className;
  }

  /**
   * The kind of a class in diffusers.
   *
   * @throws IllegalArgumentException if it is not built
   */
  public static SchedulerKind of(String className) {
    for (SchedulerKind kind : values()) {
      if (kind.className.equals(className)) {
        return kind;
      }
    }
    throw new IllegalArgumentException(
        "scheduler: class '%s' is not supported; supported are %s"
            .formatted(
                className,
                Arrays.stream(values()).map(k -> k.className).collect(Collectors.joining(", "))));
  }

  /** The spacing where a config has none. */
  TimestepSpacing defaultSpacing() {
    return spacing;
  }

  MethodConfig read(ConfigJson json) {
    return reader.apply(json);
  }

  /**
   * Refuses a key that no scheduler has. One that only others have is passed over, as in diffusers:
   * files on the hub hold such, and so does each config that another scheduler is made from.
   */
  void checkKeys(ConfigJson json) {
    for (String key : (Iterable<String>) json.node()::fieldNames) {
      boolean known =
          key.startsWith("_")
              || SHARED.contains(key)
              || ELSEWHERE.contains(key)
              || Arrays.stream(values()).anyMatch(kind -> kind.keys.contains(key));
      if (!known) {
        throw new IllegalArgumentException(
            "scheduler: key %s = %s is not known to any supported scheduler; leave it out"
                .formatted(key, json.node().get(key)));
      }
    }
  }
}
