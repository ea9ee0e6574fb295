package nacre.tensor.cuda.cudnn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.TestDevices;
import nacre.tensor.cuda.SimulatorSetting;
import nacre.tensor.cuda.driver.CudaAllocator;
import nacre.tensor.cuda.driver.CudaDevice;
import nacre.tensor.cuda.driver.CudaException;
import nacre.tensor.cuda.driver.LibraryPolicy;
import nacre.tensor.spi.Window;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which of cuDNN's engines are taken, and what happens where one of them fails. */
@Tag("cuda")
class EnginesTest {
  private static final int GPUS = DescribedGpu.values().length;

  /** Needs 12 bits of fraction; TF32 keeps 10. */
  private static final float FINE = 1 + 0x1p-12f;

  private final List<String> refused = new ArrayList<>();
  private Device gpu;
  private CudaDevice device;

  @BeforeEach
  void open() {
    gpu = TestDevices.gpu().orElse(null);
    assumeTrue(gpu != null, "no GPU, and no simulated one");
  }

  @Test
  void f32IsExact() {
    assertArrayEquals(new float[] {FINE, FINE, FINE}, all(false));
    assertEquals(List.of(), refused);
  }

  @Test
  void f32IsRoundedWhereThatIsAskedFor() {
    assumeTrue(CudaDevice.isSimulated(), "which engine a GPU takes for TF32 is cuDNN's affair");
    assertArrayEquals(new float[] {1, 1, 1}, all(true));
  }

  @Test
  void anEngineWhosePlanFailsIsPassedOver() {
    try (SimulatorSetting _ = SimulatorSetting.of("NACRE_SIM_CUDNN_FAIL_FINALIZE", "1")) {
      assertArrayEquals(new float[] {FINE, FINE, FINE}, all(false));
    }
    assertEquals(List.of(), refused);
  }

  @Test
  void anEngineThatDoesNotRunIsPassedOver() {
    try (SimulatorSetting _ = SimulatorSetting.of("NACRE_SIM_CUDNN_FAIL_EXECUTE", "1")) {
      assertArrayEquals(new float[] {FINE, FINE, FINE}, all(false));
    }
    assertEquals(3, refused.size(), refused.toString());
    assertTrue(refused.getFirst().contains("engine 44 does not run"), refused.toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"NACRE_SIM_CUDNN_FAIL_FINALIZE", "NACRE_SIM_CUDNN_FAIL_EXECUTE"})
  void whereAllFailItSaysSo(String setting) {
    try (SimulatorSetting _ = SimulatorSetting.of(setting, "9");
        Scope _ = Scope.open()) {
      Tensor x = image(FINE);
      assertFalse(library(false).convolution(x, x, null, null, null, Window.of(1, 0), x));
    }
    assertTrue(refused.getLast().contains("engine 0"), refused.toString());
  }

  @ParameterizedTest
  @ValueSource(ints = {1001, 4003, 4004, 5001, 5003})
  void whatIsNoEnginesFaultIsAnError(int status) {
    library(false);
    assertThrows(CudaException.class, () -> CudnnException.next(status, "a call"));
  }

  @ParameterizedTest
  @ValueSource(ints = {2000, 3000, 3008, 4000, 4001, 4002, 4005, 5000, 5002})
  void anotherEngineMayDoWhatOneDoesNot(int status) {
    library(false);
    assertThrows(CudnnException.class, () -> CudnnException.next(status, "a call"));
  }

  /** What cuDNN answered for each GPU: its engines for f32 round where they use tensor cores. */
  @Test
  void thePlansThatAreListedRoundNoF32() throws IOException {
    List<String> exact = listed(", f32: engine");
    assertTrue(exact.size() >= 16 * GPUS, "" + exact.size());
    for (String line : exact) {
      assertFalse(line.matches(".*notes \\[(.*, )?0[,\\]].*"), line);
    }
  }

  /** In this order of operations there is a precompiled engine for every shape. */
  @Test
  void aResidualCostsNoCompilation() throws IOException {
    List<String> residual = listed("conv2d, bias, residual, ");
    assertTrue(residual.size() >= 12 * GPUS, "" + residual.size());
    for (String line : residual) {
      assertFalse(line.contains("compiled") || line.contains("none"), line);
    }
  }

  /** As one operation, and as those it is made of; older versions may know the latter only. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "attention, ",
        "attention, state, ",
        "attention, composed, ",
        "attention, composed, state, "
      })
  void bothFormsOfAttentionAreServedOnEveryGpu(String form) throws IOException {
    for (String dtype : List.of("bf16: ", "f16: ")) {
      List<String> lines = listed(form + dtype).stream().filter(l -> l.startsWith(form)).toList();
      assertTrue(lines.size() >= GPUS, lines.toString());
      for (String line : lines) {
        assertFalse(line.contains(": none"), line);
      }
    }
  }

  private static List<String> listed(String part) throws IOException {
    try (InputStream in = EnginesTest.class.getResourceAsStream("plans.txt")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> line.contains(part))
          .toList();
    }
  }

  /** An element of each direction of a convolution of FINE by one. */
  private float[] all(boolean tf32) {
    CudnnLibrary library = library(tf32);
    Window window = Window.of(1, 0);
    try (Scope _ = Scope.open()) {
      Tensor fine = image(FINE);
      Tensor one = image(1);
      Tensor y = image(7);
      Tensor dx = image(7);
      Tensor dw = image(7);
      fine.toFloats(); // the library's stream is another: what was asked for must be there
      dw.toFloats();
      assertTrue(library.convolution(fine, one, null, null, null, window, y), refused.toString());
      assertTrue(library.convolutionInputGradient(fine, one, window, dx), refused.toString());
      assertTrue(library.convolutionWeightGradient(fine, one, window, dw), refused.toString());
      device.synchronize();
      return new float[] {y.toFloats()[0], dx.toFloats()[0], dw.toFloats()[0]};
    }
  }

  private CudnnLibrary library(boolean tf32) {
    device = CudaDevice.open(0);
    LibraryPolicy policy = LibraryPolicy.plain((what, why) -> refused.add(what + ": " + why));
    return new CudnnLibrary(device, new CudaAllocator(device), policy.withTf32(tf32));
  }

  /** One pixel of four channels, of which the first is a number and the others are zero. */
  private Tensor image(float first) {
    float[] all = new float[16];
    all[0] = first;
    return Tensor.of(gpu, Shape.of(4, 1, 1, 4), all);
  }
}
