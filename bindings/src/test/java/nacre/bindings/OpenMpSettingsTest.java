package nacre.bindings;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Map;
import org.junit.jupiter.api.Test;

class OpenMpSettingsTest {

  @Test
  void setsThreadsAndHowLongTheyStayAwake() {
    assertEquals(
        Map.of("OMP_NUM_THREADS", "6", "GOMP_SPINCOUNT", "4000", "KMP_BLOCKTIME", "1"),
        OpenMpSettings.additionsTo(Map.of("PATH", "/bin"), 6));
  }

  @Test
  void leavesWhatTheUserSaidAboutStayingAwake() {
    assertEquals(
        Map.of("OMP_NUM_THREADS", "6"),
        OpenMpSettings.additionsTo(Map.of("OMP_WAIT_POLICY", "passive"), 6));
    assertEquals(
        Map.of("OMP_NUM_THREADS", "6", "KMP_BLOCKTIME", "1"),
        OpenMpSettings.additionsTo(Map.of("GOMP_SPINCOUNT", "0"), 6));
  }
}
