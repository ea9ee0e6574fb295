package nacre.tensor.cuda.cudnn;

import static nacre.tensor.ops.Ops.cast;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
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
import nacre.tensor.spi.AttentionInputs;
import nacre.tensor.spi.Unary;
import nacre.tensor.spi.Window;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** cuDNN's plans on disk: another library finds them, and makes and compiles none. */
@Tag("cuda")
class KeptPlansTest {
  private static final Window WINDOW = Window.of(1, 0);
  private static final List<String> READ =
      List.of(
          "cuDNN reads a plan, engine 51",
          "cuDNN reads a plan, engine 4",
          "cuDNN reads a plan, engine 44",
          "cuDNN reads a plan, engine 4");

  private static final int LONG = 20; // seconds

  @TempDir Path folder;

  private final List<String> refused = new ArrayList<>();
  private Device gpu;
  private CudaDevice device;
  private SimulatorLog log;
  private SimulatorSetting logging;

  @BeforeEach
  void open() {
    gpu = TestDevices.gpu().orElse(null);
    assumeTrue(gpu != null, "no GPU, and no simulated one");
    device = CudaDevice.open(0);
    log = new SimulatorLog(folder.resolve("log"));
    logging = SimulatorSetting.of(SimulatorLog.SETTING, log.file().toString());
  }

  @AfterEach
  void stopLogging() {
    if (logging != null) {
      logging.close();
    }
  }

  @Test
  void whatOneMadeAnotherReads() {
    float[] made = all(library());
    List<String> first = asked();
    assertTrue(first.contains("cuDNN makes a plan, engine 4, compiled"), first.toString());
    assertEquals(4, first.stream().filter(l -> l.contains("heuristics are asked")).count());
    float[] read = all(library());
    assertEquals(READ, asked());
    assertArrayEquals(made, read);
    assertEquals(List.of(), refused);
  }

  @Test
  void nothingIsReadOrKeptWhereNothingIsToBe() {
    all(library(PlanCache.none()));
    asked();
    all(library(PlanCache.none()));
    assertFalse(asked().toString().contains("reads"));
  }

  @Test
  void damagedAndForeignFilesAreMadeAnewAndThenRead() throws IOException {
    float[] made = all(library());
    List<Path> files = files();
    assertEquals(4, files.size());
    byte[] foreign = Files.readAllBytes(files.getFirst());
    for (int i = 0; i < files.size(); i++) {
      byte[] whole = Files.readAllBytes(files.get(i));
      whole[whole.length / 2] ^= 1;
      Files.write(files.get(i), i % 2 == 0 ? whole : foreign);
    }
    asked();
    assertArrayEquals(made, all(library()));
    assertFalse(asked().toString().contains("reads"));
    assertArrayEquals(made, all(library()));
    assertEquals(READ, asked());
  }

  /** As if an update had kept the library's build: it says itself that it wrote another form. */
  @Test
  void plansThatCudnnDoesNotTakeAreMadeAnewAndThenRead() {
    float[] made = all(library());
    asked();
    try (SimulatorSetting _ = SimulatorSetting.of("NACRE_SIM_CUDNN_VERSION", "92500")) {
      assertArrayEquals(made, all(library()));
      assertFalse(asked().toString().contains("reads"));
      assertArrayEquals(made, all(library()));
      assertEquals(READ, asked());
    }
    assertEquals(List.of(), refused);
  }

  /** One that another process could run, or that was written by one in which it did. */
  @Test
  void aKeptPlanThatDoesNotRunIsReplacedByOneThatDoes() {
    float[] made = all(library());
    try (SimulatorSetting _ = SimulatorSetting.of("NACRE_SIM_CUDNN_FAIL_EXECUTE", "1")) {
      asked();
      try (Scope _ = Scope.open()) {
        Tensor x = image(DType.F32, 3);
        Tensor y = image(DType.F32, 0);
        y.toFloats();
        assertTrue(library().convolution(x, x, null, null, null, WINDOW, y));
        device.synchronize();
        assertEquals(9, y.toFloats()[0]);
        assertTrue(asked().contains("cuDNN makes a plan, engine 0"));
        assertTrue(library().convolution(x, x, null, null, null, WINDOW, y));
        device.synchronize();
        assertEquals(List.of("cuDNN reads a plan, engine 0"), asked());
      }
    }
    assertEquals(1, refused.size(), refused.toString());
    assertArrayEquals(made, all(library()));
  }

