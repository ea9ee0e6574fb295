package nacre.bindings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import org.junit.jupiter.api.Test;

class PlatformTest {

  @Test
  void knowsTheFivePlatformsThatJarsExistFor() {
    assertEquals(
        "org/bytedeco/dnnl/linux-x86_64/libdnnl.so.3", resource("Linux", "amd64").orElseThrow());
    assertEquals(
        "org/bytedeco/dnnl/linux-arm64/libdnnl.so.3", resource("Linux", "aarch64").orElseThrow());
    assertEquals(
        "org/bytedeco/dnnl/macosx-arm64/libdnnl.3.dylib",
        resource("Mac OS X", "aarch64").orElseThrow());
    assertEquals(
        "org/bytedeco/dnnl/macosx-x86_64/libdnnl.3.dylib",
        resource("Mac OS X", "x86_64").orElseThrow());
    assertEquals(
        "org/bytedeco/dnnl/windows-x86_64/dnnl.dll", resource("Windows 11", "amd64").orElseThrow());
  }

  @Test
  void knowsNoOther() {
    assertTrue(resource("Linux", "riscv64").isEmpty());
    assertTrue(resource("Windows 11", "aarch64").isEmpty());
    assertTrue(resource("FreeBSD", "amd64").isEmpty());
  }

  private static Optional<String> resource(String os, String cpu) {
    return Platform.of(os, cpu).map(platform -> platform.resource(platform.oneDnn()));
  }
}
