package nacre.bindings;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** Reasons as systems have given them. */
class LoadFailureTest {
  private static final Path FILE = Path.of("/cache/libgomp.so.1");
  private static final String START = "the system cannot load " + FILE + ": ";

  private static void assertDescribed(String wanted, String reason) {
    assertEquals(START + wanted, LoadFailure.describe(FILE, reason, "Linux"));
  }

  /** A cache, or /tmp, mounted noexec. */
  @Test
  void fileSystemsThatForbidToRun() {
    assertDescribed(
        "failed to map segment from shared object; its file system is probably mounted noexec: set"
            + " NACRE_CACHE to a folder of yours on another",
        FILE + ": " + FILE + ": failed to map segment from shared object");
  }

  /** bytedeco/javacpp#329 and luben/zstd-jni#157. */
  @Test
  void alpine() {
    String musl =
        "; it is built for glibc, and this system has musl, as Alpine has: take one with glibc,"
            + " such as Debian or Ubuntu";
    String relocating =
        "Error relocating "
            + FILE
            + ": : initial-exec TLS resolves to dynamic definition in "
            + FILE;
    assertDescribed(relocating + musl, FILE + ": " + relocating);
    String loading =
        "Error loading shared library libgcc_s.so.1: No such file or directory (needed by "
            + FILE
            + ")";
    assertDescribed(loading + musl, FILE + ": " + loading);
  }

  @Test
  void others() {
    assertDescribed(
        "/lib/libc.so.6: version `GLIBC_2.34' not found; this system is older than it: update"
            + " glibc",
        FILE + ": /lib/libc.so.6: version `GLIBC_2.34' not found");
    assertDescribed("file too short", FILE + ": file too short");
    assertEquals(
        START + "Can't find dependent libraries; it needs the Microsoft Visual C++ Redistributable",
        LoadFailure.describe(FILE, FILE + ": Can't find dependent libraries", "Windows 11"));
  }
}
