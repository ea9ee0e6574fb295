package nacre.cli.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import nacre.cli.TestGpu;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every bundle of the manifest on every device, in every dtype. */
class BundlesTest {
  static final Path BUNDLES = Path.of("src/test/resources/bundles");

  /** The module of each bundle, as the scripts that wrote them listed them. */
  private static Map<String, String> manifest() throws IOException {
    Path file = BUNDLES.resolve("manifest.json");
    return new JsonMapper().readValue(file.toFile(), new TypeReference<>() {});
  }

  static List<Path> bundles() throws IOException {
    return manifest().keySet().stream().map(BUNDLES::resolve).toList();
  }

  @BeforeEach
  void poison() {
    Memory.poisonNewTensors(true);
  }

  @AfterEach
  void nothingIsLeft() {
    Memory.poisonNewTensors(false);
    assertEquals(0, Memory.liveTensors());
  }

  private static List<Comparison> verify(Path folder, Device device, DType dtype)
      throws IOException {
    try (Bundle bundle = Bundle.open(folder)) {
      Case description = bundle.description();
      boolean model = ModuleRegistry.isModel(description.module());
      Tolerance tolerance = Tolerance.of(description, dtype, model);
      List<Comparison> results = new Verification(bundle, device, dtype, tolerance).run();
      assertComplete(bundle, results);
      assertEquals(
          "",
          results.stream()
              .filter(result -> !result.passed())
              .map(result -> result.tensor() + " is off by " + result.relativeError())
              .collect(Collectors.joining("\n")));
      return results;
    }
  }

  /** Every output and gradient of the bundle was compared. */
  private static void assertComplete(Bundle bundle, List<Comparison> results) {
    Set<String> wanted = new TreeSet<>();
    bundle.names("").stream()
        .filter(key -> key.startsWith("output.") || key.startsWith("grad."))
        .forEach(wanted::add);
    Set<String> compared = results.stream().map(Comparison::tensor).collect(Collectors.toSet());
    assertEquals(wanted, new TreeSet<>(compared));
    assertFalse(wanted.isEmpty());
  }

  @ParameterizedTest
  @MethodSource("bundles")
  void cpu(Path bundle) throws IOException {
    verify(bundle, Device.cpu(), DType.F32);
  }

  @ParameterizedTest
  @MethodSource("bundles")
  void reference(Path bundle) throws IOException {
    verify(bundle, Device.reference(), DType.F32);
  }

  @ParameterizedTest
  @MethodSource("bundles")
  void bfloat16(Path bundle) throws IOException {
    List<Comparison> results = verify(bundle, Device.cpu(), DType.BF16);
    // Single gradients of deep models may be far off; most are not.
    double[] errors = results.stream().mapToDouble(Comparison::relativeError).sorted().toArray();
    assertTrue(errors[errors.length / 2] < 4e-2, "median error " + errors[errors.length / 2]);
  }

  @Tag("cuda")
  @ParameterizedTest
  @MethodSource("bundles")
  void gpu(Path bundle) throws IOException {
    Optional<Device> gpu = TestGpu.find();
    assumeTrue(gpu.isPresent(), "there is no GPU, and no simulated one was built");
    verify(bundle, gpu.get(), DType.F32);
    verify(bundle, gpu.get(), DType.BF16);
  }

  /** tools/lab/reference/bundle.py keeps the manifest. */
  @Test
  void theManifestListsEveryFolder() throws IOException {
    Map<String, String> found = new TreeMap<>();
    try (Stream<Path> folders = Files.list(BUNDLES)) {
      for (Path folder : folders.filter(Files::isDirectory).toList()) {
        found.put(folder.getFileName().toString(), Case.read(folder).module());
      }
    }
    assertEquals(found, new TreeMap<>(manifest()));
  }

  @Test
  void everyKindOfModuleHasABundle() throws IOException {
    Set<String> modules = new TreeSet<>();
    for (Path bundle : bundles()) {
      modules.add(Case.read(bundle).module());
    }
    assertEquals(modules, new TreeSet<>(ModuleRegistry.names()));
  }
}
