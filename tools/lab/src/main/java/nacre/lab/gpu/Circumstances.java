package nacre.lab.gpu;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The circumstances of results, besides the GPU: build, settings, system. */
final class Circumstances {
  private Circumstances() {}

  /**
   * The circumstances as JSON.
   *
   * @param home the unpacked archive, whose file {@code version} names the build
   * @param python nullable
   */
  static ObjectNode of(Path home, boolean small, Python python) throws IOException {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("nacre", Files.readString(home.resolve("version")).strip());
    node.put("small", small);
    node.put("settings", settings());
    node.put("java", System.getProperty("java.version"));
    node.put("system", System.getProperty("os.name") + " " + System.getProperty("os.version"));
    node.put("processor", processor());
    node.put("date", LocalDate.now(ZoneOffset.UTC).toString());
    node.put("peer", python == null ? "none" : python.packages());
    return node;
  }

  /** The settings of Nacre in the environment. */
  private static String settings() {
    Map<String, String> set = new TreeMap<>(System.getenv());
    set.keySet().removeIf(name -> !name.startsWith("NACRE_") || name.endsWith("_CACHE"));
    return set.isEmpty()
        ? "none"
        : set.entrySet().stream().map(Object::toString).collect(Collectors.joining(", "));
  }

  private static String processor() throws IOException {
    int threads = Runtime.getRuntime().availableProcessors();
    try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
      String model =
          lines
              .filter(line -> line.startsWith("model name"))
              .map(line -> line.substring(line.indexOf(':') + 1).strip())
              .findFirst()
              .orElse("unknown");
      return model + ", " + threads + " threads";
    }
  }
}
