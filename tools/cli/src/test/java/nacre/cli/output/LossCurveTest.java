package nacre.cli.output;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;
import nacre.cli.output.Chart.Axis;
import nacre.cli.output.MetricsLog.Entry;
import org.junit.jupiter.api.Test;

class LossCurveTest {
  private static final int STRONG = 0x1F5FA8;

  private static List<Entry> run(int steps, DoubleUnaryOperator loss) {
    List<Entry> entries = new ArrayList<>();
    for (int step = 1; step <= steps; step++) {
      entries.add(
          new Entry(step, Map.of("loss", loss.applyAsDouble(step), "learning_rate", 1e-3 / step)));
    }
    return entries;
  }

  /** The mean height of a color in a column of pixels, 0 at the top; NaN where there is none. */
  private static double height(BufferedImage picture, int x, int rgb) {
    double sum = 0;
    int count = 0;
    for (int y = 60; y < 400; y++) { // inside the loss's axes, below its legend
      if ((picture.getRGB(x, y) & 0xFFFFFF) == rgb) {
        sum += y;
        count++;
      }
    }
    return sum / count;
  }

  @Test
  void aFallingLossFallsOnThePicture() {
    BufferedImage drawn = LossCurve.draw("falling", run(1000, step -> Math.exp(-step / 300)));
    double left = height(drawn, 150, STRONG);
    double middle = height(drawn, 450, STRONG);
    double right = height(drawn, 900, STRONG);
    assertTrue(left < middle && middle < right, left + " " + middle + " " + right);
    // An exponential is straight on a logarithmic axis.
    assertEquals(left + (right - left) * 300 / 750, middle, 6);
  }

  @Test
  void orderAndGapsDoNotMatter() {
    List<Entry> entries = run(500, step -> 1 + step % 7);
    BufferedImage expected = LossCurve.draw("same", entries);
    BufferedImage actual = LossCurve.draw("same", entries.reversed());
    assertArrayEquals(pixels(expected), pixels(actual));
    List<Entry> broken = new ArrayList<>(run(500, step -> step > 200 ? Double.NaN : 1));
    broken.add(new Entry(600, Map.of("psnr", 20.0)));
    BufferedImage drawn = LossCurve.draw("broken", broken);
    assertTrue(height(drawn, 200, STRONG) > 0);
  }

  @Test
  void emptyAndShortRunsAreDrawn() {
    for (int steps : new int[] {0, 1, 2}) {
      BufferedImage drawn = LossCurve.draw("short", run(steps, step -> 0.5));
      assertEquals(960, drawn.getWidth());
    }
    LossCurve.draw("never positive", run(3, step -> 0));
  }

  private static int[] pixels(BufferedImage picture) {
    int width = picture.getWidth();
    return picture.getRGB(0, 0, width, picture.getHeight(), null, 0, width);
  }

  @Test
  void marksAreRoundAndFew() {
    assertEquals(List.of(0.0, 500.0, 1000.0, 1500.0), Axis.covering(0, 1700, false, 5).marks());
    assertEquals(List.of(0.1, 1.0, 10.0), rounded(Axis.covering(0.1, 20, true, 3).marks()));
    for (double high : new double[] {1.001, 1.2, 3, 40, 1e6, 1e12}) {
      int marks = Axis.covering(1, high, true, 6).marks().size();
      assertTrue(marks >= 2 && marks <= 13, high + ": " + marks);
    }
  }

  private static List<Double> rounded(List<Double> values) {
    return values.stream().map(value -> Math.round(value * 1e6) / 1e6).toList();
  }

  @Test
  void numbersAreShort() {
    assertEquals("0", Chart.number(0));
    assertEquals("0.002", Chart.number(0.002));
    assertEquals("0.3", Chart.number(0.1 + 0.2));
    assertEquals("5e-5", Chart.number(5e-5));
    assertEquals("1e-4", Chart.number(1e-4));
    assertEquals("2500", Chart.number(2500));
    assertEquals("20k", Chart.number(20_000));
    assertEquals("1.5M", Chart.number(1_500_000));
  }
}
