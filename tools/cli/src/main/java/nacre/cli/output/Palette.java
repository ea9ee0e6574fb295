package nacre.cli.output;

import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.awt.image.WritableRaster;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * A palette of at most 256 colors for some pictures: variance-based median cut (Heckbert 1982, with
 * Wu's choice of the box to split), then a few rounds of k-means.
 */
final class Palette {
  private static final int MAX_COLOURS = 256;
  private static final int ROUNDS = 4;

  /** Bits per channel by which colors are distinguished. */
  private static final int BITS = 6;

  private static final int DROP = 8 - BITS;
  private static final int BINS = 1 << 3 * BITS;

  /** Red, green, blue of each color, 0 to 255. */
  private final double[][] colors;

  /** Nearest color of each bin, -1 while not yet looked up. */
  private final short[] nearest = new short[BINS];

  private Palette(double[][] colors) {
    this.colors = colors;
    Arrays.fill(nearest, (short) -1);
  }

  /** All pixels of one bin: how many, and their sum a channel. */
  private static final class Bin {
    private long count;
    private final double[] sum = new double[3];

    private double mean(int channel) {
      return sum[channel] / count;
    }
  }

  /** Bins that share a color. */
  private record Box(List<Bin> bins, int widest, double spread) {
    static Box of(List<Bin> bins) {
      double[] spread = new double[3];
      for (int channel = 0; channel < 3; channel++) {
        double mean = mean(bins, channel);
        for (Bin bin : bins) {
          double distance = bin.mean(channel) - mean;
          spread[channel] += bin.count * distance * distance;
        }
      }
      int widest = spread[0] > spread[1] ? 0 : 1;
      widest = spread[2] > spread[widest] ? 2 : widest;
      return new Box(bins, widest, bins.size() < 2 ? 0 : spread[widest]);
    }

    static double mean(List<Bin> bins, int channel) {
      double sum = 0;
      long count = 0;
      for (Bin bin : bins) {
        sum += bin.sum[channel];
        count += bin.count;
      }
      return sum / count;
    }

    /** Cuts at the mean of the channel that varies most. */
    List<Box> split() {
      double mean = mean(bins, widest);
      return List.of(
          of(bins.stream().filter(bin -> bin.mean(widest) < mean).toList()),
          of(bins.stream().filter(bin -> bin.mean(widest) >= mean).toList()));
    }

    double[] color() {
      return new double[] {mean(bins, 0), mean(bins, 1), mean(bins, 2)};
    }
  }

  static Palette of(List<BufferedImage> pictures) {
    List<Bin> bins = histogram(pictures);
    List<Box> boxes = new ArrayList<>(List.of(Box.of(bins)));
    while (boxes.size() < MAX_COLOURS) {
      Box worst = boxes.stream().max(Comparator.comparingDouble(Box::spread)).orElseThrow();
      if (worst.spread() <= 0) {
        break;
      }
      List<Box> halves = worst.split();
      boxes.remove(worst);
      boxes.addAll(halves);
    }
    Palette palette = new Palette(boxes.stream().map(Box::color).toArray(double[][]::new));
    for (int round = 0; round < ROUNDS; round++) {
      palette = palette.refined(bins);
    }
    return palette;
  }

  private static List<Bin> histogram(List<BufferedImage> pictures) {
    Bin[] bins = new Bin[BINS];
    for (BufferedImage picture : pictures) {
      for (int y = 0; y < picture.getHeight(); y++) {
        for (int x = 0; x < picture.getWidth(); x++) {
          int rgb = picture.getRGB(x, y);
          int key = key(rgb >> 16 & 0xFF, rgb >> 8 & 0xFF, rgb & 0xFF);
          Bin bin = bins[key] == null ? bins[key] = new Bin() : bins[key];
          bin.count++;
          for (int channel = 0; channel < 3; channel++) {
            bin.sum[channel] += rgb >> 16 - 8 * channel & 0xFF;
          }
        }
      }
    }
    return Arrays.stream(bins).filter(bin -> bin != null).toList();
  }

  /** Moves every color to the mean of the pixels nearest to it. */
  private Palette refined(List<Bin> bins) {
    double[][] sums = new double[colors.length][3];
    long[] counts = new long[colors.length];
    for (Bin bin : bins) {
      int index = search(bin.mean(0), bin.mean(1), bin.mean(2));
      counts[index] += bin.count;
      for (int channel = 0; channel < 3; channel++) {
        sums[index][channel] += bin.sum[channel];
      }
    }
    double[][] moved = new double[colors.length][];
    for (int i = 0; i < moved.length; i++) {
      moved[i] = counts[i] == 0 ? colors[i] : sums[i].clone();
      for (int channel = 0; channel < 3 && counts[i] > 0; channel++) {
        moved[i][channel] /= counts[i];
      }
    }
    return new Palette(moved);
  }

  IndexColorModel colorModel() {
    byte[][] channels = new byte[3][MAX_COLOURS];
    for (int i = 0; i < colors.length; i++) {
      for (int channel = 0; channel < 3; channel++) {
        channels[channel][i] = (byte) Math.round(colors[i][channel]);
      }
    }
    return new IndexColorModel(8, MAX_COLOURS, channels[0], channels[1], channels[2]);
  }

  /**
   * The picture in this palette's colors, with the error of each pixel diffused to its neighbors
   * (Floyd and Steinberg 1976).
   *
   * @param strength 0 for no dithering, 1 for all of it
   */
  BufferedImage apply(BufferedImage picture, double strength) {
    int width = picture.getWidth();
    int height = picture.getHeight();
    IndexColorModel model = colorModel();
    BufferedImage indexed =
        new BufferedImage(width, height, BufferedImage.TYPE_BYTE_INDEXED, model);
    WritableRaster raster = indexed.getRaster();
    double[][] row = new double[width + 2][3];
    double[][] below = new double[width + 2][3];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int rgb = picture.getRGB(x, y);
        long[] wanted = new long[3];
        for (int channel = 0; channel < 3; channel++) {
          double value = (rgb >> 16 - 8 * channel & 0xFF) + row[x + 1][channel];
          wanted[channel] = Math.clamp(Math.round(value), 0L, 255L);
        }
        int index = nearest((int) wanted[0], (int) wanted[1], (int) wanted[2]);
        raster.setSample(x, y, 0, index);
        for (int channel = 0; channel < 3; channel++) {
          double rest = strength * (wanted[channel] - colors[index][channel]) / 16;
          row[x + 2][channel] += 7 * rest;
          below[x][channel] += 3 * rest;
          below[x + 1][channel] += 5 * rest;
          below[x + 2][channel] += rest;
        }
      }
      double[][] free = row;
      row = below;
      below = free;
      for (double[] pixel : below) {
        Arrays.fill(pixel, 0);
      }
    }
    return indexed;
  }

  private int nearest(int red, int green, int blue) {
    int key = key(red, green, blue);
    if (nearest[key] < 0) {
      nearest[key] = (short) search(red, green, blue);
    }
    return nearest[key];
  }

  private int search(double red, double green, double blue) {
    int best = 0;
    double least = Double.POSITIVE_INFINITY;
    for (int i = 0; i < colors.length; i++) {
      double dr = colors[i][0] - red;
      double dg = colors[i][1] - green;
      double db = colors[i][2] - blue;
      double distance = dr * dr + dg * dg + db * db;
      if (distance < least) {
        least = distance;
        best = i;
      }
    }
    return best;
  }

  private static int key(int red, int green, int blue) {
    return red >> DROP << 2 * BITS | green >> DROP << BITS | blue >> DROP;
  }
}
