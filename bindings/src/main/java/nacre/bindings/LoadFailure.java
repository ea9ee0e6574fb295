package nacre.bindings;

import java.nio.file.Path;

/** The words for a native library that is there and cannot be loaded. */
final class LoadFailure {
  private LoadFailure() {}

  /**
   * One line with the loader's reason and, where it is a known one, what to do.
   *
   * @param reason as {@code dlopen} or Windows gave it; glibc, musl and the JDK each put the file
   *     before it
   */
  static String describe(Path file, String reason, String system) {
    String plain = reason;
    while (plain.startsWith(file + ": ")) {
      plain = plain.substring(file.toString().length() + 2);
    }
    return "the system cannot load " + file + ": " + plain + remedy(plain, system);
  }

  private static String remedy(String reason, String system) {
    if (system.startsWith("Windows")) {
      return "; it needs the Microsoft Visual C++ Redistributable";
    }
    // A file system without the right to run what is on it forbids mapping its pages as code.
    if (reason.contains("failed to map segment") || reason.contains("Operation not permitted")) {
      return "; its file system is probably mounted noexec: set NACRE_CACHE to a folder of yours on"
          + " another";
    }
    // As musl's loader words what glibc's libraries lack there.
    if (reason.startsWith("Error relocating")
        || reason.startsWith("Error loading shared library")) {
      return "; it is built for glibc, and this system has musl, as Alpine has: take one with"
          + " glibc, such as Debian or Ubuntu";
    }
    return reason.contains("version `GLIBC") ? "; this system is older than it: update glibc" : "";
  }
}
