package nacre.cli;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import nacre.distributed.Launcher;

/** Another process of this program: with the same Java, its memory options and the same classes. */
public final class OwnProcess {
  private OwnProcess() {}

  /**
   * Such a process, to be started: by itself, also where a launcher of MPI has started this one.
   *
   * @param options more options of the JVM
   * @param words the program's own arguments
   */
  public static ProcessBuilder builder(List<String> options, List<String> words) {
    ProcessBuilder builder = new ProcessBuilder(command(options, words));
    Launcher.leave(builder.environment());
    return builder;
  }

  /**
   * The command line of such a process.
   *
   * @param options more options of the JVM
   * @param words the program's own arguments
   */
  private static List<String> command(List<String> options, List<String> words) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(option -> option.startsWith("-X") || option.startsWith("--enable-native-access"))
        .forEach(command::add);
    command.addAll(options);
    String main = Nacre.class.getName();
    if (Nacre.class.getModule().isNamed()) {
      String path = System.getProperty("jdk.module.path");
      if (path != null) {
        command.addAll(List.of("-p", path));
      }
      command.addAll(List.of("-m", Nacre.class.getModule().getName() + "/" + main));
    } else {
      command.addAll(List.of("-cp", System.getProperty("java.class.path"), main));
    }
    command.addAll(words);
    return command;
  }
}
