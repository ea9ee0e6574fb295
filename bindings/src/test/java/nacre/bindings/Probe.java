package nacre.bindings;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/** A program that loads oneDNN and prints what came of it, for tests that need a fresh process. */
final class Probe {

  private Probe() {}

  public static void main(String[] args) {
    switch (TestLibraries.oneDnn()) {
      case NativeLibrary.Unavailable missing -> System.out.println(missing.reason());
      case NativeLibrary.Loaded loaded -> {
        AtomicInteger members = new AtomicInteger();
        OpenMp.parallel((thread, threads) -> members.incrementAndGet());
        System.out.println(
            loaded.version() + " " + OpenMp.threads() + " " + members + " " + loaded.file());
      }
    }
    if (List.of(args).contains("busy")) {
      Thread busy = new Thread(Probe::computeForever);
      busy.setDaemon(true);
      busy.start();
    }
  }

  private static void computeForever() {
    while (true) {
      OpenMp.parallel((thread, threads) -> Thread.onSpinWait());
    }
  }

  /** The exit status and everything printed. */
  record Outcome(int status, String output) {}

  static Process start(Map<String, String> environment, List<String> options, String... args)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("--enable-native-access=ALL-UNNAMED");
    command.addAll(options);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Probe.class.getName()));
    command.addAll(List.of(args));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().keySet().removeIf(name -> name.matches("(NACRE|OMP|GOMP|KMP)_.*"));
    builder.environment().putAll(environment);
    return builder.start();
  }

  static Outcome await(Process process) throws IOException, InterruptedException {
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Outcome(process.waitFor(), output.strip());
  }
}
