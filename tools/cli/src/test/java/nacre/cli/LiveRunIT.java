package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** A second process where a first one is training. */
@DisabledOnOs(OS.WINDOWS)
class LiveRunIT {
  @TempDir private Path scratch;

  /** Starts an endless run that writes checkpoints all the time, and waits until it trains. */
  private TrainProcess endless(Path run) throws Exception {
    TrainProcess live =
        TrainProcess.start(
            scratch, "", "--out", run, "--steps", 1_000_000, "--checkpoint-minutes", 0.001);
    for (int i = 0; i < 1200 && step(run) < 5; i++) {
      assertTrue(live.process().isAlive(), live::complaintOrNone);
      Thread.sleep(100);
    }
    return live;
  }

  private static long step(Path run) throws IOException {
    return new RunFolder(run).newest().map(newest -> newest.step()).orElse(0L);
  }

  private TrainProcess other(Path run, Object... more) throws IOException {
    Object[] words = {"--out", run, "--steps", 3, "--seed", 9};
    Object[] all = java.util.Arrays.copyOf(words, words.length + more.length);
    System.arraycopy(more, 0, all, words.length, more.length);
    return TrainProcess.start(scratch, "", all);
  }

  private static void assertRefused(TrainProcess process) throws Exception {
    assertEquals(1, process.await(), process::complaintOrNone);
    assertEquals(1, process.complaint().lines().count(), process.complaint());
    assertTrue(process.complaint().contains("another process is training"), process.complaint());
  }

  @Test
  void freshAndResumeLeaveALiveRunAlone() throws Exception {
    Path run = scratch.resolve("run");
    try (TrainProcess live = endless(run)) {
      try (TrainProcess second = other(run, "--fresh")) {
        assertRefused(second);
      }
      try (TrainProcess third = TrainProcess.start(scratch, "", "--out", run, "--resume")) {
        assertRefused(third);
      }
      assertFalse(Files.exists(scratch.resolve("run.aside")));
      long before = step(run);
      for (int i = 0; i < 600 && step(run) <= before; i++) {
        Thread.sleep(100);
      }
      assertTrue(live.process().isAlive(), live::complaintOrNone);
      assertTrue(step(run) > before);
    }
  }

  /** Its user renames the folder of a live run, and begins another under the same name. */
  @Test
  void whoseFolderWasMovedWritesNothingIntoTheNextRun() throws Exception {
    Path run = scratch.resolve("run");
    try (TrainProcess live = endless(run)) {
      Files.move(run, scratch.resolve("moved"));
      try (TrainProcess second = other(run)) {
        assertEquals(1, live.await(), live::complaintOrNone);
        assertEquals(0, second.await(), second::complaintOrNone);
        assertTrue(live.complaint().contains("was moved or replaced"), live.complaint());
        assertEquals(1, live.complaint().lines().count(), live.complaint());
      }
    }
    assertEquals(3, step(run));
    assertTrue(step(scratch.resolve("moved")) >= 5);
    assertEquals(0, CommandLineRun.of("verify-run", run).status());
    assertEquals(0, CommandLineRun.of("verify-run", scratch.resolve("moved")).status());
  }
}
