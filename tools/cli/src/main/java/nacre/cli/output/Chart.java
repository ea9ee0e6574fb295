package nacre.cli.output;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.Rectangle;
import java.awt.Shape;
import java.awt.geom.Line2D;
import java.awt.geom.Path2D;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;

/**
 * One panel of lines over training steps.
 *
 * @param label what is drawn, above the panel
 * @param series drawn in this order
 * @param logarithmic whether the vertical axis is; values of 0 and below are then left out
 */
record Chart(String label, List<Series> series, boolean logarithmic) {
  private static final double TEXT_SIZE = 12;
  private static final Color GRID = new Color(0xE6E6E6);

  /**
   * One line.
   *
   * @param name for the legend; empty keeps it out
   * @param steps ascending
   * @param values one a step; a value that is not finite interrupts the line
   */
  record Series(String name, Color color, float thickness, double[] steps, double[] values) {}

  /** A range of values with round tick marks. */
  record Axis(double low, double high, boolean logarithmic, List<Double> marks) {
    /** Chooses about {@code count} tick marks. */
    static Axis covering(double low, double high, boolean logarithmic, int count) {
      return logarithmic ? logarithmic(low, high, count) : linear(low, high, count);
    }

    private static Axis linear(double low, double high, int count) {
      double span = high > low ? high - low : Math.max(Math.abs(high), 1);
      double rough = span / count;
      double power = Math.pow(10, Math.floor(Math.log10(rough)));
      double ratio = rough / power;
      double step = power * (ratio <= 1 ? 1 : ratio <= 2 ? 2 : ratio <= 5 ? 5 : 10);
      double top = high > low ? high : high + span;
      List<Double> marks = new ArrayList<>();
      for (long k = (long) Math.ceil(low / step); k * step <= top + 1e-9 * span; k++) {
        marks.add(k * step);
      }
      return new Axis(low, top, false, marks);
    }

    private static Axis logarithmic(double least, double most, int count) {
      double air = most > least * 1.1 ? 1 : 1.1;
      double low = least / air;
      double top = most * air;
      // The finest tick marks of a logarithmic axis that are few enough: 1, 2, 3, 5, 7 of each
      // decade, and so on.
      double[][] choices = {{1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 2, 3, 5, 7}, {1, 2, 5}, {1, 3}};
      for (double[] choice : choices) {
        List<Double> marks = decades(low, top, choice);
        if (marks.size() <= count) {
          // Within a small part of a decade linear tick marks are closer.
          return marks.size() >= 2
              ? new Axis(low, top, true, marks)
              : new Axis(low, top, true, linear(low, top, count).marks());
        }
      }
      return new Axis(low, top, true, decades(low, top, new double[] {1}));
    }

    private static List<Double> decades(double low, double high, double[] digits) {
      List<Double> marks = new ArrayList<>();
      for (int decade = (int) Math.floor(Math.log10(low)); Math.pow(10, decade) <= high; decade++) {
        for (double digit : digits) {
          double mark = digit * Math.pow(10, decade);
          if (mark >= low && mark <= high) {
            marks.add(mark);
          }
        }
      }
      return marks;
    }

    /** The position of a value, from 0 at {@code low} to 1 at {@code high}; NaN if it has none. */
    double place(double value) {
      return logarithmic
          ? (value > 0 ? Math.log(value / low) / Math.log(high / low) : Double.NaN)
          : (value - low) / (high - low);
    }
  }

  /** Draws the panel; {@code area} is the inside of the axes. */
  void paint(Graphics2D graphics, Rectangle area, Axis steps, boolean withStepMarks) {
    Axis values = valueAxis(Math.max(3, area.height / 45));
    for (double mark : values.marks()) {
      double y = area.getMaxY() - values.place(mark) * area.height;
      graphics.setColor(GRID);
      graphics.draw(new Line2D.Double(area.x, y, area.getMaxX(), y));
      graphics.setColor(Canvas.FAINT_INK);
      Lettering.REGULAR.drawRight(
          graphics, number(mark), area.x - 7, y + Lettering.CAPITAL * TEXT_SIZE / 2, TEXT_SIZE);
    }
    for (double mark : steps.marks()) {
      double x = area.x + steps.place(mark) * area.width;
      graphics.setColor(GRID);
      graphics.draw(new Line2D.Double(x, area.y, x, area.getMaxY()));
      if (withStepMarks) {
        graphics.setColor(Canvas.FAINT_INK);
        Lettering.REGULAR.drawCentered(
            graphics, number(mark), x, area.getMaxY() + 1.6 * TEXT_SIZE, TEXT_SIZE);
      }
    }
    graphics.setColor(Canvas.INK);
    Lettering.BOLD.draw(graphics, label, area.x, area.y - 0.7 * TEXT_SIZE, TEXT_SIZE + 1);
    paintLegend(graphics, area);
    Shape clip = graphics.getClip();
    graphics.clipRect(area.x, area.y - 1, area.width + 1, area.height + 2);
    for (Series one : series) {
      graphics.setColor(one.color());
      graphics.setStroke(
          new BasicStroke(one.thickness(), BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND));
      graphics.draw(line(one, area, steps, values));
    }
    graphics.setClip(clip);
    graphics.setStroke(new BasicStroke(1));
    graphics.setColor(new Color(0xB0B0B0));
    graphics.draw(area);
  }

