package nacre.lab.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import nacre.lab.net.ScalingModel.Cluster;
import nacre.nn.Sharding;
import org.junit.jupiter.api.Test;

/** The model's numbers by hand, and its tables in the manual. */
class ScalingModelTest {
  private static final double GRADIENTS = 4.0 * 865_910_724;

  private static ScalingModel of(double bandwidth, int gpus, Sharding sharding) {
    return new ScalingModel(
        new Cluster("", 0.3, 1e12, bandwidth, bandwidth), gpus, 10, 4, sharding);
  }

  @Test
  void bytesAreThoseOfARing() {
    assertEquals(GRADIENTS, of(1e9, 2, Sharding.NONE).gradientBytes());
    assertEquals(1.75 * GRADIENTS, of(1e9, 8, Sharding.NONE).gradientBytes());
    assertEquals(0, of(1e9, 8, Sharding.NONE).parameterBytes());
    assertEquals(1.75 * GRADIENTS, of(1e9, 8, Sharding.OPTIMIZER).gradientBytes());
    assertEquals(0.875 * GRADIENTS, of(1e9, 8, Sharding.OPTIMIZER).parameterBytes());
    assertEquals(0.875 * GRADIENTS, of(1e9, 8, Sharding.GRADIENTS).gradientBytes());
  }

  /** 133 buckets of 25 MiB, backward of 2 seconds. */
  @Test
  void whatIsLeftBehindBackwardIsWaitedFor() {
    ScalingModel fast = of(1e13, 8, Sharding.NONE); // every bucket is gone before the next
    assertEquals(fast.exchange() / 133, fast.exposed(), 1e-12);
    ScalingModel slow = of(1e9, 8, Sharding.NONE); // begun with the first bucket, never idle
    assertEquals(2.0 / 133 + slow.exchange() - 2, slow.exposed(), 1e-9);
    assertEquals(3 + slow.exposed() + 7 * GRADIENTS / 1e12, slow.step(), 1e-9);
    assertEquals((3 + 7 * GRADIENTS / 1e12) / slow.step(), slow.efficiency(), 1e-12);
    double alone = 3 + 7 * GRADIENTS / 1e12;
    assertEquals(alone / (alone + slow.exchange()), slow.efficiencyIfNothingWereHidden(), 1e-12);
    assertEquals(7 * GRADIENTS / 1e12 / 8, of(1e9, 8, Sharding.OPTIMIZER).update(), 1e-9);
  }

  @Test
  void theShorterAlgorithmsLatencyCounts() {
    assertEquals(14 * 3.4e-6, of(1e9, 8, Sharding.NONE).latency(), 1e-12); // around the ring
    double tree = 2 * (7 * 4e-6 + 5 * 14e-6); // 32 hosts
    assertEquals(tree, of(1e9, 256, Sharding.NONE).latency(), 1e-12);
  }

  @Test
  void theManualHasItsTables() throws IOException {
    String manual = Files.readString(Path.of("../../docs/distributed.md"));
    assertTrue(manual.contains(ScalingTables.scaling()), ScalingTables::scaling);
    assertTrue(manual.contains(ScalingTables.published()), ScalingTables::published);
  }
}
