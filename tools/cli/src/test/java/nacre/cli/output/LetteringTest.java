package nacre.cli.output;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.Rectangle;
import java.awt.image.BufferedImage;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class LetteringTest {
  private static Rectangle ink(BufferedImage picture) {
    Rectangle ink = new Rectangle(-1, -1);
    for (int y = 0; y < picture.getHeight(); y++) {
      for (int x = 0; x < picture.getWidth(); x++) {
        if ((picture.getRGB(x, y) & 0xFF) < 128) {
          ink.add(new Rectangle(x, y, 1, 1));
        }
      }
    }
    return ink;
  }

  @ParameterizedTest
  @EnumSource
  void everyPrintableCharacterLeavesInkInItsPlace(Lettering face) {
    for (char character = '!'; character <= '~'; character++) {
      String text = Character.toString(character);
      Rectangle ink = ink(Canvas.draw(120, 100, g -> face.draw(g, text, 20, 70, 60)));
      assertFalse(ink.isEmpty(), text);
      assertTrue(ink.x >= 14 && ink.getMaxX() <= 26 + face.width(text, 60), text + " " + ink);
      assertTrue(ink.y >= 10 && ink.getMaxY() <= 90, text + " " + ink);
    }
  }

  @Test
  void aCapitalStandsOnItsBaseline() {
    Rectangle ink = ink(Canvas.draw(120, 120, g -> Lettering.REGULAR.draw(g, "H", 10, 110, 100)));
    assertEquals(110, ink.getMaxY(), 1);
    assertEquals(100 * Lettering.CAPITAL, ink.height, 1.5);
  }

  @Test
  void unknownCharactersBecomeBoxes() {
    assertEquals(Lettering.BOLD.width("□□", 20), Lettering.BOLD.width("漢字", 20));
  }

  @Test
  void linesBreakAtSpacesAndAreCutWhereTheyMust() {
    Lettering face = Lettering.REGULAR;
    double width = face.width("background of", 12) + 1;
    assertEquals(
        List.of("background of", "another scene"),
        face.wrap("background of another scene", 12, width, 3));
    List<String> path = face.wrap("scene /data/with/a/long/name/first", 12, width, 3);
    assertTrue(path.getLast().contains("…"), path.toString());
    assertTrue(path.getLast().endsWith("rst"), path.toString());
    List<String> cut = face.wrap("background of another scene and of a third", 12, width, 2);
    assertEquals(2, cut.size());
    assertTrue(cut.getLast().endsWith("…"), cut.toString());
    for (String line : face.wrap("incomprehensibilities it is", 12, 50, 3)) {
      assertTrue(face.width(line, 12) <= 50, line);
    }
  }
}
