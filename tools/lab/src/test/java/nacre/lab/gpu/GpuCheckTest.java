package nacre.lab.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import nacre.cli.options.UserException;
import nacre.cli.output.MetricsLog;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The check's evaluation of the output of its programs. */
class GpuCheckTest {
  private static final List<String> DOCTOR =
      """
      CUDA libraries
        found    NVIDIA driver  13.0, libcuda.so.1
        found    NVRTC          13.0, /venv/nvidia/cu13/lib/libnvrtc.so.13
        found    cuBLASLt       13.1.0, /venv/nvidia/cu13/lib/libcublasLt.so.13
        found    cuDNN          9.24.0, /venv/nvidia/cudnn/lib/libcudnn.so.9
      Devices
        cpu: cpu: oneDNN 3.13.0, 2 threads
          linear layer [33, 130] to [33, 66]: relative error 2.0e-07 beside plain Java, passed
      %s
          linear layer [33, 130] to [33, 66]: relative error 2.2e-07 beside plain Java, passed
      """
          .lines()
          .toList();

  @TempDir private Path folder;

  private static GpuInfo gpu(String device) {
    List<String> lines = new ArrayList<>(DOCTOR);
    lines.replaceAll(line -> line.equals("%s") ? device : line);
    return GpuInfo.of(lines);
  }

  private static final GpuInfo REAL =
      gpu(
          "  cuda: NVIDIA H100 80GB HBM3 (compute 9.0, 132 multiprocessors, 79.2 GiB),"
              + " CUDA 13.0, NVRTC 13.0, cuBLASLt 13.1.0, cuDNN 9.24.0");
  private static final GpuInfo SIMULATED =
      gpu(
          "  cuda (simulated): simulated on the CPU, for tests only: Nacre"
              + " simulated device (compute 9.0, 4 multiprocessors, 8.0 GiB), CUDA 13.0");

  @Test
  void theCardIsTheOneThatTheDoctorNames() {
    assertEquals("NVIDIA H100 80GB HBM3", REAL.name());
    assertEquals("nvidia-h100-80gb-hbm3", REAL.slug());
    assertFalse(REAL.simulated());
    assertEquals("9.24.0", REAL.libraries().get("cuDNN"));
    assertEquals("13.0", REAL.libraries().get("CUDA of the driver"));
    assertNull(gpu("  so --device cuda cannot be used here; all else can"));
  }

  /** Not the last line, which may be the CPU's. */
  @Test
  void whatTheDoctorFoundIsTheCardsResult() {
    List<String> lines = new ArrayList<>(DOCTOR);
    lines.set(8, "  cuda: NVIDIA H100 (compute 9.0, 132 multiprocessors, 79.2 GiB), CUDA 13.0");
    lines.add("  cpu: cpu: plain Java, 2 threads");
    lines.add("    linear layer [33, 130] to [33, 66]: relative error 0.0e+00, passed");
    assertEquals(
        "linear layer [33, 130] to [33, 66]: relative error 2.2e-07 beside plain Java, passed",
        GpuInfo.finding(lines));
  }

  @Test
  void callsThatFailOnPurposeAreNoFaultsOfMemory() {
    assertTrue(
        Sanitizer.command(Path.of("tool"), "memcheck").contains("--report-api-errors=no"),
        "Kernel counts its parameters until the driver has no more");
    assertEquals(
        List.of("tool", "--tool=racecheck", "--error-exitcode=86"),
        Sanitizer.command(Path.of("tool"), "racecheck"));
    assertEquals("3", Sanitizer.errors("========= ERROR SUMMARY: 3 errors").orElseThrow());
    assertEquals(
        "2",
        Sanitizer.errors("========= RACECHECK SUMMARY: 2 hazards displayed (1 error, 1 warning)")
            .orElseThrow());
    assertEquals(Optional.empty(), Sanitizer.errors("========= COMPUTE-SANITIZER"));
  }

  @Test
  void theSimulatedDeviceCannotBeTakenForACard() throws Exception {
    assertTrue(SIMULATED.simulated());
    assertEquals("simulated", SIMULATED.slug());
    assertEquals("Nacre simulated device", SIMULATED.name());
    String table = table(SIMULATED, false);
    List<String> lines = table.lines().toList();
    for (int i = 1; i < lines.size(); i++) {
      if (lines.get(i).startsWith("| ---")) {
        assertTrue(lines.get(i - 1).startsWith("| SIMULATED"), lines.get(i - 1));
      }
    }
    assertTrue(table.startsWith("# SIMULATED, not a GPU"), table);
    assertFalse(table(REAL, false).contains("SIMULATED"));
    assertTrue(table(REAL, true).startsWith("# SMALL"));
  }

  private String table(GpuInfo gpu, boolean small) throws Exception {
    Path place = Files.createTempDirectory(folder, "results");
    Report report = Report.begin(place, gpu, circumstances(small));
    Finding curves = LossCurves.compare(log(0.5, 0.25), log(0.5, 0.25));
    report.add(part("training"), curves, 1);
    return Files.readString(place.resolve("check.md"));
  }

