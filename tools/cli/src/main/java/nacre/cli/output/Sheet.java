package nacre.cli.output;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.ToIntFunction;
import java.util.stream.Stream;

/**
 * A table of small pictures with headings, laid out into one image: a row a scene, a column an
 * edit.
 *
 * @param title above the table; empty for none
 * @param columns headings, left to right
 * @param rows top to bottom; a row may have fewer tiles than there are columns
 * @param scale whole factor by which every picture is enlarged
 * @param upscaling how it is enlarged
 */
public record Sheet(
    String title, List<String> columns, List<Row> rows, int scale, Upscaling upscaling) {
  private static final int MARGIN = 14;
  private static final int GAP = 6;
  private static final int LABEL_LINES = 4;
  private static final double TITLE_SIZE = 17;
  private static final double HEADING_SIZE = 14;
  private static final double CAPTION_SIZE = 11;
  private static final double MAX_LABEL_WIDTH = 130;

  /** Copies the lists and checks the shape of the table. */
  public Sheet {
    Objects.requireNonNull(title);
    Objects.requireNonNull(upscaling);
    columns = List.copyOf(columns);
    rows = List.copyOf(rows);
    if (rows.stream().flatMap(Sheet::pictures).findAny().isEmpty()) {
      throw new IllegalArgumentException("a sheet without a picture");
    }
    if (scale < 1) {
      throw new IllegalArgumentException("sheet scale " + scale + " is below 1");
    }
    for (Row row : rows) {
      if (row.tiles().size() > columns.size()) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "sheet row '%s' has %d tiles for %d columns",
                row.label(),
                row.tiles().size(),
                columns.size()));
      }
    }
  }

  /**
   * One row.
   *
   * @param label left of the tiles; empty for none
   * @param tiles left to right
   */
  public record Row(String label, List<Tile> tiles) {
    /** Copies the list. */
    public Row {
      Objects.requireNonNull(label);
      tiles = List.copyOf(tiles);
    }
  }

  /**
   * One cell.
   *
   * @param picture null leaves the cell empty
   * @param caption below the picture; empty for none
   */
  public record Tile(BufferedImage picture, String caption) {
    /** A cell with nothing in it, for an edit that a scene does not allow. */
    public static final Tile EMPTY = new Tile(null, "");

    /** Checks that there is a caption, if only an empty one. */
    public Tile {
      Objects.requireNonNull(caption);
    }

    /** A picture without a caption. */
    public static Tile of(BufferedImage picture) {
      return new Tile(picture, "");
    }
  }

  private static Stream<BufferedImage> pictures(Row row) {
    return row.tiles().stream().map(Tile::picture).filter(Objects::nonNull);
  }

  /** The largest whole factor, 1 at least, that keeps a tile within {@code pixels}. */
  public static int scaleFor(BufferedImage picture, int pixels) {
    return Math.max(1, pixels / Math.max(picture.getWidth(), picture.getHeight()));
  }

  /** Lays the sheet out and draws it. */
  public BufferedImage draw() {
    return new Layout().draw();
  }

  /** The layout; all cells are as large as the largest picture. */
  private final class Layout {
    private final int cellWidth = scale * max(BufferedImage::getWidth);
    private final int cellHeight = scale * max(BufferedImage::getHeight);
    private final List<List<String>> headings =
        columns.stream().map(text -> lines(Lettering.BOLD, text, HEADING_SIZE, cellWidth)).toList();
    private final List<List<String>> labels =
        rows.stream()
            .map(row -> lines(Lettering.BOLD, row.label(), HEADING_SIZE, MAX_LABEL_WIDTH))
            .toList();
    private final List<List<List<String>>> captions =
        rows.stream()
            .map(
                row ->
                    row.tiles().stream()
                        .map(
                            tile ->
                                lines(Lettering.REGULAR, tile.caption(), CAPTION_SIZE, cellWidth))
                        .toList())
            .toList();
    private final int left = MARGIN + labelWidth();
    private final int top = MARGIN + blockHeight(title.isEmpty() ? 0 : 1, TITLE_SIZE);
    private final int tableTop = top + blockHeight(mostLines(headings), HEADING_SIZE);

    BufferedImage draw() {
      int width = left + columns.size() * (cellWidth + GAP) - GAP + MARGIN;
      int titleWidth = (int) Math.ceil(Lettering.BOLD.width(title, TITLE_SIZE)) + 2 * MARGIN;
      int height = tableTop - GAP + MARGIN;
      for (int row = 0; row < rows.size(); row++) {
        height += rowHeight(row);
      }
      return Canvas.draw(Math.max(width, titleWidth), height, this::paint);
    }

    private void paint(Graphics2D graphics) {
      Lettering.BOLD.draw(
          graphics, title, MARGIN, MARGIN + Lettering.CAPITAL * TITLE_SIZE, TITLE_SIZE);
      for (int column = 0; column < columns.size(); column++) {
        List<String> heading = headings.get(column);
        // Headings of fewer lines stand at the bottom, next to their pictures.
        double y = tableTop - blockHeight(heading.size(), HEADING_SIZE);
        centered(graphics, Lettering.BOLD, heading, cellX(column), y, HEADING_SIZE);
      }
      int y = tableTop;
      for (int row = 0; row < rows.size(); row++) {
        paintRow(graphics, row, y);
        y += rowHeight(row);
      }
    }

    private void paintRow(Graphics2D graphics, int row, int y) {
      List<String> label = labels.get(row);
      double above = (cellHeight - label.size() * Lettering.LINE * HEADING_SIZE) / 2;
      double baseline = y + above + Lettering.CAPITAL * HEADING_SIZE;
      for (String line : label) {
        Lettering.BOLD.draw(graphics, line, MARGIN, baseline, HEADING_SIZE);
        baseline += Lettering.LINE * HEADING_SIZE;
      }
      List<Tile> tiles = rows.get(row).tiles();
      for (int column = 0; column < tiles.size(); column++) {
        BufferedImage picture = tiles.get(column).picture();
        if (picture != null) {
          BufferedImage large = upscaling.apply(picture, scale);
          int x = cellX(column) + (cellWidth - large.getWidth()) / 2;
          graphics.drawImage(large, x, y + (cellHeight - large.getHeight()) / 2, null);
        } else {
          graphics.setColor(new Color(0xF2F2F2));
          graphics.fillRect(cellX(column), y, cellWidth, cellHeight);
        }
        graphics.setColor(Canvas.FAINT_INK);
        centered(
            graphics,
            Lettering.REGULAR,
            captions.get(row).get(column),
            cellX(column),
            y + cellHeight + GAP,
            CAPTION_SIZE);
        graphics.setColor(Canvas.INK);
      }
    }

    private void centered(
        Graphics2D graphics, Lettering face, List<String> lines, int x, double y, double size) {
      double baseline = y + Lettering.CAPITAL * size;
      for (String line : lines) {
        face.drawCentered(graphics, line, x + cellWidth / 2.0, baseline, size);
        baseline += Lettering.LINE * size;
      }
    }

    private int cellX(int column) {
      return left + column * (cellWidth + GAP);
    }

    private int rowHeight(int row) {
      int captionLines = mostLines(captions.get(row));
      return cellHeight + GAP + (captionLines == 0 ? 0 : blockHeight(captionLines, CAPTION_SIZE));
    }

    private int labelWidth() {
      double widest =
          labels.stream()
              .flatMap(List::stream)
              .mapToDouble(line -> Lettering.BOLD.width(line, HEADING_SIZE))
              .max()
              .orElse(0);
      return widest == 0 ? 0 : (int) Math.ceil(widest) + 2 * GAP;
    }

    private int max(ToIntFunction<BufferedImage> size) {
      return rows.stream().flatMap(Sheet::pictures).mapToInt(size).max().orElseThrow();
    }
  }

  /** Height of some lines of text and the gap below them, in pixels. */
  private static int blockHeight(int lines, double size) {
    return lines == 0 ? 0 : (int) Math.ceil(lines * Lettering.LINE * size) + GAP / 2;
  }

  private static int mostLines(List<List<String>> texts) {
    return texts.stream().mapToInt(List::size).max().orElse(0);
  }

  private static List<String> lines(Lettering face, String text, double size, double maxWidth) {
    return text.isBlank() ? List.of() : face.wrap(text, size, maxWidth, LABEL_LINES);
  }
}
