package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import nacre.neuralassets.training.Checkpoint;
import nacre.neuralassets.training.ModelFolder;
import nacre.neuralassets.training.Trainer;
import nacre.tensor.Device;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Runs that are interrupted: by kill -9, by Ctrl-C, by a full disk. */
@DisabledOnOs(OS.WINDOWS)
class KilledRunIT {
  private static final int KILLS = 20;
  private static final int STEPS = 100;

  /** Much shorter than a run: checkpoints are being written most of the time. */
  private static final double CHECKPOINT_MINUTES = 0.001;

  @TempDir private Path scratch;

  private TrainProcess start(Path run, Object... more) throws IOException {
    List<Object> words = new ArrayList<>();
    words.addAll(List.of("--out", run, "--steps", STEPS));
    words.addAll(List.of("--checkpoint-minutes", CHECKPOINT_MINUTES));
    if (new RunFolder(run).newest().isPresent()) {
      words.add("--resume");
    }
    words.addAll(List.of(more));
    return TrainProcess.start(scratch, "", words.toArray());
  }

  private static Checkpoint newest(Path run) throws IOException {
    return new RunFolder(run).newest().orElseThrow();
  }

  private static void assertSameBits(Path expected, Path actual) throws IOException {
    for (String file :
        List.of(
            "parameters.safetensors",
            "optimizer.safetensors",
            "ema/unet/diffusion_pytorch_model.safetensors")) {
      assertArrayEquals(
          Files.readAllBytes(expected.resolve(file)),
          Files.readAllBytes(actual.resolve(file)),
          file);
    }
  }

  @Test
  void killedTwentyTimesARunIsToTheBitWhatItWouldHaveBeen() throws Exception {
    Path whole = scratch.resolve("whole");
    long longest;
    try (TrainProcess process = start(whole)) {
      long begun = System.nanoTime();
      assertEquals(0, process.await(), process::complaintOrNone);
      longest = System.nanoTime() - begun;
    }
    // Any moment: from before the first line of main to writing the last checkpoint.
    Random random = new Random(20);
    int run = 0;
    int finished = 0;
    int kills = 0;
    while (kills < KILLS || finished == 0) {
      Path folder = scratch.resolve("run" + run);
      try (TrainProcess process = start(folder)) {
        boolean ended = false;
        if (kills < KILLS) {
          ended =
              process
                  .process()
                  .waitFor((long) (longest * random.nextDouble()), TimeUnit.NANOSECONDS);
          if (!ended) {
            process.process().destroyForcibly().waitFor();
            kills++;
            assertLoads(folder);
          }
        } else {
          ended = true;
        }
        if (ended) {
          assertEquals(0, process.await(), process::complaintOrNone);
          assertSameBits(newest(whole).folder(), newest(folder).folder());
          finished++;
          run++;
        }
      }
    }
  }

  private static void assertLoads(Path run) throws IOException {
    Optional<Checkpoint> newest = new RunFolder(run).newest();
    if (newest.isPresent()) {
      try (Trainer trainer =
          new Trainer(
              ModelFolder.preset(newest.get().model()),
              Device.cpu(),
              newest.get().state().seed())) {
        newest.get().restore(trainer);
        assertEquals(newest.get().state().step(), trainer.steps());
      }
    }
  }

  /**
   * What is told to stop.
   *
   * @param status that the shell sees
   */
  enum Signal {
    INT(2, TrainCommand.INTERRUPTED),
    TERM(15, 143);

    private final int number;
    private final int status;

    Signal(int number, int status) {
      this.number = number;
      this.status = status;
    }

    /** Whether this process was started so that it, and all that it starts, ignores the signal. */
    boolean isIgnored() throws IOException {
      Path self = Path.of("/proc/self/status");
      if (!Files.exists(self)) {
        return false;
      }
      String mask =
          Files.readAllLines(self).stream()
              .filter(line -> line.startsWith("SigIgn:"))
              .findFirst()
              .orElseThrow();
      return (Long.parseUnsignedLong(mask.substring(8).strip(), 16) >> (number - 1) & 1) == 1;
    }
  }

  @ParameterizedTest
  @EnumSource
  void ctrlCFinishesTheStepAndWritesACheckpoint(Signal signal) throws Exception {
    Assumptions.assumeFalse(signal.isIgnored(), "a program in the background ignores Ctrl-C");
    Path run = scratch.resolve("run");
    try (TrainProcess process = TrainProcess.start(scratch, "", "--out", run, "--steps", 100_000)) {
      Path metrics = run.resolve("metrics.jsonl");
      for (int i = 0; i < 1200 && (!Files.exists(metrics) || Files.size(metrics) == 0); i++) {
        Thread.sleep(100);
      }
      String pid = Long.toString(process.process().pid());
      new ProcessBuilder("kill", "-" + signal, pid).start().waitFor();
      assertEquals(signal.status, process.await(), process::complaintOrNone);
      String last = process.printed().lines().reduce((a, b) -> b).orElseThrow();
      assertTrue(last.contains("nacre train --resume --out " + run), last);
      assertEquals("", process.complaint());
    }
    assertTrue(newest(run).state().step() >= RunLog.EVERY);
    assertEquals(100_000, newest(run).state().totalSteps());
    assertLoads(run);
  }

  @Test
  void onAFullDiskTheLastGoodCheckpointIsKept() throws Exception {
    Path run = scratch.resolve("run");
    try (TrainProcess process = TrainProcess.start(scratch, "", "--out", run, "--steps", 30)) {
      assertEquals(0, process.await(), process::complaintOrNone);
    }
    Path good = newest(run).folder();
    byte[] before = Files.readAllBytes(good.resolve("parameters.safetensors"));
    // No file may grow beyond 256 KiB: too little for parameters, enough for logs.
    try (TrainProcess process =
        TrainProcess.start(
            scratch,
            "ulimit -f 512; ",
            "--out",
            run,
            "--resume",
            "--steps",
            45,
            "--checkpoint-minutes",
            0.001)) {
      assertEquals(1, process.await());
      assertEquals(1, process.complaint().lines().count(), process.complaint());
      assertTrue(process.complaint().contains("cannot write"), process.complaint());
      assertTrue(process.printed().contains("training goes on"), process.printed());
    }
    assertEquals(good, newest(run).folder());
    assertArrayEquals(before, Files.readAllBytes(good.resolve("parameters.safetensors")));
    assertLoads(run);
    try (var left = Files.list(run.resolve("checkpoints"))) {
      assertFalse(left.anyMatch(file -> file.getFileName().toString().endsWith(".partial")));
    }
  }
}
