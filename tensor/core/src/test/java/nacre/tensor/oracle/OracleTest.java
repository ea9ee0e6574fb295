package nacre.tensor.oracle;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.TestDevices;
import nacre.tensor.spi.Backend;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Every method of the backend contract, on every device, against plain Java. */
@Tag("oracle")
class OracleTest {
  private static final List<OracleCase> CASES = cases();

  private static List<OracleCase> cases() {
    List<OracleCase> cases = new ArrayList<>();
    MemoryCases.addTo(cases);
    ElementwiseCases.addTo(cases);
    ReductionCases.addTo(cases);
    ClassCases.addTo(cases);
    MatrixCases.addTo(cases);
    ConvolutionCases.addTo(cases);
    AttentionCases.addTo(cases);
    NormalizationCases.addTo(cases);
    MovementCases.addTo(cases);
    ResamplingCases.addTo(cases);
    OptimizerCases.addTo(cases);
    return cases;
  }

  @BeforeAll
  static void poison() {
    Memory.poisonNewTensors(true);
  }

  @AfterAll
  static void stopPoison() {
    Memory.poisonNewTensors(false);
    assertEquals(0, Memory.liveTensors());
    assertEquals(0, Memory.liveBytes());
  }

  @Test
  void everyMethodOfTheContractHasCases() {
    Set<String> contract = new TreeSet<>();
    for (Method method : Backend.class.getMethods()) {
      if (!Modifier.isStatic(method.getModifiers())) {
        contract.add(method.getName());
      }
    }
    Set<String> covered = new TreeSet<>();
    CASES.forEach(c -> covered.add(c.method()));
    assertEquals(contract, covered);
  }

  @TestFactory
  Stream<DynamicContainer> everyDeviceAgreesWithPlainJava() {
    List<Device> devices = TestDevices.backends();
    Map<String, List<DynamicTest>> byMethod = new TreeMap<>();
    for (OracleCase c : CASES) {
      byMethod
          .computeIfAbsent(c.method(), m -> new ArrayList<>())
          .add(DynamicTest.dynamicTest(c.toString(), () -> c.check(devices)));
    }
    return byMethod.entrySet().stream()
        .map(e -> DynamicContainer.dynamicContainer(e.getKey(), e.getValue()));
  }
}
