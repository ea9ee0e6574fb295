package nacre.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import nacre.cli.output.EventFile;
import nacre.cli.output.LossCurve;
import nacre.cli.output.MetricsLog;
import nacre.cli.output.PngMetadata;
import nacre.neuralassets.training.RunState;
import nacre.weights.Aside;
import nacre.weights.AtomicFile;

/**
 * The logs of a run besides checkpoints: metrics.jsonl, TensorBoard events, the loss curve. None of
 * them ends a run: a full disk is reported once for each, and writing is tried again; what is in a
 * log's place is kept under another name.
 */
final class RunLog implements AutoCloseable {
  /** Number of steps of one entry. */
  static final int EVERY = 10;

  private final RunFolder folder;
  private final String title;
  private final Consumer<String> complain;
  private final MetricsLog metrics;
  private final EventFile events;
  private RunState.LossSum losses;
  private int counted;
  private long waited;
  private long mark = System.nanoTime();
  private final Set<String> complained = new HashSet<>();

  private interface Writing {
    void write() throws IOException;
  }

  /**
   * Opens the files of a run.
   *
   * @param folder null for a process that keeps count, and leaves writing to another
   * @param step steps done; entries beyond it are dropped, as those steps will be computed again
   * @param unlogged the losses of the last of them that no entry holds yet
   */
  RunLog(
      RunFolder folder,
      String title,
      String preset,
      long step,
      RunState.LossSum unlogged,
      Consumer<String> complain) {
    this.folder = folder;
    this.title = title;
    this.complain = complain;
    losses = unlogged;
    if (folder == null) {
      metrics = null;
      events = null;
      return;
    }
    metrics = open(() -> MetricsLog.open(folder.metrics(), step, complain));
    events = open(() -> openEvents(step == 0 ? 0 : step + 1));
    if (step == 0 && events != null) {
      attempt("events", () -> events.text("preset", 0, "```json\n" + preset + "\n```"));
    }
  }

  private EventFile openEvents(long firstStep) throws IOException {
    Path place = folder.events();
    if (Files.exists(place, LinkOption.NOFOLLOW_LINKS) && !Files.isDirectory(place)) {
      Path aside = Aside.move(place);
      complain.accept(
          String.format(Locale.ROOT, "%s is no folder; kept as %s", place, aside.getFileName()));
    }
    return EventFile.create(place, firstStep);
  }

  private interface Opening<T> {
    T open() throws IOException;
  }

  /** A log, or null if it cannot be opened. */
  private <T> T open(Opening<T> opening) {
    try {
      return opening.open();
    } catch (IOException e) {
      complain.accept(Failure.describe(e) + "; training goes on without this log");
      return null;
    }
  }

  /** Logs a step; every tenth becomes an entry with the mean of the losses since the last. */
  void step(long step, double loss, double learningRate, double gradientNorm, int images) {
    losses = losses.plus(loss);
    counted++;
    if (step % EVERY != 0) {
      return;
    }
    long now = System.nanoTime();
    Map<String, Double> values = new LinkedHashMap<>();
    values.put(LossCurve.LOSS, losses.sum() / losses.steps());
    values.put(LossCurve.LEARNING_RATE, learningRate);
    values.put("gradient_norm", gradientNorm);
    values.put("images_per_second", counted * images / ((now - mark) / 1e9));
    values.put("data_seconds_per_step", waited / 1e9 / counted);
    waited = 0;
    losses = RunState.LossSum.NONE;
    counted = 0;
    mark = now;
    log(step, values);
  }

  /** Adds to the time that steps waited for their batches. */
  void waited(long nanos) {
    waited += nanos;
  }

  /** Logs the loss on held-out clips. */
  void validation(long step, double loss) {
    log(step, Map.of(LossCurve.VALIDATION, loss));
  }

  private void log(long step, Map<String, Double> values) {
    if (metrics != null) {
      attempt("metrics", () -> metrics.append(new MetricsLog.Entry(step, values)));
    }
    if (events != null) {
      attempt("events", () -> events.scalars(step, values));
    }
  }

  /** The losses since the last entry, which a run that resumes goes on with. */
  RunState.LossSum unlogged() {
    return losses;
  }

  /** Excludes the time since the last step from the training time. */
  void skipTime(long nanos) {
    mark += nanos;
  }

  /**
   * Writes the results of the evaluation.
   *
   * @param values its numbers by their names in TensorBoard
   * @param json what {@code eval.json} is to hold
   */
  void evaluation(long step, Map<String, Double> values, JsonNode json) {
    byte[] text = json.toPrettyString().getBytes(StandardCharsets.UTF_8);
    attempt("evaluation", () -> AtomicFile.write(folder.evaluation(), out -> out.write(text)));
    if (events != null) {
      attempt("events", () -> events.scalars(step, values));
    }
  }

  /** Writes the sample sheet. */
  void sheet(long step, BufferedImage sheet, Map<String, String> texts) {
    attempt("sheet", () -> PngMetadata.write(folder.sheet(), sheet, texts));
    if (events != null) {
      attempt("events", () -> events.image("samples", step, sheet));
    }
  }

  /** Draws the loss curve of what was logged so far. */
  void curve() {
    attempt(
        "curve",
        () ->
            PngMetadata.write(
                folder.lossCurve(),
                LossCurve.draw(title, MetricsLog.read(folder.metrics())),
                Map.of("Title", title)));
  }

  private void attempt(String log, Writing writing) {
    if (folder == null) {
      return;
    }
    try {
      writing.write();
    } catch (IOException e) {
      if (complained.add(log)) {
        complain.accept(Failure.describe(e) + "; training goes on without this log");
      }
    }
  }

  @Override
  public void close() throws IOException {
    if (metrics != null) {
      metrics.close();
    }
    if (events != null) {
      events.close();
    }
  }
}
