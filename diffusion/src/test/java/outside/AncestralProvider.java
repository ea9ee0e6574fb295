package outside;

import java.util.List;
import nacre.diffusion.schedule.SchedulerKind;
import nacre.diffusion.schedule.SchedulerName;
import nacre.diffusion.schedule.SchedulerProvider;

/** Gives {@link Ancestral} a name. */
public final class AncestralProvider implements SchedulerProvider {
  @Override
  public List<SchedulerKind> kinds() {
    return List.of(
        SchedulerKind.of(
            "OutsideAncestralScheduler",
            Ancestral::new,
            new SchedulerName("outside-a", "Euler with ancestral noise")));
  }
}
