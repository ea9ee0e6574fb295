package nacre.diffusion.schedule;

import static java.util.stream.Collectors.joining;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.function.Function;
import nacre.weights.ConfigJson;

/**
 * The table of schedulers: the built-in classes, followed by those of every {@link
 * SchedulerProvider}. Names on the command line, what messages list and the table in the manual are
 * taken from it.
 */
public final class Schedulers {
  /** Song et al., 2021. */
  public static final SchedulerKind DDIM =
      kind(
          "DDIMScheduler",
          ScheduleDefaults.LEADING,
          DdimConfig.KEYS,
          DdimConfig::of,
          new SchedulerName("ddim", "DDIM, deterministic (Song et al., 2021)"));

  /** Ho et al., 2020. */
  public static final SchedulerKind DDPM =
      kind(
          "DDPMScheduler",
          ScheduleDefaults.LEADING,
          DdpmConfig.KEYS,
          DdpmConfig::of,
          new SchedulerName("ddpm", "DDPM, adds noise at each step (Ho et al., 2020)"));

  /** Liu et al., 2022. */
  public static final SchedulerKind PNDM =
      kind(
          "PNDMScheduler",
          ScheduleDefaults.LEADING,
          PndmConfig.KEYS,
          PndmConfig::of,
          new SchedulerName(
              "pndm",
              "PNDM without Runge-Kutta steps, as Stable Diffusion uses it (Liu et al., 2022)",
              json -> json.put("skip_prk_steps", true),
              "PLMS"));

  /** Karras et al., 2022, algorithm 2 without its correction. */
  public static final SchedulerKind EULER =
      kind(
          "EulerDiscreteScheduler",
          ScheduleDefaults.LINSPACE,
          EulerConfig.KEYS,
          EulerConfig::of,
          new SchedulerName("euler", "Euler steps along the noise levels", "k_euler"));

  private static final SchedulerKind EULER_ANCESTRAL =
      kind(
          "EulerAncestralDiscreteScheduler",
          ScheduleDefaults.LINSPACE,
          EulerAncestralScheduler.Config.KEYS,
          EulerAncestralScheduler.Config::of,
          new SchedulerName(
              "euler-a",
              "Euler steps further down, with fresh noise up again",
              "euler_ancestral",
              "k_euler_a",
              "k_euler_ancestral"));

  private static final SchedulerKind HEUN =
      kind(
          "HeunDiscreteScheduler",
          ScheduleDefaults.TWO_STAGE,
          HeunConfig.KEYS,
          HeunConfig::of,
          new SchedulerName(
              "heun",
              "Heun's method, two runs of the model a step (Karras et al., 2022)",
              "k_heun"));

  private static final SchedulerKind DPM2 =
      kind(
          "KDPM2DiscreteScheduler",
          ScheduleDefaults.TWO_STAGE,
          SigmaConfig.SPACINGS,
          Dpm2Config::of,
          new SchedulerName(
              "dpm2", "Midpoint method, two runs of the model a step", "dpm_2", "k_dpm_2"));

  private static final SchedulerKind DPM2_ANCESTRAL =
      kind(
          "KDPM2AncestralDiscreteScheduler",
          ScheduleDefaults.TWO_STAGE,
          SigmaConfig.SPACINGS,
          Dpm2Config::ofAncestral,
          new SchedulerName(
              "dpm2-a",
              "Midpoint method with fresh noise, two runs of the model a step",
              "dpm_2_ancestral",
              "k_dpm_2_a",
              "k_dpm_2_ancestral"));

  private static final SchedulerKind LMS =
      kind(
          "LMSDiscreteScheduler",
          ScheduleDefaults.LINSPACE,
          SigmaConfig.SPACINGS,
          LmsConfig::of,
          new SchedulerName("lms", "Linear multistep along the noise levels", "k_lms"));

  /** Lu et al., 2022. */
  public static final SchedulerKind DPM_SOLVER =
      kind(
          "DPMSolverMultistepScheduler",
          ScheduleDefaults.LINSPACE,
          DpmSolverConfig.KEYS,
          DpmSolverConfig::of,
          new SchedulerName(
              "dpm++", "DPM-Solver++ (2M) (Lu et al., 2022)", "DPM++ 2M", "dpmpp_2m", "k_dpmpp_2m"),
          new SchedulerName(
              "dpm++-2m-sde",
              "DPM-Solver++ (2M), stochastic",
              json -> json.put("algorithm_type", "sde-dpmsolver++"),
              "DPM++ 2M SDE",
              "dpmpp_2m_sde",
              "dpmpp_2m_sde_gpu",
              "k_dpmpp_2m_sde"));

  private static final SchedulerKind DPM_SINGLESTEP =
      kind(
          "DPMSolverSinglestepScheduler",
          ScheduleDefaults.LINSPACE,
          DpmSolverConfig.SINGLESTEP_KEYS,
          DpmSolverConfig::ofSinglestep,
          new SchedulerName("dpm++-2s", "DPM-Solver++ (2S), single-step (Lu et al., 2022)"));

