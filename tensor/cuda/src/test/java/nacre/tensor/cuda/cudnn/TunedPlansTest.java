package nacre.tensor.cuda.cudnn;

import static nacre.tensor.ops.Ops.cast;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.TestDevices;
import nacre.tensor.cuda.SimulatorLog;
import nacre.tensor.cuda.SimulatorSetting;
import nacre.tensor.cuda.driver.CudaAllocator;
import nacre.tensor.cuda.driver.CudaDevice;
import nacre.tensor.cuda.driver.LibraryPolicy;
import nacre.tensor.cuda.driver.PlanCache;
import nacre.tensor.spi.Window;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** cuDNN's candidates, of which the simulated device has some that take longer. */
@Tag("cuda")
class TunedPlansTest {
  private static final String COST = "NACRE_SIM_CUDNN_COST";

  @TempDir Path folder;

  private final List<String> tuned = new ArrayList<>();
  private final List<String> refused = new ArrayList<>();
  private Device gpu;
  private CudaDevice device;

  @BeforeEach
  void open() {
    gpu = TestDevices.gpu().orElse(null);
    assumeTrue(gpu != null, "no GPU, and no simulated one");
    device = CudaDevice.open(0);
  }

  @Test
  void theFastestIsTakenAndKept() {
    try (SimulatorSetting _ = SimulatorSetting.of(COST, "51:40,4:10")) {
      convolve(library(true), DType.BF16);
    }
    assertTrue(
        tuned.getFirst().contains("the fastest of 2 plans is number 2, engine 4, "),
        tuned.toString());
    SimulatorLog log = new SimulatorLog(folder.resolve("log"));
    try (SimulatorSetting _ = SimulatorSetting.of(COST, "51:10,4:40");
        SimulatorSetting _ = SimulatorSetting.of(SimulatorLog.SETTING, log.file().toString())) {
      convolve(library(true), DType.BF16);
    }
    assertTrue(log.lines().contains("cuDNN reads a plan, engine 4"), "not timed again");
    assertTrue(tuned.getLast().contains("engine 4, "), tuned.toString());
    assertTrue(tuned.getLast().endsWith("as it was found before"), tuned.toString());
  }

  @Test
  void theFirstIsTakenWhereItIsTheFastest() {
    try (SimulatorSetting _ = SimulatorSetting.of(COST, "51:10,4:40")) {
      convolve(library(true), DType.BF16);
    }
    assertTrue(tuned.getFirst().contains("of 2 plans is number 1, engine 51, "), tuned.toString());
  }

  /** What is timed is kept beside what is not, and neither is taken for the other. */
  @Test
  void whoDoesNotAskForItGetsTheFirst() {
    try (SimulatorSetting _ = SimulatorSetting.of(COST, "51:40,4:10")) {
      convolve(library(true), DType.BF16);
      SimulatorLog log = new SimulatorLog(folder.resolve("log"));
      try (SimulatorSetting _ = SimulatorSetting.of(SimulatorLog.SETTING, log.file().toString())) {
        convolve(library(false), DType.BF16);
      }
      assertTrue(log.lines().contains("cuDNN makes a plan, engine 51"));
    }
    assertEquals(1, tuned.size(), tuned.toString());
  }

  /** However fast, what rounds f32 operands is no candidate. */
  @Test
  void noneIsTimedThatIsLessExact() {
    try (SimulatorSetting _ = SimulatorSetting.of(COST, "44:30,0:10")) {
      convolve(library(true), DType.F32);
    }
    assertTrue(tuned.getFirst().contains("of 2 plans is number 2, engine 0, "), tuned.toString());
  }

  @Test
  void aCandidateThatFailsIsPassedOver() {
    try (SimulatorSetting _ = SimulatorSetting.of("NACRE_SIM_CUDNN_FAIL_EXECUTE", "1");
        SimulatorSetting _ = SimulatorSetting.of(COST, "44:5,0:10")) {
      convolve(library(true), DType.F32);
    }
    assertTrue(tuned.getFirst().contains("number 2, engine 0, "), tuned.toString());
    assertEquals(List.of(), refused);
  }

  @Test
  void whereAllFailItSaysSo() {
    try (SimulatorSetting _ = SimulatorSetting.of("NACRE_SIM_CUDNN_FAIL_EXECUTE", "9");
        Scope _ = Scope.open()) {
      Tensor x = image(DType.F32, 3);
      Tensor w = image(DType.F32, 3);
      Tensor y = image(DType.F32, 0);
      assertFalse(library(true).convolution(x, w, null, null, null, Window.of(1, 0), y));
    }
    assertTrue(refused.getFirst().contains("does not run"), refused.toString());
  }

  /** It cannot be run several times over what it reads. */
  @Test
  void whatIsAddedToInPlaceIsNotTimed() {
    try (SimulatorSetting _ = SimulatorSetting.of(COST, "51:40,4:10");
        Scope _ = Scope.open()) {
      Tensor x = image(DType.BF16, 3);
      Tensor w = image(DType.BF16, 3);
      Tensor y = image(DType.BF16, 2);
      there(x, w, y);
      assertTrue(library(true).convolution(x, w, null, y, null, Window.of(1, 0), y));
      device.synchronize();
      assertEquals(11, y.toFloats()[0]);
    }
    assertEquals(List.of(), tuned);
  }

  private void convolve(CudnnLibrary library, DType dtype) {
    try (Scope _ = Scope.open()) {
      Tensor x = image(dtype, 3);
      Tensor w = image(dtype, 3);
      Tensor y = image(dtype, 0);
      there(x, w, y);
      for (int i = 0; i < 2; i++) {
        assertTrue(library.convolution(x, w, null, null, null, Window.of(1, 0), y));
      }
      device.synchronize();
      assertEquals(9, y.toFloats()[0]);
    }
  }

  /** The library's stream is another. */
  private static void there(Tensor... all) {
    for (Tensor one : all) {
      one.toFloats();
    }
  }

  private CudnnLibrary library(boolean tune) {
    LibraryPolicy policy =
        new LibraryPolicy(
            false,
            tune,
            PlanCache.of(device, folder.resolve("plans")),
            (what, how) -> {},
            (what, how) -> tuned.add(what + ": " + how),
            (what, why) -> refused.add(what + ": " + why));
    return new CudnnLibrary(device, new CudaAllocator(device), policy);
  }

  /** Pixels of eight channels, of which the first number is given and the others are zero. */
  private Tensor image(DType dtype, float first) {
    float[] all = new float[64];
    all[0] = first;
    return cast(Tensor.of(gpu, Shape.of(8, 1, 1, 8), all), dtype);
  }
}
