package nacre.lab.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The batch file for Slurm and the launcher for Kubernetes, with stand-ins for what they call. */
@EnabledOnOs(OS.LINUX)
class DeployTest {
  private static final Path DEPLOY = Path.of("../../deploy").toAbsolutePath().normalize();

  @TempDir private Path scratch;

  private record End(int status, String out, String calls) {}

  @BeforeEach
  void makeStandIns() throws IOException {
    standIn("ssh", "[ \"$5\" != lost.example ]");
    standIn("mpirun", "echo \"mpirun $*\" >>calls");
    standIn("srun", "echo \"srun $*\" >>calls; exit ${SRUN_STATUS:-0}");
    standIn("scontrol", "echo \"scontrol $*\" >>calls");
    standIn("nacre", "true");
  }

  private void standIn(String name, String body) throws IOException {
    Path file = Files.createDirectories(scratch.resolve("bin")).resolve(name);
    Files.writeString(file, "#!/bin/sh\n" + body + "\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private End run(Map<String, String> environment, String script, String... words)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("bash", DEPLOY.resolve(script).toString()));
    command.addAll(List.of(words));
    ProcessBuilder builder =
        new ProcessBuilder(command).directory(scratch.toFile()).redirectErrorStream(true);
    builder.environment().put("PATH", scratch.resolve("bin") + ":" + System.getenv("PATH"));
    builder.environment().put("NACRE", "nacre");
    builder.environment().putAll(environment);
    Path calls = scratch.resolve("calls");
    Files.deleteIfExists(calls);
    Process process = builder.start();
    String out = new String(process.getInputStream().readAllBytes());
    return new End(process.waitFor(), out, Files.exists(calls) ? Files.readString(calls) : "");
  }

  private void checkpoint(int step) throws IOException {
    Files.createDirectories(scratch.resolve("runs/x/checkpoints/step-00000000" + step));
  }

  @Test
  void slurmBeginsARunAndGoesOnWithIt() throws Exception {
    Map<String, String> job = Map.of("SLURM_JOB_ID", "7");
    String start = "srun --mpi=pmix --kill-on-bad-exit=1 nacre train --out runs/x ";
    End first = run(job, "slurm/train.sbatch", "runs/x", "--preset", "tiny");
    assertEquals(new End(0, "", start + "--preset tiny\n"), first);
    checkpoint(1);
    End second = run(job, "slurm/train.sbatch", "runs/x", "--preset", "tiny");
    assertEquals(new End(0, "", start + "--resume --preset tiny\n"), second);
  }

  @Test
  void slurmIsToldToQueueAgainWhatLostARank() throws Exception {
    Map<String, String> lost = Map.of("SLURM_JOB_ID", "7", "SRUN_STATUS", "1");
    End end = run(lost, "slurm/train.sbatch", "runs/x");
    assertTrue(end.calls().endsWith("\nscontrol requeue 7\n"), end.toString());
    // Not if it got no further since the last time, nor for a mistake on the command line.
    Map<String, String> again =
        Map.of("SLURM_JOB_ID", "7", "SRUN_STATUS", "1", "SLURM_RESTART_COUNT", "1");
    End stuck = run(again, "slurm/train.sbatch", "runs/x");
    assertEquals(1, stuck.status());
    assertTrue(!stuck.calls().contains("scontrol"), stuck.toString());
    End mistake =
        run(Map.of("SLURM_JOB_ID", "7", "SRUN_STATUS", "2"), "slurm/train.sbatch", "runs/x");
    assertEquals(2, mistake.status());
    assertTrue(!mistake.calls().contains("scontrol"), mistake.toString());
  }

  @Test
  void kubernetesTakesTheWorkersThatAnswer() throws Exception {
    Path all = Files.writeString(scratch.resolve("all"), "echo a.example\necho b.example\n");
    Path some = Files.writeString(scratch.resolve("some"), "echo a.example\necho lost.example\n");
    Map<String, String> two =
        Map.of("DISCOVER_HOSTS", all.toString(), "WORKERS", "2", "SLOTS", "8");
    End first = run(two, "kubernetes/launch", "runs/x", "--preset", "tiny");
    assertEquals(0, first.status(), first.toString());
    assertTrue(first.calls().contains(" --host a.example:8,b.example:8 -n 16 "), first.calls());
    assertTrue(first.calls().endsWith(" nacre train --out runs/x --preset tiny\n"), first.calls());

    checkpoint(2);
    Map<String, String> one =
        Map.of("DISCOVER_HOSTS", some.toString(), "WORKERS", "2", "SLOTS", "8", "PATIENCE", "0");
    End second = run(one, "kubernetes/launch", "runs/x");
    assertTrue(second.calls().contains(" --host a.example:8 -n 8 "), second.toString());
    assertTrue(second.calls().endsWith(" nacre train --out runs/x --resume\n"), second.calls());

    Map<String, String> few =
        Map.of(
            "DISCOVER_HOSTS",
            some.toString(),
            "WORKERS",
            "2",
            "PATIENCE",
            "0",
            "LEAST_WORKERS",
            "2");
    End third = run(few, "kubernetes/launch", "runs/x");
    assertEquals(new End(1, "launch: 1 of 2 workers answer\n", ""), third);
  }
}
