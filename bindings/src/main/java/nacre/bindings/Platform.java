package nacre.bindings;

import java.util.Locale;
import java.util.Optional;

/**
 * A system that the oneDNN jars exist for.
 *
 * @param classifier the Maven classifier of the jar, which is also the folder inside it
 * @param openMp the OpenMP runtime that lies beside oneDNN in the jar, or empty where the system
 *     has its own
 * @param oneDnn the file name of oneDNN
 */
record Platform(String classifier, Optional<String> openMp, String oneDnn) {

  /** The platform that this process runs on, or empty if no jar exists for it. */
  static Optional<Platform> current() {
    return of(System.getProperty("os.name"), System.getProperty("os.arch"));
  }

  static Optional<Platform> of(String osName, String osArch) {
    String os = osName.toLowerCase(Locale.ROOT);
    String cpu =
        switch (osArch) {
          case "amd64", "x86_64" -> "x86_64";
          case "aarch64", "arm64" -> "arm64";
          default -> osArch;
        };
    boolean x86 = cpu.equals("x86_64");
    if (!x86 && !cpu.equals("arm64")) {
      return Optional.empty();
    }
    if (os.startsWith("linux")) {
      return Optional.of(new Platform("linux-" + cpu, Optional.of("libgomp.so.1"), "libdnnl.so.3"));
    }
    if (os.startsWith("mac")) {
      String openMp = x86 ? "libiomp5.dylib" : "libomp.dylib";
      return Optional.of(new Platform("macosx-" + cpu, Optional.of(openMp), "libdnnl.3.dylib"));
    }
    if (os.startsWith("windows") && x86) {
      return Optional.of(new Platform("windows-x86_64", Optional.empty(), "dnnl.dll"));
    }
    return Optional.empty();
  }

  /** The path, on the class path, of a file that the jar of this platform carries. */
  String resource(String file) {
    return "org/bytedeco/dnnl/" + classifier + "/" + file;
  }
}
