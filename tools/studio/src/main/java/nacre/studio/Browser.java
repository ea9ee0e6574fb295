package nacre.studio;

import java.io.IOException;
import java.net.URI;
import java.util.List;
import java.util.Locale;

/** The user's browser. */
final class Browser {
  private Browser() {}

  /** Opens a page where there is a browser to open it in; elsewhere nothing happens. */
  static void open(URI page) {
    String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    if (system.startsWith("mac")) {
      start("open", page);
    } else if (system.startsWith("windows")) {
      start("explorer", page);
    } else if (System.getenv("DISPLAY") != null || System.getenv("WAYLAND_DISPLAY") != null) {
      start("xdg-open", page);
    }
  }

  private static void start(String program, URI page) {
    try {
      new ProcessBuilder(List.of(program, page.toString()))
          .redirectErrorStream(true)
          .redirectOutput(ProcessBuilder.Redirect.DISCARD)
          .start();
    } catch (IOException e) {
      System.out.println("        no browser was opened: " + program + " is not to be had here");
    }
  }
}
