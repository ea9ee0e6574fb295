package nacre.studio;

import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import nacre.cli.OwnProcess;

/**
 * A training that was started here: {@code nacre train} in a process of its own, so that its memory
 * goes when it ends and what kills it kills nothing else.
 */
final class Training {
  private static final String LOG = "studio.log";
  private static final int INTERRUPTED = 130;
  private static final int TERMINATED = 143;
  private static final int SECONDS_TO_STOP = 60;
  private static final long MOST_LOG = 1 << 16;

  private final Process process;
  private volatile boolean stopping;

  private Training(Process process) {
    this.process = process;
  }

  /**
   * Starts {@code nacre train}.
   *
   * @param folder of the run, where its words are kept, too
   */
  static Training start(Path folder, List<String> arguments) throws IOException {
    List<String> words = new ArrayList<>(arguments);
    words.addFirst("train");
    Files.createDirectories(folder);
    Process process =
        OwnProcess.builder(List.of(), words)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve(LOG).toFile()))
            .start();
    process.getOutputStream().close();
    return new Training(process);
  }

  boolean alive() {
    return process.isAlive();
  }

  /** The state in one word. */
  String state() {
    if (process.isAlive()) {
      return stopping ? "stopping" : "running";
    }
    int status = process.exitValue();
    boolean stopped = stopping || status == INTERRUPTED || status == TERMINATED;
    return status == 0 ? "finished" : stopped ? "stopped" : "failed";
  }

  /** Asks it to stop at the next step, when it writes a checkpoint. */
  void stop() {
    stopping = true;
    process.destroy();
  }

  /** Waits for its end, and ends it by force after a minute. */
  void await() {
    try {
      if (!process.waitFor(SECONDS_TO_STOP, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }

  /** The last lines that trainings in a folder printed. */
  static List<String> log(Path folder, int count) throws IOException {
    Path file = folder.resolve(LOG);
    if (!Files.isRegularFile(file)) {
      return List.of();
    }
    String text;
    try (var channel = Files.newByteChannel(file)) {
      channel.position(Math.max(0, channel.size() - MOST_LOG));
      text = new String(Channels.newInputStream(channel).readAllBytes(), StandardCharsets.UTF_8);
    }
    try (Stream<String> lines = text.lines()) {
      // Of a line that is written over, as progress is, the last words are left.
      List<String> all = lines.map(l -> l.substring(l.lastIndexOf('\r') + 1)).toList();
      return all.subList(Math.max(0, all.size() - count), all.size());
    }
  }

  /** The line with which a failed training ended. */
  static Optional<String> reason(Path folder) throws IOException {
    return log(folder, 50).stream()
        .filter(line -> line.startsWith("nacre: "))
        .reduce((_, last) -> last)
        .map(line -> line.substring("nacre: ".length()));
  }
}
