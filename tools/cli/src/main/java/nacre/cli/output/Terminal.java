package nacre.cli.output;

import java.io.Console;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;

/** The terminal that standard output is connected to, if any. */
final class Terminal {
  private static final int USUAL_WIDTH = 80;

  private Terminal() {}

  /** Whether output goes to an interactive terminal, on which a line can be overwritten. */
  static boolean present() {
    Console console = System.console();
    return console != null && console.isTerminal() && !"dumb".equals(System.getenv("TERM"));
  }

  /** Characters in a line: as the environment or {@code stty} say, else 80. */
  static int width() {
    String columns = System.getenv("COLUMNS");
    if (columns != null && columns.matches("\\d{2,4}")) {
      return Integer.parseInt(columns);
    }
    try {
      Process stty =
          new ProcessBuilder("stty", "size")
              .redirectInput(new File("/dev/tty"))
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      if (stty.waitFor(1, TimeUnit.SECONDS)) {
        byte[] answer = stty.getInputStream().readAllBytes();
        String[] words = new String(answer, StandardCharsets.US_ASCII).strip().split(" ");
        if (words.length == 2 && words[1].matches("[1-9]\\d{1,3}")) {
          return Integer.parseInt(words[1]);
        }
      }
      stty.destroyForcibly();
    } catch (IOException noSuchProgram) {
      return USUAL_WIDTH; // Windows
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return USUAL_WIDTH;
  }
}
