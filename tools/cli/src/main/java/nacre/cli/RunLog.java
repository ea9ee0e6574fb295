package nacre.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import nacre.cli.output.EventFile;
import nacre.cli.output.LossCurve;
import nacre.cli.output.MetricsLog;
import nacre.cli.output.PngMetadata;
import nacre.neuralassets.evaluation.Evaluation;
import nacre.weights.AtomicFile;

/**
 * The logs of a run besides checkpoints: metrics.jsonl, TensorBoard events, the loss curve. A full
 * disk does not end the run: it is reported once, and writing is tried again.
 */
final class RunLog implements AutoCloseable {
  /** Number of steps of one entry. */
  static final int EVERY = 10;

  private final RunFolder folder;
  private final String title;
  private final Consumer<String> complain;
  private final MetricsLog metrics;
  private final EventFile events;
  private double losses;
  private int counted;
  private long mark = System.nanoTime();
  private boolean complained;

  private interface Writing {
    void write() throws IOException;
  }

  /**
   * Opens the files of a run.
   *
   * @param step steps done; entries beyond it are dropped, as those steps will be computed again
   */
  RunLog(RunFolder folder, String title, String preset, long step, Consumer<String> complain)
      throws IOException {
    this.folder = folder;
    this.title = title;
    this.complain = complain;
    Files.createDirectories(folder.root());
    metrics = MetricsLog.open(folder.metrics(), step);
    events = EventFile.create(folder.events(), step == 0 ? 0 : step + 1);
    if (step == 0) {
      attempt(() -> events.text("preset", 0, "```json\n" + preset + "\n```"));
    }
  }

  /** Logs a step; every tenth becomes an entry with the mean of the losses since the last. */
  void step(long step, double loss, double learningRate, double gradientNorm, int images) {
    losses += loss;
    counted++;
    if (step % EVERY != 0) {
      return;
    }
    long now = System.nanoTime();
    Map<String, Double> values = new LinkedHashMap<>();
    values.put(LossCurve.LOSS, losses / counted);
    values.put(LossCurve.LEARNING_RATE, learningRate);
    values.put("gradient_norm", gradientNorm);
    values.put("images_per_second", counted * images / ((now - mark) / 1e9));
    losses = 0;
    counted = 0;
    mark = now;
    attempt(
        () -> {
          metrics.append(new MetricsLog.Entry(step, values));
          events.scalars(step, values);
        });
  }

  /** Excludes the time since the last step from the training time. */
  void skipTime(long nanos) {
    mark += nanos;
  }

  /** Writes the results of the evaluation. */
  void evaluation(long step, Evaluation evaluation, JsonNode json) {
    Map<String, Double> values = new LinkedHashMap<>();
    values.put("eval/psnr", evaluation.model().psnr());
    values.put("eval/psnr_copy", evaluation.copy().psnr());
    values.put("eval/psnr_foreign_poses", evaluation.foreign().psnr());
    values.put("eval/ssim", evaluation.model().ssim());
    attempt(
        () -> {
          byte[] text = json.toPrettyString().getBytes(StandardCharsets.UTF_8);
          AtomicFile.write(folder.evaluation(), out -> out.write(text));
          events.scalars(step, values);
        });
  }

  /** Writes the sample sheet. */
  void sheet(long step, BufferedImage sheet, Map<String, String> texts) {
    attempt(
        () -> {
          PngMetadata.write(folder.sheet(), sheet, texts);
          events.image("samples", step, sheet);
        });
  }

  /** Draws the loss curve of what was logged so far. */
  void curve() {
    attempt(
        () ->
            PngMetadata.write(
                folder.lossCurve(),
                LossCurve.draw(title, MetricsLog.read(folder.metrics())),
                Map.of("Title", title)));
  }

  private void attempt(Writing writing) {
    try {
      writing.write();
    } catch (IOException e) {
      if (!complained) {
        complained = true;
        complain.accept(Failure.oneLine(e.getMessage()) + "; training goes on without this log");
      }
    }
  }

  @Override
  public void close() throws IOException {
    metrics.close();
    events.close();
  }
}
