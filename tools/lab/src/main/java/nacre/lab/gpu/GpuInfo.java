package nacre.lab.gpu;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The GPU that is checked, and its libraries, as {@code nacre doctor} names them.
 *
 * @param name as its makers write it
 * @param description compute capability and size
 * @param simulated whether it is the simulated device, whose numbers mean nothing
 * @param libraries name to version
 */
record GpuInfo(String name, String description, boolean simulated, Map<String, String> libraries) {
  // "  found    cuDNN          9.24.0, /usr/lib/libcudnn.so.9"
  private static final Pattern LIBRARY = Pattern.compile("  found    (.+?) {2,}([^ ,]+), (.*)");
  // "  cuda: NVIDIA H100 (compute 9.0, 132 multiprocessors, 79.2 GiB), CUDA 13.0, …"
  private static final Pattern DEVICE =
      Pattern.compile("  cuda( \\(simulated\\))?[^ ]*: (.+?) \\((compute [^)]*)\\).*");
  private static final Path DRIVER = Path.of("/proc/driver/nvidia/version");
  private static final Pattern DRIVER_VERSION =
      Pattern.compile("\\b(\\d{3}\\.\\d+(?:\\.\\d+)?)\\b");

  /** The first GPU in the doctor's output, or null if there is none. */
  static GpuInfo of(List<String> doctor) {
    Map<String, String> libraries = new LinkedHashMap<>();
    for (String line : doctor) {
      Matcher library = LIBRARY.matcher(line);
      if (library.matches()) {
        boolean driver = library.group(1).equals("NVIDIA driver");
        libraries.put(driver ? "CUDA of the driver" : library.group(1), library.group(2));
      }
    }
    for (String line : doctor) {
      Matcher device = DEVICE.matcher(line);
      if (device.matches()) {
        boolean simulated = device.group(1) != null;
        String name = device.group(2).replace("simulated on the CPU, for tests only: ", "");
        if (!simulated) {
          driver().ifPresent(version -> libraries.put("kernel driver", version));
        }
        return new GpuInfo(name, device.group(3), simulated, libraries);
      }
    }
    return null;
  }

  /** What the doctor found of the first GPU: the line below its name. */
  static String finding(List<String> doctor) {
    for (int i = 0; i < doctor.size() - 1; i++) {
      if (DEVICE.matcher(doctor.get(i)).matches()) {
        return doctor.get(i + 1).strip();
      }
    }
    return "nothing was computed";
  }

  private static Optional<String> driver() {
    try {
      Matcher version = DRIVER_VERSION.matcher(Files.readString(DRIVER));
      return version.find() ? Optional.of(version.group(1)) : Optional.empty();
    } catch (IOException e) {
      return Optional.empty(); // where the file is not shown, as in some containers
    }
  }

  /** The name as a part of a folder's name. */
  String slug() {
    String words = (simulated ? "simulated" : name).toLowerCase(Locale.ROOT);
    return words.replaceAll("[^a-z0-9]+", "-").replaceAll("^-|-$", "");
  }

  ObjectNode json() {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("name", name).put("description", description).put("simulated", simulated);
    libraries.forEach(node.putObject("libraries")::put);
    return node;
  }
}
