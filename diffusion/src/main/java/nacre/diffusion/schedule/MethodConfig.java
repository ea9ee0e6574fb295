package nacre.diffusion.schedule;

import com.fasterxml.jackson.databind.node.ObjectNode;

/** The keys of a {@code scheduler_config.json} that one class of schedulers has. */
public sealed interface MethodConfig
    permits DdimConfig, DdpmConfig, PndmConfig, EulerConfig, DpmSolverConfig {

  /** The class. */
  SchedulerKind kind();

  /** Writes the keys. */
  void writeTo(ObjectNode json);
}
