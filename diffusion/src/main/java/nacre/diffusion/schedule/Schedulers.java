package nacre.diffusion.schedule;

import static java.util.stream.Collectors.joining;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.ServiceLoader;
import java.util.Set;
import nacre.weights.ConfigJson;

/**
 * The table of schedulers: the built-in classes, followed by those of every {@link
 * SchedulerProvider}. Names on the command line, what messages list and the table in the manual are
 * taken from it.
 */
public final class Schedulers {
  /** Song et al., 2021. */
  public static final SchedulerKind DDIM =
      new SchedulerKind(
          "DDIMScheduler",
          TimestepSpacing.LEADING,
          DdimConfig.KEYS,
          DdimConfig::of,
          List.of(new SchedulerName("ddim", "DDIM, deterministic (Song et al., 2021)")));

  /** Ho et al., 2020. */
  public static final SchedulerKind DDPM =
      new SchedulerKind(
          "DDPMScheduler",
          TimestepSpacing.LEADING,
          DdpmConfig.KEYS,
          DdpmConfig::of,
          List.of(new SchedulerName("ddpm", "DDPM, adds noise at each step (Ho et al., 2020)")));

  /** Liu et al., 2022. */
  public static final SchedulerKind PNDM =
      new SchedulerKind(
          "PNDMScheduler",
          TimestepSpacing.LEADING,
          PndmConfig.KEYS,
          PndmConfig::of,
          List.of(
              new SchedulerName(
                  "pndm",
                  "PNDM without Runge-Kutta steps, as Stable Diffusion uses it (Liu et al., 2022)",
                  json -> json.put("skip_prk_steps", true))));

  /** Karras et al., 2022, algorithm 2 without its correction. */
  public static final SchedulerKind EULER =
      new SchedulerKind(
          "EulerDiscreteScheduler",
          TimestepSpacing.LINSPACE,
          EulerConfig.KEYS,
          EulerConfig::of,
          List.of(
              new SchedulerName("euler", "Euler steps along the noise levels"),
              new SchedulerName(
                  "euler-karras",
                  "Euler with the noise levels of Karras et al., 2022",
                  json -> json.put("use_karras_sigmas", true))));

  /** Lu et al., 2022. */
  public static final SchedulerKind DPM_SOLVER =
      new SchedulerKind(
          "DPMSolverMultistepScheduler",
          TimestepSpacing.LINSPACE,
          DpmSolverConfig.KEYS,
          DpmSolverConfig::of,
          List.of(
              new SchedulerName("dpm++", "DPM-Solver++ (2M) (Lu et al., 2022)"),
              new SchedulerName(
                  "dpm++-karras",
                  "DPM-Solver++ (2M) with the noise levels of Karras et al., 2022",
                  json -> json.put("use_karras_sigmas", true)),
              new SchedulerName(
                  "dpm++-sde",
                  "DPM-Solver++ (2M), stochastic",
                  json -> json.put("algorithm_type", "sde-dpmsolver++"))));

  private static final List<SchedulerKind> BUILT_IN = List.of(DDIM, DDPM, PNDM, EULER, DPM_SOLVER);

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

  private Schedulers() {}

  /** Providers are looked up once; a class path does not change. */
  private static final class Table {
    static final List<SchedulerKind> ALL =
        table(ServiceLoader.load(SchedulerProvider.class, Schedulers.class.getClassLoader()));
  }

  /**
   * The built-in rows and those of the providers.
   *
   * @throws IllegalStateException if two rows share a class or a name
   */
  static List<SchedulerKind> table(Iterable<SchedulerProvider> providers) {
    List<SchedulerKind> rows = new ArrayList<>(BUILT_IN);
    providers.forEach(provider -> rows.addAll(provider.kinds()));
    Set<String> taken = new HashSet<>();
    for (SchedulerKind kind : rows) {
      requireFree(taken, "class", kind.className());
      kind.names().forEach(name -> requireFree(taken, "name", name.name()));
    }
    return List.copyOf(rows);
  }

  private static void requireFree(Set<String> taken, String what, String word) {
    if (!taken.add(what + " " + word)) {
      throw new IllegalStateException(
          "scheduler: two have the %s %s; take another for your own".formatted(what, word));
    }
  }

  /** The built-in classes. */
  public static List<SchedulerKind> builtIn() {
    return BUILT_IN;
  }

  /** All classes: the built-in ones, then those of providers. */
  public static List<SchedulerKind> all() {
    return Table.ALL;
  }

  /** All choices that have a name. */
  public static List<SchedulerChoice> choices() {
    return choices(all());
  }

  static List<SchedulerChoice> choices(List<SchedulerKind> kinds) {
    return kinds.stream()
        .flatMap(kind -> kind.names().stream().map(name -> new SchedulerChoice(kind, name)))
        .toList();
  }

  /**
   * The scheduler of a name, {@code dpm++}.
   *
   * @throws IllegalArgumentException if there is none, listing those that there are
   */
  public static SchedulerChoice named(String name) {
    return choices().stream()
        .filter(choice -> choice.name().name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "there is no scheduler '%s'; there are %s"
                        .formatted(
                            name,
                            choices().stream()
                                .map(SchedulerChoice::toString)
                                .collect(joining(", ")))));
  }

  /**
   * The class of a name in a {@code scheduler_config.json}.
   *
   * @throws IllegalArgumentException if it is not known, listing those that are
   */
  public static SchedulerKind ofClass(String className) {
    return all().stream()
        .filter(kind -> kind.className().equals(className))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "scheduler: class '%s' is not supported; supported are %s"
                        .formatted(
                            className,
                            all().stream().map(SchedulerKind::className).collect(joining(", ")))));
  }

  /**
   * Refuses a key that no scheduler has. One that only other classes have is ignored, as in
   * diffusers: files on the hub contain such keys, and so does each config from which a replacement
   * is made.
   */
  static void checkKeys(ConfigJson json) {
    for (String key : (Iterable<String>) json.node()::fieldNames) {
      boolean known =
          key.startsWith("_")
              || SHARED.contains(key)
              || ELSEWHERE.contains(key)
              || all().stream().anyMatch(kind -> kind.keys().contains(key));
      if (!known) {
        throw new IllegalArgumentException(
            "scheduler: key %s = %s is not known to any supported scheduler; leave it out"
                .formatted(key, json.node().get(key)));
      }
    }
  }
}
