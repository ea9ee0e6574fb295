package nacre.tensor.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Setting;
import nacre.tensor.Settings;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.TestDevices;
import nacre.tensor.cuda.driver.CudaAllocator;
import nacre.tensor.cuda.driver.CudaDevice;
import nacre.tensor.cuda.driver.IndexFaults;
import nacre.tensor.cuda.driver.Kernels;
import nacre.tensor.cuda.driver.LibraryPolicy;
import nacre.tensor.cuda.driver.PlanCache;
import nacre.tensor.cuda.driver.Tickets;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Products by the algorithm that was fastest, where {@code nacre.tune} asks for it. */
@Tag("cuda")
class TuningTest {
  private static final Pattern CHOICE =
      Pattern.compile("tuned: .*the fastest of (\\d+) algorithms is number (\\d+), .*");

  private static final int K = 40;
  private static final int N = 16;

  @TempDir Path folder;

  private final List<String> choices = new ArrayList<>();
  private Device gpu;
  private CudaDevice device;

  @BeforeEach
  void aGpuIsThere() {
    gpu = TestDevices.gpu().orElse(null);
    assumeTrue(gpu != null, "no GPU, and no simulated one");
    device = CudaDevice.open(0);
  }

  @Test
  void eachProductIsTimedOnceAndComputedRightly() {
    float[] right = product(Device.reference(), 24);
    CublasLtLibrary library = library();
    assertArrayEquals(right, product(library, 24));
    assertArrayEquals(right, product(library, 24));
    assertEquals(1, choices.size(), choices.toString());
    assertTrue(CHOICE.matcher(choices.getFirst()).matches(), choices.getFirst());
  }

  @Test
  void theSettingAsksForIt() {
    Device tuned = Device.of("cuda", Settings.ofProcess().with(Setting.TUNE, "on"));
    assertArrayEquals(product(Device.reference(), 24), product(tuned, 24));
    List<String> lines = tuned.backend().explain();
    assertTrue(lines.stream().anyMatch(line -> line.startsWith("tuned: ")), lines.toString());
  }

  /** Timed by one process, the choice is that of all, whatever they would find. */
  @Test
  void theFastestIsKeptForThatShapeAlone() {
    try (SimulatorSetting _ = SimulatorSetting.of("NACRE_SIM_CUBLAS_COST", "0:40,1:5,2:20")) {
      product(library(), 24);
    }
    assertTrue(choices.getFirst().contains("3 algorithms is number 2, "), choices.toString());
    try (SimulatorSetting _ = SimulatorSetting.of("NACRE_SIM_CUBLAS_COST", "0:40,1:40,2:5")) {
      CublasLtLibrary another = library();
      assertArrayEquals(product(Device.reference(), 24), product(another, 24));
      product(another, 32);
    }
    assertEquals(3, choices.size(), choices.toString());
    assertTrue(
        choices.get(1).endsWith("algorithm number 2, as it was found before"), choices.toString());
    assertTrue(choices.get(2).contains("3 algorithms is number 3, "), choices.toString());
  }

  @Test
  void aDamagedVerdictIsFoundAnew() throws IOException {
    product(library(), 24);
    try (Stream<Path> kept = Files.list(folder.resolve("plans"))) {
      for (Path file : kept.toList()) {
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length - 1] ^= 1;
        Files.write(file, bytes);
      }
    }
    product(library(), 24);
    assertTrue(CHOICE.matcher(choices.getLast()).matches(), choices.toString());
    product(library(), 24);
    assertTrue(choices.getLast().endsWith("as it was found before"), choices.toString());
  }

  /** As a library of another process. */
  private CublasLtLibrary library() {
    CudaAllocator allocator = new CudaAllocator(device);
    return new CublasLtLibrary(
        new Gpu(
            device,
            allocator,
            new Kernels(device, folder),
            new IndexFaults(device),
            new Tickets(device, allocator)),
        new LibraryPolicy(
            false,
            true,
            PlanCache.of(device, folder.resolve("plans")),
            (what, how) -> {},
            (what, how) -> choices.add("tuned: " + what + ": " + how),
            (what, why) -> fail(what + ": " + why)));
  }

  private float[] product(CublasLtLibrary library, int m) {
    try (Scope _ = Scope.open()) {
      Tensor a = Tensor.of(gpu, Shape.of(m, K), numbers(m * K, 7));
      Tensor b = Tensor.of(gpu, Shape.of(K, N), numbers(K * N, 5));
      Tensor y = Tensor.full(gpu, a.dtype(), Shape.of(m, N), 7);
      for (Tensor one : new Tensor[] {a, b, y}) {
        one.toFloats(); // the library's stream is another: it must be there
      }
      assertTrue(
          library.matmul(
              Product.of(a, false, b, false, y),
              y.dtype(),
              CublasLtLibrary.Epilogue.NONE,
              new CublasLtLibrary.Operands(a.address(), b.address(), 0, 0, y.address())));
      device.synchronize();
      return y.toFloats();
    }
  }

  /** Of small whole numbers, so that the order of a sum does not show. */
  private static float[] product(Device device, int m) {
    try (Scope _ = Scope.open()) {
      Tensor a = Tensor.of(device, Shape.of(m, K), numbers(m * K, 7));
      Tensor b = Tensor.of(device, Shape.of(K, N), numbers(K * N, 5));
      Tensor y = Tensor.empty(device, a.dtype(), Shape.of(m, N));
      device.backend().matmul(a, false, b, false, null, null, y);
      return y.toFloats();
    }
  }

  private static float[] numbers(int count, int cycle) {
    float[] numbers = new float[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = i % cycle - cycle / 2;
    }
    return numbers;
  }
}
