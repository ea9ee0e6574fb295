package nacre.tensor.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.List;
import nacre.tensor.Device;
import nacre.tensor.Profile;
import nacre.tensor.Range;
import nacre.tensor.Setting;
import nacre.tensor.Settings;
import nacre.tensor.TestDevices;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Names of what is done, as NVTX is given them. */
@Tag("cuda")
class RangesTest {
  @TempDir Path folder;

  private SimulatorLog log;

  @BeforeEach
  void aGpuIsThere() {
    assumeTrue(TestDevices.gpu().isPresent(), "no GPU, and no simulated one");
    log = new SimulatorLog(folder.resolve("log"));
  }

  private static Device gpu(String nvtx) {
    return Device.of("cuda", Settings.ofProcess().with(Setting.NVTX, nvtx));
  }

  private List<String> nested(Device device) {
    try (SimulatorSetting _ = SimulatorSetting.of(SimulatorLog.SETTING, log.file().toString())) {
      try (Range _ = device.range("down_blocks.0")) {
        try (Range _ = device.range("Müller")) {
          device.range("").close();
        }
      }
    }
    return log.lines();
  }

  @Test
  void rangesAreNamedWhereThatIsAskedFor() {
    List<String> named =
        List.of(
            "NVTX: down_blocks.0", "NVTX: Müller", "NVTX: ", "NVTX: end", "NVTX: end", "NVTX: end");
    assertEquals(named, nested(gpu("on")));
    assertEquals(named, nested(Profile.of(gpu("on")).device()), "counted, they have names, too");
  }

  @Test
  void nobodyIsNamedAnythingElse() {
    assertEquals(List.of(), nested(gpu("off")));
    assertSame(Range.NONE, gpu("off").range("a"));
    assertSame(Range.NONE, Device.reference().range("a"));
  }
}
