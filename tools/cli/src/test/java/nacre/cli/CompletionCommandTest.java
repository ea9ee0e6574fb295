package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The script that {@code nacre completion} prints, in bash. */
@DisabledOnOs(OS.WINDOWS)
class CompletionCommandTest {
  @TempDir Path folder;
  private Path script;

  @BeforeEach
  void print() throws IOException {
    CommandLineRun run = CommandLineRun.of("completion");
    assertEquals(0, run.status(), run::err);
    script = Files.writeString(folder.resolve("completion.bash"), run.out());
  }

  @Test
  void bashUnderstandsIt() throws Exception {
    assertEquals(List.of(), bash("bash -n completion.bash"));
  }

  @Test
  void completesCommandsAndOptions() throws Exception {
    assertEquals(List.of("train"), complete("tr"));
    assertEquals(List.of("--resume"), complete("train --res"));
    assertEquals(List.of("render"), complete("data ren"));
  }

  private List<String> complete(String words) throws IOException, InterruptedException {
    int last = words.split(" ").length;
    // Outside of a key press there are no options of a completion.
    return bash(
        "source completion.bash; compopt() { :; }; COMP_WORDS=(nacre %s); COMP_CWORD=%d; COMP_LINE='nacre %s'; "
                .formatted(words, last, words)
            + "_complete_nacre; printf '%s\\n' \"${COMPREPLY[@]}\"");
  }

  private List<String> bash(String command) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder("bash", "--norc", "-c", command)
            .directory(script.getParent().toFile())
            .redirectErrorStream(true)
            .start();
    List<String> lines = process.inputReader().lines().map(String::strip).toList();
    assertEquals(0, process.waitFor(), lines::toString);
    return lines;
  }
}
