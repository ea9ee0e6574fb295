package nacre.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Properties;
import java.util.Set;
import nacre.tensor.reference.ReferenceProvider;
import nacre.tensor.spi.Backend;
import nacre.tensor.spi.BackendProvider;
import org.junit.jupiter.api.Test;

class SettingsTest {
  private static Settings of(Map<String, String> properties, Map<String, String> environment) {
    Properties all = new Properties();
    all.setProperty("user.home", "/home/u");
    all.setProperty("os.name", "Linux");
    all.putAll(properties);
    return Settings.of(all, environment);
  }

  @Test
  void anOptionWinsOverAPropertyAndThatOverTheEnvironment() {
    Map<String, String> environment = Map.of("NACRE_THREADS", "4", "OMP_NUM_THREADS", "5,2");
    Settings both = of(Map.of("nacre.threads", "3"), environment);
    assertEquals(OptionalInt.of(3), both.threads());
    assertEquals(OptionalInt.of(1), both.with(Setting.THREADS, "1").threads());
    assertEquals(OptionalInt.of(4), of(Map.of(), environment).threads());
    assertEquals(OptionalInt.of(5), of(Map.of(), Map.of("OMP_NUM_THREADS", "5,2")).threads());
    assertEquals(OptionalInt.empty(), of(Map.of("nacre.threads", " "), Map.of()).threads());
  }

  @Test
  void refusesAThreadCountThatIsNone() {
    for (String wrong : new String[] {"0", "-2", "two", "1.5"}) {
      Settings settings = of(Map.of(), Map.of("NACRE_THREADS", wrong));
      IllegalArgumentException e = assertThrows(IllegalArgumentException.class, settings::threads);
      assertEquals(
          "nacre.threads or NACRE_THREADS is \""
              + wrong
              + "\"; it takes a number of threads, 1 or more",
          e.getMessage());
    }
  }

  @Test
  void switchesAreOnOrOff() {
    assertTrue(of(Map.of(), Map.of()).graph());
    assertFalse(of(Map.of(), Map.of()).tune());
    for (String word : new String[] {"on", "ON", "1", "true", "yes"}) {
      assertTrue(of(Map.of("nacre.tf32", word), Map.of()).tf32(), word);
    }
    for (String word : new String[] {"off", "0", "false", "no"}) {
      assertFalse(of(Map.of(), Map.of("NACRE_GRAPH", word)).graph(), word);
    }
    Settings odd = of(Map.of(), Map.of("NACRE_TUNE", "maybe"));
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class, odd::tune);
    assertEquals("nacre.tune or NACRE_TUNE is \"maybe\"; it takes on or off", e.getMessage());
  }

  @Test
  void aProfilerIsToldNamesUnlessItIsNotToBe() {
    Map<String, String> profiled = Map.of("NVTX_INJECTION64_PATH", "/nsight/injection.so");
    assertFalse(of(Map.of(), Map.of()).nvtx());
    assertFalse(of(Map.of(), Map.of("NVTX_INJECTION64_PATH", " ")).nvtx());
    assertTrue(of(Map.of(), profiled).nvtx());
    assertTrue(of(Map.of("nacre.nvtx", "on"), Map.of()).nvtx());
    assertFalse(of(Map.of("nacre.nvtx", "off"), profiled).nvtx());
  }

  /** Or one GPU would be opened twice, by who says "on" and by who says "1" or nothing. */
  @Test
  void aSwitchMeansTheSameInAllItsWords() {
    Set<Setting> switches = Set.of(Setting.GRAPH, Setting.TF32, Setting.TUNE);
    Map<Setting, String> wanted = of(Map.of(), Map.of()).only(switches);
    assertEquals(Map.of(Setting.GRAPH, "on", Setting.TF32, "off", Setting.TUNE, "off"), wanted);
    for (String word : new String[] {"on", "1", "TRUE", "yes"}) {
      assertEquals(wanted, of(Map.of(), Map.of("NACRE_GRAPH", word)).only(switches), word);
      assertEquals("on", of(Map.of("nacre.tune", word), Map.of()).only(switches).get(Setting.TUNE));
    }
    for (String word : new String[] {"off", "0", "False", "no"}) {
      assertEquals(wanted, of(Map.of("nacre.tf32", word), Map.of()).only(switches), word);
    }
    Settings folder = of(Map.of("nacre.cache", "/c"), Map.of());
    assertEquals(Map.of(Setting.CACHE, "/c"), folder.only(Set.of(Setting.CACHE, Setting.THREADS)));
  }

  /** Else the order of the class path would choose. */
  @Test
  void twoBackendsOfOneNameAreRefusedByTheNamesOfBoth() {
    record Other(String kind) implements BackendProvider {
      @Override
      public int count(Settings settings) {
        return 1;
      }

      @Override
      public Backend open(int ordinal, Settings settings) {
        throw new AssertionError("either might be meant");
      }
    }
    List<BackendProvider> known =
        List.of(new Other("gpu"), new ReferenceProvider(), new Other("reference"));
    assertEquals("gpu", Device.only("gpu", known).orElseThrow().kind());
    assertEquals(Optional.empty(), Device.only("tpu", known));
    IllegalStateException e =
        assertThrows(IllegalStateException.class, () -> Device.only("reference", known));
    assertEquals(
        "device: 'reference' is offered by nacre.tensor.reference.ReferenceProvider and by "
            + Other.class.getName()
            + "; take all but one off the path",
        e.getMessage());
  }

  @Test
  void findsTheSystemsPlaceForCaches() {
    assertEquals(Path.of("/c"), of(Map.of(), Map.of("NACRE_CACHE", "/c")).cache());
    assertEquals(Path.of("/home/u/.cache/nacre"), of(Map.of(), Map.of()).cache());
    assertEquals(Path.of("/x/nacre"), of(Map.of(), Map.of("XDG_CACHE_HOME", "/x")).cache());
    assertEquals(
        Path.of("/home/u/.cache/nacre"),
        of(Map.of(), Map.of("XDG_CACHE_HOME", "relative")).cache());
    assertEquals(
        Path.of("/home/u/Library/Caches/nacre"),
        of(Map.of("os.name", "Mac OS X"), Map.of()).cache());
    assertEquals(
        Path.of("/l/nacre"),
        of(Map.of("os.name", "Windows 11"), Map.of("LOCALAPPDATA", "/l")).cache());
  }
}
