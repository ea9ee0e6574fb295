package nacre.bindings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class VersionsTest {
  @Test
  void numbersCountAsNumbers() {
    assertTrue(Versions.compare("9.9.0", "9.15.1") < 0);
    assertTrue(Versions.compare("13.0", "12.4") > 0);
    assertTrue(Versions.compare("12.4.1", "12.4") > 0);
    assertEquals(0, Versions.compare("12.4.0", "12.4"));
  }
}
