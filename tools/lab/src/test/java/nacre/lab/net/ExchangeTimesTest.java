package nacre.lab.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import nacre.distributed.Mpirun;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

/** Two ranks on this machine. */
class ExchangeTimesTest {
  @Test
  @EnabledIf("nacre.distributed.Mpirun#isHere")
  void theFirstRankSaysWhatASumTook() throws Exception {
    Mpirun.Outcome outcome =
        Mpirun.of(2).run(ExchangeTimes.class.getName(), List.of("100000", "F32", "5"));
    assertEquals(0, outcome.status(), outcome.text());
    assertTrue(
        outcome.text().startsWith("sum of 100,000 f32 over 2 ranks: median "), outcome.text());
    assertTrue(outcome.text().endsWith(" of 5; 0.40 MB sent by each\n"), outcome.text());
  }
}
