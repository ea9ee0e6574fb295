package nacre.cli.output;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.Rectangle;
import java.awt.image.BufferedImage;
import java.util.List;
import java.util.Optional;
import nacre.cli.output.Sheet.Row;
import nacre.cli.output.Sheet.Tile;
import org.junit.jupiter.api.Test;

class SheetTest {
  private static final int RED = 0xC00000;
  private static final int GREEN = 0x00C000;
  private static final int BLUE = 0x0000C0;

  private static Optional<Rectangle> find(BufferedImage picture, int rgb) {
    Rectangle found = null;
    for (int y = 0; y < picture.getHeight(); y++) {
      for (int x = 0; x < picture.getWidth(); x++) {
        if ((picture.getRGB(x, y) & 0xFFFFFF) == rgb) {
          Rectangle pixel = new Rectangle(x, y, 1, 1);
          found = found == null ? pixel : found.union(pixel);
        }
      }
    }
    return Optional.ofNullable(found);
  }

  private static Tile tile(int rgb) {
    return Tile.of(Pictures.plain(8, 8, rgb));
  }

  @Test
  void tilesStandInRowsAndColumns() {
    Sheet sheet =
        new Sheet(
            "title",
            List.of("source", "target", "replace by another scene's object"),
            List.of(
                new Row("scene 1", List.of(tile(RED), Tile.EMPTY, tile(GREEN))),
                new Row("scene 2", List.of(new Tile(Pictures.plain(8, 8, BLUE), "a caption")))),
            5,
            Upscaling.NEAREST);
    BufferedImage drawn = sheet.draw();
    Rectangle red = find(drawn, RED).orElseThrow();
    Rectangle green = find(drawn, GREEN).orElseThrow();
    Rectangle blue = find(drawn, BLUE).orElseThrow();
    for (Rectangle tile : List.of(red, green, blue)) {
      assertEquals(40, tile.width);
      assertEquals(40, tile.height);
      assertTrue(new Rectangle(0, 0, drawn.getWidth(), drawn.getHeight()).contains(tile));
    }
    assertEquals(red.y, green.y);
    assertEquals(red.x, blue.x);
    assertTrue(green.x >= red.getMaxX() + 40, "the empty cell lies between");
    assertTrue(blue.y > red.getMaxY());
  }

  @Test
  void smallerPicturesAreCenteredInTheirCells() {
    BufferedImage drawn =
        new Sheet(
                "",
                List.of("", ""),
                List.of(new Row("", List.of(tile(RED), Tile.of(Pictures.plain(4, 2, GREEN))))),
                2,
                Upscaling.NEAREST)
            .draw();
    Rectangle red = find(drawn, RED).orElseThrow();
    Rectangle green = find(drawn, GREEN).orElseThrow();
    assertEquals(new Rectangle(green.x, red.y + 6, 8, 4), green);
  }

  @Test
  void nearestKeepsPixelsAndSmoothBlendsThem() {
    BufferedImage two = Pictures.plain(2, 1, RED);
    two.setRGB(1, 0, GREEN);
    BufferedImage nearest = Upscaling.NEAREST.apply(two, 8);
    assertEquals(new Rectangle(0, 0, 8, 8), find(nearest, RED).orElseThrow());
    assertEquals(new Rectangle(8, 0, 8, 8), find(nearest, GREEN).orElseThrow());
    int middle = Upscaling.SMOOTH.apply(two, 8).getRGB(7, 4);
    assertTrue(
        (middle >> 16 & 0xFF) > 40 && (middle >> 8 & 0xFF) > 40, Integer.toHexString(middle));
  }

  @Test
  void shapesThatMakeNoTableAreRefused() {
    Row row = new Row("", List.of(tile(RED), tile(GREEN)));
    assertThrows(
        IllegalArgumentException.class,
        () -> new Sheet("", List.of("one"), List.of(row), 1, Upscaling.NEAREST));
    assertThrows(
        IllegalArgumentException.class,
        () -> new Sheet("", List.of("one"), List.of(), 1, Upscaling.NEAREST));
    assertThrows(
        IllegalArgumentException.class,
        () -> new Sheet("", List.of("one", "two"), List.of(row), 0, Upscaling.NEAREST));
    assertEquals(4, Sheet.scaleFor(Pictures.plain(32, 20, RED), 140));
    assertEquals(1, Sheet.scaleFor(Pictures.plain(512, 512, RED), 140));
  }
}