  /**
   * As fast as one that fails is dropped, another process writes it again, or it cannot be dropped:
   * it is read once, not for ever.
   */
  @Test
  void aKeptPlanThatDoesNotRunAndStaysIsReadOnce() throws Exception {
    all(library());
    Map<Path, Path> kept = new HashMap<>();
    for (Path file : files()) {
      kept.put(file, Files.createLink(folder.resolve(file.getFileName()), file));
    }
    AtomicBoolean over = new AtomicBoolean();
    Thread other = Thread.ofPlatform().start(() -> restore(kept, over));
    try (SimulatorSetting _ = SimulatorSetting.of("NACRE_SIM_CUDNN_FAIL_EXECUTE", "1");
        Scope _ = Scope.open()) {
      Tensor x = image(DType.F32, 3);
      Tensor y = image(DType.F32, 0);
      y.toFloats();
      asked();
      CudnnLibrary library = library();
      assertTimeout(
          Duration.ofSeconds(LONG / 2),
          () -> assertTrue(library.convolution(x, x, null, null, null, WINDOW, y)));
      device.synchronize();
      assertEquals(9, y.toFloats()[0]);
    } finally {
      over.set(true);
      other.join();
    }
    List<String> asked = asked();
    assertEquals(1, asked.stream().filter(READ::contains).count(), asked.toString());
  }

  /** Has whole files back as soon as they are gone, for so many seconds at most. */
  private static void restore(Map<Path, Path> files, AtomicBoolean over) {
    long end = System.nanoTime() + LONG * 1_000_000_000L;
    while (!over.get() && System.nanoTime() < end) {
      for (Map.Entry<Path, Path> file : files.entrySet()) {
        try {
          if (!Files.exists(file.getKey())) {
            Files.createLink(file.getKey(), file.getValue());
          }
        } catch (FileAlreadyExistsException e) {
          continue; // the library was faster, with a new one
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
    }
  }

  @Test
  void thatThereIsNoneIsKeptToo() {
    for (boolean again : new boolean[] {false, true}) {
      assertFalse(oddChannels(library()));
      assertEquals(again ? 0 : 2, asked().size(), "heuristics of two modes, once");
    }
    assertEquals(2, refused.size());
    assertEquals(refused.getFirst(), refused.getLast(), "the reason is kept with it");
  }

  @Test
  void whatFailedIsTriedAgain() {
    try (SimulatorSetting _ = SimulatorSetting.of("NACRE_SIM_CUDNN_FAIL_FINALIZE", "9");
        Scope _ = Scope.open()) {
      Tensor x = image(DType.F32, 1);
      assertFalse(library().convolution(x, x, null, null, null, WINDOW, x));
    }
    asked();
    all(library());
    assertTrue(asked().contains("cuDNN makes a plan, engine 44"));
  }

  // ---- what is asked

  /** A plan that is ready, one that is compiled, an exact one, and attention. */
  private float[] all(CudnnLibrary library) {
    float[] all = new float[4];
    try (Scope _ = Scope.open()) {
      Tensor x = image(DType.BF16, 3);
      Tensor fine = image(DType.F32, 3);
      Tensor bias =
          cast(Tensor.of(gpu, Shape.of(8), new float[] {5, 0, 0, 0, 0, 0, 0, 0}), DType.BF16);
      Tensor q = cast(Tensor.of(gpu, Shape.of(1, 1, 1, 16), new float[16]), DType.BF16);
      Tensor o = cast(Tensor.of(gpu, Shape.of(1, 1, 1, 16), new float[16]), DType.BF16);
      Tensor[] y = {image(DType.BF16, 0), image(DType.BF16, 0), image(DType.F32, 0), o};
      for (Tensor one : new Tensor[] {x, fine, bias, y[0], y[1], y[2], q, o}) {
        one.toFloats(); // the library's stream is another: it must be there
      }
      assertTrue(library.convolution(x, x, null, null, null, WINDOW, y[0]), refused.toString());
      assertTrue(
          library.convolution(x, x, bias, null, Unary.SILU, WINDOW, y[1]), refused.toString());
      assertTrue(library.convolution(fine, fine, null, null, null, WINDOW, y[2]));
      assertTrue(library.attention(new AttentionInputs(q, q, q, 1, false), o, null));
      device.synchronize();
      for (int i = 0; i < y.length; i++) {
        all[i] = y[i].toFloats()[0];
      }
    }
    assertArrayEquals(new float[] {9, 14, 9, 0}, all);
    return all;
  }

  /** 16-bit images of 3 channels, which the simulated cuDNN has no bias for. */
  private boolean oddChannels(CudnnLibrary library) {
    try (Scope _ = Scope.open()) {
      Tensor x = cast(Tensor.of(gpu, Shape.of(1, 1, 1, 3), new float[3]), DType.BF16);
      Tensor w = cast(Tensor.of(gpu, Shape.of(3, 1, 1, 3), new float[9]), DType.BF16);
      Tensor b = cast(Tensor.of(gpu, Shape.of(3), new float[3]), DType.BF16);
      return library.convolution(x, w, b, null, null, WINDOW, x);
    }
  }

  /** What was asked of cuDNN since the last question. */
  private List<String> asked() {
    return log.lines().stream().filter(line -> line.startsWith("cuDNN")).toList();
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve("plans"))) {
      return files.sorted().toList();
    }
  }

  private CudnnLibrary library() {
    return library(PlanCache.of(device, folder.resolve("plans")));
  }

  private CudnnLibrary library(PlanCache cache) {
    LibraryPolicy policy =
        new LibraryPolicy(
            false,
            false,
            cache,
            (what, how) -> {},
            (what, how) -> {},
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
