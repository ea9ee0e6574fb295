package nacre.diffusion.schedule;

import java.util.List;

/**
 * A provider of schedulers from outside of Nacre, found by {@link java.util.ServiceLoader}: {@code
 * provides nacre.diffusion.schedule.SchedulerProvider with …} in a {@code module-info}, or a line
 * in {@code META-INF/services}. Their names then stand beside the built-in ones, on the command
 * line too, and their classes are read from models' folders.
 */
public interface SchedulerProvider {

  /** The classes of schedulers. */
  List<SchedulerKind> kinds();
}
