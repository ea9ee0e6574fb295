package nacre.cli.texttoimage;

import java.util.Iterator;
import nacre.diffusion.schedule.SchedulerChoice;
import nacre.diffusion.schedule.Schedulers;

/** The values of {@code --scheduler}, for its help and for shell completion. */
final class SchedulerNames implements Iterable<String> {
  @Override
  public Iterator<String> iterator() {
    return Schedulers.choices().stream().map(SchedulerChoice::toString).iterator();
  }
}
