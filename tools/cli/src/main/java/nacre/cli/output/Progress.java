package nacre.cli.output;

import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.function.LongSupplier;

/**
 * The progress of a training run in one line: steps, running mean of the loss, images a second,
 * time left, memory. On a terminal the line is overwritten; elsewhere a new one is printed from
 * time to time. Not thread-safe.
 */
public final class Progress implements AutoCloseable {
  /** Interval between two updates of the line on a terminal. */
  private static final Duration REDRAW = Duration.ofMillis(100);

  /** Interval between two lines where output goes to a file. */
  private static final Duration LINE = Duration.ofSeconds(10);

  /** Duration over which speed is measured. */
  private static final Duration WINDOW = Duration.ofSeconds(30);

  private static final Duration SAMPLE = Duration.ofMillis(250);
  private static final double LOSS_MEMORY = 0.98;
  private static final int SMALLEST_BAR = 8;
  private static final int LARGEST_BAR = 40;

  private final PrintStream out;
  private final Limit limit;
  private final LongSupplier tensorBytes;
  private final LongSupplier nanoTime;
  private final boolean terminal;
  private final int width;

  private final ExponentialMean loss = new ExponentialMean(LOSS_MEMORY);
  private final Deque<Sample> samples = new ArrayDeque<>();
  private final long started;
  private double lastLoss;
  private boolean hasLoss;
  private Sample now;
  private long shown;
  private long phaseStarted;
  private int drawn;
  private boolean closed;

  /** The end of a run. */
  public sealed interface Limit {
    /**
     * After a number of steps.
     *
     * @param total counted from the beginning of the run, earlier starts included
     * @param unit what a step is, in one word
     */
    record Steps(long total, String unit) implements Limit {
      /** The steps of a run. */
      public Steps(long total) {
        this(total, "step");
      }
    }

    /**
     * After a time.
     *
     * @param budget for the run, earlier starts included
     * @param used by earlier starts
     */
    record Time(Duration budget, Duration used) implements Limit {}
  }

  private record Sample(long nanos, long step, long images) {}

  private Progress(
      PrintStream out,
      Limit limit,
      long firstStep,
      LongSupplier tensorBytes,
      LongSupplier nanoTime,
      boolean terminal,
      int width) {
    this.out = out;
    this.limit = limit;
    this.tensorBytes = tensorBytes;
    this.nanoTime = nanoTime;
    this.terminal = terminal;
    this.width = width;
    this.started = nanoTime.getAsLong();
    this.shown = started;
    this.now = new Sample(started, firstStep, 0);
    samples.add(now);
  }

  /**
   * Starts measuring; nothing is printed yet.
   *
   * @param out standard output
   * @param stepsDone by earlier starts of the run, 0 for a new one
   * @param tensorBytes asked whenever the line is drawn: bytes in live tensors
   */
  public static Progress start(
      PrintStream out, Limit limit, long stepsDone, LongSupplier tensorBytes) {
    boolean terminal = Terminal.present();
    int width = terminal ? Terminal.width() : Integer.MAX_VALUE;
    return new Progress(out, limit, stepsDone, tensorBytes, System::nanoTime, terminal, width);
  }

  /** For tests: with a given clock and terminal. */
  static Progress start(
      PrintStream out,
      Limit limit,
      long stepsDone,
      LongSupplier tensorBytes,
      LongSupplier nanoTime,
      boolean terminal,
      int width) {
    return new Progress(out, limit, stepsDone, tensorBytes, nanoTime, terminal, width);
  }

  /**
   * Reports a step.
   *
   * @param step steps done now, from the beginning of the run
   * @param stepLoss of this step
   * @param images in this step's batch
   */
  public void step(long step, double stepLoss, int images) {
    hasLoss = true;
    lastLoss = stepLoss;
    loss.add(stepLoss);
    step(step, images);
  }

  /**
   * Reports a step that has no loss: one of sampling, or of rendering data.
   *
   * @param images finished by this step; where they are always 0, the time of a step is shown
   */
  public void step(long step, int images) {
    now = new Sample(nanoTime.getAsLong(), step, now.images() + images);
    if (now.nanos() - samples.getLast().nanos() >= SAMPLE.toNanos()) {
      samples.add(now);
    }
    while (samples.size() > 2 && now.nanos() - samples.getFirst().nanos() > WINDOW.toNanos()) {
      samples.removeFirst();
    }
    if (now.nanos() - shown >= (terminal ? REDRAW : LINE).toNanos()) {
      show();
    }
  }

  /**
   * Reports a phase beside the steps, such as the reading of weights: its share and the time left,
   * in place of the line of steps.
   *
   * @param what is being done
   * @param done of the total; 0 begins a phase
   */
  public void phase(String what, long done, long total) {
    long nanos = nanoTime.getAsLong();
    if (done == 0) {
      phaseStarted = nanos;
      shown = nanos;
      return;
    }
    if (done < total && nanos - shown >= (terminal ? REDRAW : LINE).toNanos()) {
      shown = nanos;
      double left = (nanos - phaseStarted) * (total - done) / (double) done;
      String line =
          String.format(
              Locale.ROOT,
              "%s  %.0f%%  %s left",
              what,
              100.0 * done / total,
              duration(Duration.ofNanos((long) left)));
      print(line.substring(0, Math.min(line.length(), width - 1)));
    } else if (done >= total) {
      erase();
    }
  }

