package nacre.tensor.cuda.dnn;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import nacre.bindings.CudaLibraries;
import nacre.bindings.CudaLibrary;
import nacre.bindings.NativeLibrary;
import nacre.tensor.DType;
import nacre.tensor.Shape;
import nacre.tensor.backend.Window;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Our convolutions become plans for an H100 that is only described, wherever cuDNN itself is on the
 * machine. Engines that are compiled for a graph (fused convolutions, attention) want the driver
 * besides, and are left to machines that have one.
 */
class PlansTest {
  /** The properties of an H100, under the names that cuDNN gives them. */
  private static final String H100 =
      """
      {"cudaDeviceId": 0, "deviceVer": 900, "driverVer": 13000,
       "maxGridSize": [2147483647, 65535, 65535], "maxBlockSize": [1024, 1024, 64],
       "regsPerBlock": 65536, "multiProcessorCount": 132, "warpSize": 32,
       "maxSharedMemoryPerBlock": 49152, "maxSharedMemoryPerBlockOptin": 232448,
       "reservedSharedMemoryPerBlock": 1024, "maxRegistersPerSM": 65536, "maxCtasPerSM": 32,
       "maxThreadsPerBlock": 1024, "maxThreadsPerSM": 2048, "pciDeviceId": 0, "isTccDriver": 0,
       "supportCoopLaunch": 1, "smClockRateKHz": 1980000, "memClockRateKHz": 2619000,
       "l2CacheSize": 52428800, "deviceName": "NVIDIA H100 80GB HBM3",
       "totalGlobalMem": 85029158912}
      """;

  private static final Graph.Freedom EXACT = new Graph.Freedom(false);

  private record Size(int n, int side, int in, int out, int kernel, int stride) {}

  /** Of Stable Diffusion's UNet and VAE, and one whose sizes are multiples of nothing. */
  private static final List<Size> SIZES =
      List.of(
          new Size(2, 64, 4, 320, 3, 1),
          new Size(2, 64, 320, 320, 3, 1),
          new Size(2, 64, 320, 320, 3, 2),
          new Size(2, 32, 960, 640, 1, 1),
          new Size(2, 8, 1280, 1280, 3, 1),
          new Size(2, 64, 320, 4, 3, 1),
          new Size(1, 33, 3, 5, 3, 1));

  @TestFactory
  Stream<DynamicTest> everyConvolutionHasAPlan() {
    List<GraphShape> shapes = new ArrayList<>();
    for (DType dtype : List.of(DType.BF16, DType.F16)) {
      for (Size s : SIZES) {
        Window window = Window.of(s.stride, s.kernel / 2);
        Shape x = Shape.of(s.n, s.side, s.side, s.in);
        Shape w = Shape.of(s.out, s.kernel, s.kernel, s.in);
        int side = window.outHeight(s.side, s.kernel);
        Shape y = Shape.of(s.n, side, side, s.out);
        shapes.add(new GraphShape.Convolution(dtype, x, w, y, window, false, false, null));
        for (Graph.Direction direction :
            List.of(Graph.Direction.INPUT_GRADIENT, Graph.Direction.WEIGHT_GRADIENT)) {
          shapes.add(new GraphShape.ConvolutionGradient(direction, dtype, x, w, y, window));
        }
      }
    }
    return shapes.stream().map(s -> DynamicTest.dynamicTest(s.toString(), () -> hasPlan(s)));
  }

  private static void hasPlan(GraphShape shape) throws DnnException {
    for (CudaLibrary needed : List.of(CudaLibrary.NVRTC, CudaLibrary.CUBLASLT, CudaLibrary.CUDNN)) {
      NativeLibrary found = CudaLibraries.find(needed);
      assumeTrue(found.isLoaded(), () -> ((NativeLibrary.Unavailable) found).reason());
    }
    assumeTrue(CudaLibraries.simulator().isEmpty(), "the simulated card is no cuDNN");
    Plan plan = shape.plan(Target.Described.of(H100), EXACT);
    assertTrue(plan.workspace() >= 0);
    plan.descriptor().close();
  }
}