  private void paintLegend(Graphics2D graphics, Rectangle area) {
    double x = area.getMaxX();
    double baseline = area.y - 0.7 * TEXT_SIZE;
    for (Series one : series.reversed()) {
      if (!one.name().isEmpty()) {
        x -= Lettering.REGULAR.width(one.name(), TEXT_SIZE);
        graphics.setColor(Canvas.INK);
        Lettering.REGULAR.draw(graphics, one.name(), x, baseline, TEXT_SIZE);
        x -= 26;
        double y = baseline - 0.3 * TEXT_SIZE;
        graphics.setColor(one.color());
        graphics.setStroke(new BasicStroke(Math.max(2, one.thickness())));
        graphics.draw(new Line2D.Double(x, y, x + 20, y));
        graphics.setStroke(new BasicStroke(1));
        x -= 14;
      }
    }
  }

  /** A range that contains every value, with a small margin; 0 to 1 if there are no values. */
  private Axis valueAxis(int marks) {
    double low = Double.POSITIVE_INFINITY;
    double high = Double.NEGATIVE_INFINITY;
    for (Series one : series) {
      for (double value : one.values()) {
        if (Double.isFinite(value) && (!logarithmic || value > 0)) {
          low = Math.min(low, value);
          high = Math.max(high, value);
        }
      }
    }
    if (low > high) {
      return Axis.covering(logarithmic ? 0.1 : 0, 1, logarithmic, marks);
    }
    if (logarithmic) {
      double air = Math.pow(high / low, 0.03);
      return Axis.covering(low / air, high * air, true, marks);
    }
    return Axis.covering(Math.min(low, 0), high * 1.05, false, marks);
  }

  /**
   * The line in pixels. Where many steps fall on one column of pixels, only the first, lowest,
   * highest and last of them are kept: the same picture, drawn in bounded time.
   */
  private Path2D line(Series one, Rectangle area, Axis steps, Axis values) {
    Path2D path = new Path2D.Double();
    boolean broken = true;
    int count = one.steps().length;
    for (int start = 0; start < count; ) {
      int end = start;
      double column = Math.floor(steps.place(one.steps()[start]) * area.width);
      int low = start;
      int high = start;
      while (end < count && Math.floor(steps.place(one.steps()[end]) * area.width) == column) {
        low = !(one.values()[end] >= one.values()[low]) ? end : low;
        high = !(one.values()[end] <= one.values()[high]) ? end : high;
        end++;
      }
      int[] kept = {start, Math.min(low, high), Math.max(low, high), end - 1};
      for (int index : kept) {
        double x = area.x + steps.place(one.steps()[index]) * area.width;
        double y = area.getMaxY() - values.place(one.values()[index]) * area.height;
        if (!Double.isFinite(y)) {
          broken = true;
        } else if (broken) {
          path.moveTo(x, y);
          path.lineTo(x, y);
          broken = false;
        } else {
          path.lineTo(x, y);
        }
      }
      start = end;
    }
    return path;
  }

  /** The short label of a tick mark: {@code 0.002}, {@code 5e-5}, {@code 20k}. */
  static String number(double value) {
    double size = Math.abs(value);
    if (size == 0) {
      return "0";
    }
    if (size >= 1e6) {
      return plain(value / 1e6) + "M";
    }
    if (size >= 1e4) {
      return plain(value / 1e3) + "k";
    }
    if (size < 1e-3) {
      int exponent = (int) Math.floor(Math.log10(size * (1 + 1e-12)));
      return plain(value / Math.pow(10, exponent)) + "e" + exponent;
    }
    return plain(value);
  }

  private static String plain(double value) {
    return new BigDecimal(value).round(new MathContext(4)).stripTrailingZeros().toPlainString();
  }
}
