package nacre.bindings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import nacre.bindings.Probe.Outcome;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeLibrariesTest {

  @TempDir Path temp;

  @Test
  void loadsTheBundledLibraryOnce() {
    NativeLibrary.Loaded loaded =
        assertInstanceOf(NativeLibrary.Loaded.class, TestLibraries.oneDnn());
    assertEquals("3.13.0", loaded.version());
    assertTrue(Files.isRegularFile(loaded.file()), loaded.toString());
    assertSame(loaded, TestLibraries.oneDnn());
  }

  @Test
  void twoProcessesUnpackIntoOneFreshFolder() throws Exception {
    Map<String, String> environment = Map.of("NACRE_CACHE", temp.toString(), "NACRE_THREADS", "3");
    Process one = Probe.start(environment, List.of());
    Process other = Probe.start(environment, List.of());
    for (Process process : List.of(one, other)) {
      Outcome outcome = Probe.await(process);
      assertEquals(0, outcome.status(), outcome.output());
      assertTrue(outcome.output().startsWith("3.13.0 3 3 " + temp), outcome.output());
    }
  }

  @Test
  void unpacksToATemporaryFolderIfTheCacheCannotBeWritten() throws Exception {
    Path inTheWay = Files.writeString(temp.resolve("file"), "no folder");
    Map<String, String> environment = Map.of("NACRE_CACHE", inTheWay.resolve("cache").toString());
    Outcome outcome = Probe.await(Probe.start(environment, List.of("-Djava.io.tmpdir=" + temp)));
    assertEquals(0, outcome.status(), outcome.output());
    assertTrue(
        outcome.output().startsWith("3.13.0 ")
            && outcome.output().contains(" " + temp.resolve("nacre-")),
        outcome.output());
    try (var left = Files.list(temp)) {
      assertEquals(List.of(inTheWay), left.toList());
    }
  }

  @Test
  void saysThatItIsSwitchedOff() throws Exception {
    String reason = "oneDNN is not used: it is switched off by nacre.onednn or NACRE_ONEDNN";
    Outcome byVariable = Probe.await(Probe.start(Map.of("NACRE_ONEDNN", "off"), List.of()));
    assertEquals(new Outcome(0, reason), byVariable);
  }

  @Test
  void saysWhyAChosenLibraryCannotBeUsed() throws Exception {
    Path absent = temp.resolve("libabsent.so");
    Outcome outcome = Probe.await(Probe.start(Map.of("NACRE_ONEDNN", "" + absent), List.of()));
    assertEquals(
        "oneDNN is not used: nacre.onednn or NACRE_ONEDNN names "
            + absent
            + ", which is no file; it takes a path, \"bundled\" or \"off\"",
        outcome.output());
    Path wrong = Files.writeString(temp.resolve("libwrong.so"), "not a shared library");
    outcome = Probe.await(Probe.start(Map.of("NACRE_ONEDNN", "" + wrong), List.of()));
    assertTrue(
        outcome.output().contains("oneDNN is not used: the system cannot load " + wrong),
        outcome.output());
  }

  @Test
  void saysThatAChosenLibraryIsAnotherOne() throws Exception {
    Path other = Path.of(System.getProperty("java.home"), "lib", System.mapLibraryName("zip"));
    assumeTrue(Files.exists(other), "this JDK has no library of that name");
    Outcome outcome = Probe.await(Probe.start(Map.of("NACRE_ONEDNN", "" + other), List.of()));
    assertEquals(
        "oneDNN is not used: " + other + " is another library: it has no function dnnl_version",
        outcome.output());
  }

  @Test
  void loadsAChosenLibrary() throws Exception {
    Path file = ((NativeLibrary.Loaded) TestLibraries.oneDnn()).file();
    Outcome outcome = Probe.await(Probe.start(Map.of("NACRE_ONEDNN", "" + file), List.of()));
    assertTrue(outcome.output().endsWith(" " + file), outcome.output());
  }

  @Test
  void theProcessEndsWhileTheTeamIsAtWork() throws Exception {
    for (int round = 0; round < 3; round++) {
      Outcome outcome = Probe.await(Probe.start(Map.of(), List.of(), "busy"));
      assertEquals(0, outcome.status(), outcome.output());
      assertEquals(1, outcome.output().lines().count(), outcome.output());
    }
  }
}
