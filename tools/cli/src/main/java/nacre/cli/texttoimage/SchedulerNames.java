package nacre.cli.texttoimage;

import java.util.Iterator;
import nacre.diffusion.schedule.SchedulerName;
import nacre.diffusion.schedule.Schedulers;

/** The names in the table of schedulers, for the help of {@code --scheduler} and for completion. */
final class SchedulerNames implements Iterable<String> {
  @Override
  public Iterator<String> iterator() {
    return Schedulers.all().stream()
        .flatMap(kind -> kind.names().stream())
        .map(SchedulerName::name)
        .iterator();
  }
}
