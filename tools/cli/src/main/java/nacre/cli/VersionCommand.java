package nacre.cli;

import java.io.IOException;
import java.io.InputStream;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Callable;
import nacre.tensor.Device;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code nacre version}: the versions that a bug report should begin with. */
@Command(
    name = "version",
    description = "Show the versions of Nacre, Java and the system, and the size of the machine.",
    mixinStandardHelpOptions = true)
public final class VersionCommand implements Callable<Integer>, IVersionProvider, ManyProcesses {
  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    var out = spec.commandLine().getOut();
    out.println("nacre   " + nacre());
    out.printf(
        Locale.ROOT,
        "java    %s, %s, %s%n",
        Runtime.version(),
        property("java.vm.name"),
        property("java.vendor"));
    out.println("home    " + property("java.home"));
    out.printf(
        Locale.ROOT,
        "system  %s %s, %s%n",
        property("os.name"),
        property("os.version"),
        property("os.arch"));
    Runtime machine = Runtime.getRuntime();
    out.println("cores   " + machine.availableProcessors());
    out.printf(Locale.ROOT, "heap    at most %,d MiB%n", machine.maxMemory() >> 20);
    out.flush();
    return 0;
  }

  @Override
  public String[] getVersion() throws IOException {
    return new String[] {"nacre " + nacre()};
  }

  /** What something was computed by, as reports list it. */
  static Map<String, String> of(Device device) throws IOException {
    Map<String, String> all = new LinkedHashMap<>();
    all.put("Nacre", nacre());
    all.put("Java", Runtime.version().toString());
    all.put("System", property("os.name") + ", " + property("os.arch"));
    all.put("Device", device.backend().describe());
    return all;
  }

  /** The version of Nacre. */
  public static String nacre() throws IOException {
    try (InputStream in = VersionCommand.class.getResourceAsStream("build.properties")) {
      Properties build = new Properties();
      build.load(in);
      return build.getProperty("version");
    }
  }

  private static String property(String name) {
    return System.getProperty(name);
  }
}
