package nacre.cli.output;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.Rectangle;
import java.awt.geom.Line2D;
import java.awt.geom.Rectangle2D;
import java.awt.image.BufferedImage;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Arrays;
import java.util.List;

/**
 * How often values lie in equal parts of their range, as bars.
 *
 * @param label what is counted, with its unit
 * @param values in any order; those that are not finite are left out
 */
public record Histogram(String label, double[] values) {
  private static final int BARS = 40;
  private static final int COLUMNS = 3;
  private static final int WIDTH = 300;
  private static final int HEIGHT = 150;
  private static final int GAP = 58;
  private static final int TOP = 44;
  private static final double TEXT_SIZE = 12;
  private static final Color BAR = new Color(0x1F5FA8);
  private static final Color GRID = new Color(0xE6E6E6);

  /** Draws histograms side by side, three in a row. */
  public static BufferedImage draw(String title, List<Histogram> histograms) {
    int rows = Math.ceilDiv(histograms.size(), COLUMNS);
    return Canvas.draw(
        COLUMNS * (WIDTH + GAP) + GAP / 2,
        TOP + rows * (HEIGHT + GAP) + 8,
        graphics -> {
          Lettering.BOLD.draw(graphics, title, GAP / 2.0, 24, 16);
          for (int i = 0; i < histograms.size(); i++) {
            int x = GAP / 2 + i % COLUMNS * (WIDTH + GAP);
            int y = TOP + i / COLUMNS * (HEIGHT + GAP) + 20;
            histograms.get(i).paint(graphics, new Rectangle(x, y, WIDTH, HEIGHT));
          }
        });
  }

  /** The number of values in each of so many equal parts from the least to the greatest. */
  int[] counts(double low, double high, int bars) {
    int[] counts = new int[bars];
    for (double value : values) {
      if (Double.isFinite(value)) {
        counts[(int) Math.min(bars - 1, Math.floor((value - low) / (high - low) * bars))]++;
      }
    }
    return counts;
  }

  private void paint(Graphics2D graphics, Rectangle area) {
    double low = Double.POSITIVE_INFINITY;
    double high = Double.NEGATIVE_INFINITY;
    boolean whole = true;
    for (double value : values) {
      if (Double.isFinite(value)) {
        low = Math.min(low, value);
        high = Math.max(high, value);
        whole &= value == Math.rint(value);
      }
    }
    graphics.setColor(Canvas.INK);
    Lettering.BOLD.draw(graphics, label, area.x, area.y - 0.7 * TEXT_SIZE, TEXT_SIZE + 1);
    if (low <= high) {
      int bars = BARS;
      if (whole && high - low < BARS) { // a bar for each number, which stands in its middle
        bars = (int) (high - low) + 1;
        low -= 0.5;
        high += 0.5;
      }
      high = high > low ? high : low + 1;
      paintBars(graphics, area, Chart.Axis.covering(low, high, false, 6), counts(low, high, bars));
    }
    graphics.setColor(new Color(0xB0B0B0));
    graphics.draw(area);
  }

  private static void paintBars(
      Graphics2D graphics, Rectangle area, Chart.Axis axis, int[] counts) {
    for (double mark : axis.marks()) {
      double x = area.x + axis.place(mark) * area.width;
      graphics.setColor(GRID);
      graphics.draw(new Line2D.Double(x, area.y, x, area.getMaxY()));
      graphics.setColor(Canvas.FAINT_INK);
      String text =
          new BigDecimal(mark).round(new MathContext(4)).stripTrailingZeros().toPlainString();
      Lettering.REGULAR.drawCentered(
          graphics, text, x, area.getMaxY() + 1.4 * TEXT_SIZE, TEXT_SIZE);
    }
    int most = Arrays.stream(counts).max().orElse(1);
    double width = (double) area.width / counts.length;
    graphics.setColor(BAR);
    for (int i = 0; i < counts.length; i++) {
      double height = 0.96 * area.height * counts[i] / Math.max(1, most);
      graphics.fill(
          new Rectangle2D.Double(
              area.x + i * width, area.getMaxY() - height, Math.max(1, width - 1), height));
    }
  }
}
