package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import nacre.distributed.Mpirun;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

/** Commands that a launcher of MPI starts as several ranks, and which have one answer. */
class RankLauncherTest {
  @Test
  @EnabledIf("nacre.distributed.Mpirun#isHere")
  void theFirstRankAnswers() throws Exception {
    Mpirun.Outcome outcome = Mpirun.of(2).run(Nacre.class.getName(), List.of("version"));
    assertEquals(0, outcome.status(), outcome.text());
    assertEquals(
        1, outcome.text().lines().filter(l -> l.startsWith("nacre ")).count(), outcome.text());
  }
}
