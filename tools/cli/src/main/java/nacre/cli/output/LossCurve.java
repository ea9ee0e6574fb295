package nacre.cli.output;

import java.awt.Color;
import java.awt.Rectangle;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import nacre.cli.output.Chart.Axis;
import nacre.cli.output.Chart.Series;

/**
 * The chart of a training run: the loss of each step, faint, its running mean over about a fiftieth
 * of the run, strong, and below it the learning rate.
 */
public final class LossCurve {
  /** Name of the loss in the log. */
  public static final String LOSS = "loss";

  /** The name of the loss on held-out clips in the log. */
  public static final String VALIDATION = "validation_loss";

  /** Name of the learning rate in the log. */
  public static final String LEARNING_RATE = "learning_rate";

  private static final int WIDTH = 960;
  private static final int LEFT = 66;
  private static final int RIGHT = 22;
  private static final int LOSS_TOP = 62;
  private static final int LOSS_HEIGHT = 330;
  private static final int RATE_TOP = LOSS_TOP + LOSS_HEIGHT + 40;
  private static final int RATE_HEIGHT = 90;
  private static final int HEIGHT = RATE_TOP + RATE_HEIGHT + 56;

  private static final Color HELD_OUT = new Color(0x2E8B57);
  private static final Color RAW = new Color(0xB9D3EA);
  private static final Color SMOOTH = new Color(0x1F5FA8);
  private static final Color RATE = new Color(0xC4622D);
  private static final double TEXT_SIZE = 13;

  private LossCurve() {}

  /**
   * Draws the curve.
   *
   * @param title above the curve
   * @param entries in any order; those without a loss or a learning rate are left out of that curve
   */
  public static BufferedImage draw(String title, List<MetricsLog.Entry> entries) {
    List<MetricsLog.Entry> sorted = new ArrayList<>(entries);
    sorted.sort(Comparator.comparingLong(MetricsLog.Entry::step));
    Series raw = series("each logged step", RAW, 1, sorted, LOSS);
    Series smooth = smoothed(raw);
    Series rate = series("", RATE, 1.8f, sorted, LEARNING_RATE);
    Series heldOut = series("held-out clips", HELD_OUT, 2.2f, sorted, VALIDATION);
    boolean validated = heldOut.steps().length > 0;
    Chart loss =
        new Chart("Loss", validated ? List.of(raw, smooth, heldOut) : List.of(raw, smooth), true);
    Chart learningRate = new Chart("Learning rate", List.of(rate), false);
    long first = sorted.isEmpty() ? 0 : Math.min(0, sorted.getFirst().step());
    long last = sorted.isEmpty() ? 1 : Math.max(1, sorted.getLast().step());
    Axis steps = Axis.covering(first, last, false, 9);
    return Canvas.draw(
        WIDTH,
        HEIGHT,
        graphics -> {
          Lettering.BOLD.draw(graphics, title, LEFT, 26, 16);
          int width = WIDTH - LEFT - RIGHT;
          loss.paint(graphics, new Rectangle(LEFT, LOSS_TOP, width, LOSS_HEIGHT), steps, false);
          learningRate.paint(
              graphics, new Rectangle(LEFT, RATE_TOP, width, RATE_HEIGHT), steps, true);
          graphics.setColor(Canvas.INK);
          Lettering.REGULAR.drawCentered(
              graphics, "step", LEFT + width / 2.0, HEIGHT - 13, TEXT_SIZE);
        });
  }

  private static Series series(
      String name, Color color, float thickness, List<MetricsLog.Entry> entries, String key) {
    List<MetricsLog.Entry> with =
        entries.stream().filter(entry -> entry.values().containsKey(key)).toList();
    return new Series(
        name,
        color,
        thickness,
        with.stream().mapToDouble(MetricsLog.Entry::step).toArray(),
        with.stream().mapToDouble(entry -> entry.values().get(key)).toArray());
  }

  private static Series smoothed(Series raw) {
    ExponentialMean mean = new ExponentialMean(1 - 1 / Math.max(1, raw.values().length / 50.0));
    double[] values = raw.values().clone();
    for (int i = 0; i < values.length; i++) {
      double value = mean.add(values[i]).value();
      values[i] = Double.isFinite(values[i]) ? value : Double.NaN; // a gap here as in the raw line
    }
    return new Series("running mean", SMOOTH, 2.2f, raw.steps(), values);
  }
}