  private static ObjectNode circumstances(boolean small) {
    return JsonNodeFactory.instance.objectNode().put("nacre", "1, commit a").put("small", small);
  }

  private static Part part(String name) {
    return new Part(name, "title", Duration.ofMinutes(1), bench -> null);
  }

  private static List<MetricsLog.Entry> log(double... losses) {
    List<MetricsLog.Entry> entries = new ArrayList<>();
    for (double loss : losses) {
      entries.add(new MetricsLog.Entry(10L * (entries.size() + 1), Map.of("loss", loss)));
    }
    return entries;
  }

  private static Status compared(List<MetricsLog.Entry> gpu, List<MetricsLog.Entry> cpu) {
    return LossCurves.compare(gpu, cpu).status();
  }

  @Test
  void lossesMayDifferByRoundingOnly() {
    assertEquals(Status.PASSED, compared(log(0.5, 0.2), log(0.500001, 0.20001)));
    assertEquals(Status.FAILED, compared(log(0.5, 0.2), log(0.5001, 0.2)));
    assertEquals(Status.FAILED, compared(log(0.5, 0.2), log(0.5, 0.201)));
    assertEquals(Status.FAILED, compared(log(0.5, 0.5), log(0.5, 0.5)), "nothing is learned");
    assertEquals(Status.FAILED, compared(log(0.5), log(0.5, 0.2)));
    assertEquals(Status.FAILED, compared(log(Double.NaN), log(0.5)));
    assertEquals(Status.FAILED, compared(log(), log()));
  }

  @Test
  void resumingLeavesOutWhatHasAResultAndRefusesOtherCards() throws Exception {
    Report report = Report.begin(folder, REAL, circumstances(false));
    report.add(part("done"), Finding.of(Status.FAILED, "broke"), 1);
    report.add(part("cut"), Finding.of(Status.NOT_RUN, "no time was left"), 0);
    Report again = Report.resume(folder, REAL, circumstances(false));
    assertEquals(Optional.of(Status.FAILED), again.status(part("done")));
    assertEquals(Optional.of(Status.NOT_RUN), again.status(part("cut")));
    assertFalse(Status.NOT_RUN.isFinal());
    assertEquals(Optional.empty(), again.status(part("other")));
    assertThrows(UserException.class, () -> Report.resume(folder, SIMULATED, circumstances(false)));
    assertThrows(UserException.class, () -> Report.resume(folder, REAL, circumstances(true)));
  }

  @Test
  void theFirstMinuteSaysWhoServesWhat() throws Exception {
    Finding finding =
        EnginesPart.finding(
            new Workbench.Ran(
                0,
                List.of(
                    "a warning of the driver's",
                    "conv2d, bias, [2, 64, 64, 320] to [2, 64, 64, 320]: engine 41, notes [0],"
                        + " workspace 131, planned in 0.01 s, first 0.3 ms, then 0.2 ms",
                    "attention, VAE: none, after 0.00 s: refused",
                    "2 of 20 shapes")));
    assertEquals(Status.PASSED, finding.status());
    assertEquals("1 shapes served, 1 left to our kernels, of 2 of 20 shapes", finding.sentence());
    Report report = Report.begin(folder, REAL, circumstances(false));
    report.add(part("engines"), finding, 1);
    String table = Files.readString(folder.resolve("check.md"));
    assertTrue(table.contains("| attention, VAE | none, after 0.00 s: refused |"), table);
    assertEquals(
        Status.FAILED, EnginesPart.finding(new Workbench.Ran(139, List.of())).status(), "a crash");
    assertEquals(Status.FAILED, EnginesPart.finding(new Workbench.Ran(0, List.of())).status());
  }

  @Test
  void theLogKeepsBeginningsAndEnds() {
    List<String> lines = List.of("a", "b", "c", "d", "e");
    assertEquals("a\n… 3 lines …\ne", Workbench.shortened(lines, 1));
    assertEquals("a\nb\nc\nd\ne", Workbench.shortened(lines, 3));
  }

  /** If only nine minutes are to be had, these are worth most. */
  @Test
  void whatTellsMostComesFirst() {
    List<String> names = Parts.all().stream().map(Part::name).toList();
    assertEquals(
        List.of(
            "engines",
            "operations",
            "verify-f32",
            "verify-bf16",
            "captured",
            "bench-unet-64-b2",
            "training",
            "memcheck",
            "racecheck"),
        names.subList(0, 9));
  }

  @Test
  void partsHaveNamesOfTheirOwn() {
    List<String> names = Parts.all().stream().map(Part::name).toList();
    assertEquals(names.size(), names.stream().distinct().count());
    assertTrue(Parts.all().stream().anyMatch(part -> part.isMeantBy("verify")));
  }
}