  private static final SchedulerKind DPM_SDE =
      kind(
          "DPMSolverSDEScheduler",
          ScheduleDefaults.TWO_STAGE,
          SigmaConfig.SPACINGS,
          DpmSdeScheduler.Config::of,
          new SchedulerName(
              "dpm++-sde",
              "DPM-Solver++, stochastic, two runs of the model a step",
              "DPM++ SDE",
              "dpmpp_sde",
              "dpmpp_sde_gpu",
              "k_dpmpp_sde"));

  private static final SchedulerKind DEIS =
      kind(
          "DEISMultistepScheduler",
          ScheduleDefaults.LINSPACE,
          DeisConfig.KEYS,
          DeisConfig::of,
          new SchedulerName("deis", "DEIS, multistep in log ρ (Zhang and Chen, 2023)"));

  private static final SchedulerKind UNIPC =
      kind(
          "UniPCMultistepScheduler",
          ScheduleDefaults.LINSPACE,
          UniPcConfig.KEYS,
          UniPcConfig::of,
          new SchedulerName(
              "unipc",
              "UniPC, predictor and corrector (Zhao et al., 2023)",
              "uni_pc",
              "uni_pc_bh2"));

  private static final SchedulerKind LCM =
      kind(
          "LCMScheduler",
          ScheduleDefaults.CONSISTENCY,
          ConsistencySteps.KEYS,
          LcmScheduler.Config::of,
          new SchedulerName("lcm", "Latent consistency models, 1 to 8 steps (Luo et al., 2023)"));

  private static final SchedulerKind TCD =
      kind(
          "TCDScheduler",
          ScheduleDefaults.CONSISTENCY,
          ConsistencySteps.KEYS,
          TcdScheduler.Config::of,
          new SchedulerName(
              "tcd", "Trajectory consistency distillation, 1 to 8 steps (Zheng et al., 2024)"));

  private static final List<SchedulerKind> BUILT_IN =
      List.of(
          DDIM,
          DDPM,
          PNDM,
          EULER,
          EULER_ANCESTRAL,
          HEUN,
          DPM2,
          DPM2_ANCESTRAL,
          LMS,
          DPM_SOLVER,
          DPM_SINGLESTEP,
          DPM_SDE,
          DEIS,
          UNIPC,
          LCM,
          TCD);

  /** What a user may try in place of a class that is not there. */
  private static final List<SchedulerKind> SUBSTITUTES =
      List.of(DDIM, EULER, EULER_ANCESTRAL, DPM_SOLVER, UNIPC);

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
          "noise_sampler_seed",
          "predict_epsilon",
          "rho",
          "sigma_data",
          "sigma_schedule",
          "tensor_format");

  private Schedulers() {}

  private static SchedulerKind kind(
      String className,
      ScheduleDefaults defaults,
      Set<String> keys,
      Function<ConfigJson, MethodConfig> reader,
      SchedulerName... names) {
    return new SchedulerKind(className, defaults, keys, reader, List.of(names));
  }

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
          String.format(
              Locale.ROOT, "scheduler: two have the %s %s; take another for your own", what, word));
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

  /** All choices that have a name: the names of the table, and those with a spacing after them. */
  public static List<SchedulerChoice> choices() {
    return choices(all());
  }

  static List<SchedulerChoice> choices(List<SchedulerKind> kinds) {
    return kinds.stream().flatMap(kind -> kind.choices().stream()).toList();
  }

  /**
   * The scheduler of a name, {@code dpm++}, or of one that another tool has for it, {@code DPM++ 2M
   * Karras}.
   *
   * @throws IllegalArgumentException if there is none, naming those that are near
   */
  public static SchedulerChoice named(String name) {
    return SchedulerLookup.find(all(), name);
  }

  /**
   * The class of a name in a {@code scheduler_config.json}.
   *
   * @throws IllegalArgumentException if it is not supported, naming what may take its place
   */
  public static SchedulerKind ofClass(String className) {
    return all().stream()
        .filter(kind -> kind.className().equals(className))
        .findFirst()
        .orElseThrow(() -> unknownClass(className));
  }

  private static IllegalArgumentException unknownClass(String className) {
    if (className.startsWith("FlowMatch")) {
      return new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "scheduler: class '%s' belongs to models of flow matching, such as Stable Diffusion"
                  + " 3; they are not supported",
              className));
    }
    return new IllegalArgumentException(
        String.format(
            Locale.ROOT,
            "scheduler: class '%s' is not supported; choose another by --scheduler, such as %s",
            className,
            choices().stream()
                .filter(choice -> SUBSTITUTES.contains(choice.kind()))
                .filter(choice -> choice.kind().names().contains(choice.name()))
                .map(SchedulerChoice::toString)
                .collect(joining(", "))));
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
            String.format(
                Locale.ROOT,
                "scheduler: key %s = %s is not known to any supported scheduler; leave it out",
                key,
                json.node().get(key)));
      }
    }
  }
}
