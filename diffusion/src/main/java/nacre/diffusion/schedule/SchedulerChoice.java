package nacre.diffusion.schedule;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/**
 * A scheduler that a user may ask for by name in place of a model's own. It keeps the model's noise
 * schedule, and whatever else of its config has a meaning for it.
 */
public enum SchedulerChoice {
  /** DDIM. */
  DDIM("ddim", SchedulerKind.DDIM, json -> {}),
  /** DDPM. */
  DDPM("ddpm", SchedulerKind.DDPM, json -> {}),
  /** PNDM without Runge and Kutta, as Stable Diffusion has it. */
  PNDM("pndm", SchedulerKind.PNDM, json -> json.put("skip_prk_steps", true)),
  /** Euler. */
  EULER("euler", SchedulerKind.EULER, json -> {}),
  /** Euler along Karras's noise levels. */
  EULER_KARRAS("euler-karras", SchedulerKind.EULER, json -> json.put("use_karras_sigmas", true)),
  /** DPM-Solver++ (2M). */
  DPM("dpm++", SchedulerKind.DPM_SOLVER, json -> {}),
  /** DPM-Solver++ (2M) along Karras's noise levels. */
  DPM_KARRAS("dpm++-karras", SchedulerKind.DPM_SOLVER, json -> json.put("use_karras_sigmas", true)),
  /** DPM-Solver++ (2M), stochastic. */
  DPM_SDE(
      "dpm++-sde", SchedulerKind.DPM_SOLVER, json -> json.put("algorithm_type", "sde-dpmsolver++"));

  private final String key;
  private final SchedulerKind kind;
  private final Consumer<ObjectNode> settings;

  SchedulerChoice(String key, SchedulerKind kind, Consumer<ObjectNode> settings) {
    this.key = key;
    this.kind = kind;
    this.settings = settings;
  }

  /** What users call it. */
  public String key() {
    return key;
  }

  /** What users call them all. */
  public static List<String> keys() {
    return Arrays.stream(values()).map(SchedulerChoice::key).toList();
  }

  /**
   * The scheduler of a name.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static SchedulerChoice of(String key) {
    for (SchedulerChoice choice : values()) {
      if (choice.key.equals(key)) {
        return choice;
      }
    }
    throw new IllegalArgumentException(
        "there is no scheduler '%s'; there are %s".formatted(key, String.join(", ", keys())));
  }

  /**
   * The configuration that a model's {@code scheduler_config.json}, of whatever class, has for it.
   *
   * @throws IllegalArgumentException naming the key, if a value is wrong or its feature not built
   */
  public SchedulerConfig configure(JsonNode json) {
    ObjectNode changed = json.deepCopy();
    settings.accept(changed);
    return SchedulerConfig.of(changed, kind);
  }
}