  /** Prints a line of its own, such as where a checkpoint was written. */
  public void note(String line) {
    erase();
    out.println(line);
    if (terminal && now.nanos() > started) {
      show();
    }
  }

  /** Shows the final state, and leaves the cursor on a new line. */
  public void finish() {
    if (!closed) {
      closed = true;
      if (terminal && now.nanos() > started) {
        show();
        out.println();
      } else if (now.nanos() > shown) {
        show();
      }
    }
  }

  /** The same as {@link #finish}. */
  @Override
  public void close() {
    finish();
  }

  private void show() {
    shown = now.nanos();
    // The last column would break the line on some terminals.
    print(line(terminal ? width - 1 : Integer.MAX_VALUE));
  }

  private void print(String line) {
    if (terminal) {
      int blank = Math.max(0, drawn - line.length());
      out.print("\r" + line + " ".repeat(blank));
      drawn = line.length();
    } else {
      out.println(line);
    }
    out.flush();
  }

  private void erase() {
    if (drawn > 0) {
      out.print("\r" + " ".repeat(drawn) + "\r");
      drawn = 0;
    }
  }

  private String line(int room) {
    List<String> fields = new ArrayList<>();
    if (hasLoss) {
      double value = Double.isFinite(lastLoss) ? loss.value() : lastLoss;
      fields.add(String.format(Locale.ROOT, "loss %.4f", value));
    }
    Sample oldest = samples.getFirst();
    double seconds = (now.nanos() - oldest.nanos()) / 1e9;
    double imagesPerSecond = (now.images() - oldest.images()) / seconds;
    double stepsPerSecond = (now.step() - oldest.step()) / seconds;
    if (seconds > 0) {
      if (now.images() > 0) {
        String format = imagesPerSecond < 9.95 ? "%.1f images/s" : "%.0f images/s";
        fields.add(String.format(Locale.ROOT, format, imagesPerSecond));
      } else {
        fields.add(String.format(Locale.ROOT, "%.2f s/step", 1 / stepsPerSecond));
      }
      Duration left = left(stepsPerSecond);
      fields.add(left.isPositive() ? duration(left) + " left" : "done");
    }
    StringBuilder memory = new StringBuilder();
    ResidentMemory.bytes().ifPresent(bytes -> memory.append(bytes(bytes)).append(", "));
    fields.add(memory + "tensors " + bytes(tensorBytes.getAsLong()));

    String head =
        limit instanceof Limit.Steps steps ? now.step() + "/" + steps.total() : "" + now.step();
    String percent = String.format(Locale.ROOT, "%3.0f%%", 100 * Math.clamp(fraction(), 0, 1));
    String tail = percent + "  " + String.join("  ", fields);
    if (!terminal) {
      String unit = limit instanceof Limit.Steps steps ? steps.unit() : "step";
      return unit + " " + head + "  " + tail.strip();
    }
    int bar = Math.min(LARGEST_BAR, room - head.length() - tail.length() - 4);
    String line = bar < SMALLEST_BAR ? head + " " + tail : head + " " + bar(bar) + " " + tail;
    return line.substring(0, Math.min(line.length(), room));
  }

  private String bar(int size) {
    int full = (int) (Math.clamp(fraction(), 0, 1) * size);
    String head = full < size ? ">" : "";
    return "[" + "=".repeat(full) + head + " ".repeat(size - full - head.length()) + "]";
  }

  private Duration elapsed(Limit.Time time) {
    return time.used().plusNanos(now.nanos() - started);
  }

  private double fraction() {
    return switch (limit) {
      case Limit.Steps steps -> now.step() / (double) Math.max(1, steps.total());
      case Limit.Time time ->
          elapsed(time).toNanos() / (double) Math.max(1, time.budget().toNanos());
    };
  }

  private Duration left(double stepsPerSecond) {
    return switch (limit) {
      case Limit.Steps steps ->
          Duration.ofMillis(
              (long) (1e3 * Math.max(0, steps.total() - now.step()) / stepsPerSecond));
      case Limit.Time time -> time.budget().minus(elapsed(time));
    };
  }

  /** In the two largest units: {@code 45s}, {@code 8m 04s}, {@code 1h 02m}, {@code 2d 03h}. */
  public static String duration(Duration duration) {
    long seconds = Math.max(0, duration.plusMillis(500).toSeconds());
    if (seconds < 60) {
      return seconds + "s";
    }
    if (seconds < 3600) {
      return String.format(Locale.ROOT, "%dm %02ds", seconds / 60, seconds % 60);
    }
    if (seconds < 86400) {
      return String.format(Locale.ROOT, "%dh %02dm", seconds / 3600, seconds / 60 % 60);
    }
    return String.format(Locale.ROOT, "%dd %02dh", seconds / 86400, seconds / 3600 % 24);
  }

  /** {@code 612 MB}, {@code 3.1 GB}, in powers of ten. */
  public static String bytes(long bytes) {
    return bytes < 999_500_000L
        ? String.format(Locale.ROOT, "%.0f MB", bytes / 1e6)
        : String.format(Locale.ROOT, "%.1f GB", bytes / 1e9);
  }
}
