package nacre.distributed;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import nacre.tensor.Settings;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Ranks that Open MPI starts on this machine. */
class RanksTest {
  static boolean hasMpirun() {
    return Mpirun.isHere();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4})
  @EnabledIf("hasMpirun")
  void exchangeTensorsAndBytes(int ranks) throws Exception {
    Mpirun.Outcome outcome = Mpirun.run(ranks, ExchangesProgram.class, "right");
    assertEquals(0, outcome.status(), outcome.text());
    assertTrue(outcome.text().contains("bytes by Open MPI v"), outcome.text());
  }

  @Test
  @EnabledIf("hasMpirun")
  void areToldOfTensorsOfDifferentSizes() throws Exception {
    Mpirun.Outcome outcome = Mpirun.run(2, ExchangesProgram.class, "sizes");
    assertEquals(3, outcome.status(), outcome.text());
    String zero = "sum of 24 bytes of f32 as exchange 1";
    String one = "sum of 20 bytes of f32 as exchange 1";
    String different = " did different things: ";
    assertTrue(
        outcome.text().contains("rank 0 and rank 1" + different + zero + " and " + one)
            || outcome.text().contains("rank 1 and rank 0" + different + one + " and " + zero),
        outcome.text());
  }

  @Test
  @EnabledIf("hasMpirun")
  void areToldOfAnotherOrder() throws Exception {
    Mpirun.Outcome outcome = Mpirun.run(2, ExchangesProgram.class, "order");
    assertEquals(3, outcome.status(), outcome.text());
    String zero = "sum of 16 bytes of f32 as exchange 1";
    String one = "gather of 16 bytes of f32 as exchange 1";
    assertTrue(
        outcome.text().contains(zero + " and " + one)
            || outcome.text().contains(one + " and " + zero),
        outcome.text());
  }

  @Test
  void loadNothingWithoutALauncher() {
    assertEquals(Optional.empty(), Launcher.of(Map.of("SLURM_PROCID", "1", "PMI_RANK", " ")));
    assertEquals("PMIx", Launcher.of(Map.of("PMIX_RANK", "0")).orElseThrow().name());
    assertTrue(Launcher.of(Map.of("PMI_RANK", "0", "PMI_SIZE", "1")).orElseThrow().isOnly());
    assertFalse(Launcher.of(Map.of("PMIX_RANK", "0", "PMI_SIZE", "1")).orElseThrow().isOnly());
    Settings alone = Settings.of(new Properties(), Map.of());
    assertEquals(Optional.empty(), World.join(alone));
  }
}
