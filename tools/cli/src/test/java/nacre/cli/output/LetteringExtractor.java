package nacre.cli.output;

import java.awt.Font;
import java.awt.Shape;
import java.awt.font.FontRenderContext;
import java.awt.font.GlyphVector;
import java.awt.geom.PathIterator;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;

/**
 * Makes {@code lettering.txt} out of the DejaVu Sans fonts. Run it to add characters: arguments are
 * the folder that holds {@code DejaVuSans.ttf} and {@code DejaVuSans-Bold.ttf}, a file with the
 * fonts' license, and the file to write.
 */
final class LetteringExtractor {
  /** DejaVu's units per em; at this size every coordinate of an outline is whole. */
  private static final int EM = 2048;

  private static final String MORE = "°±²³µ·×–—…←→−≈≤≥□";

  private LetteringExtractor() {}

  public static void main(String[] arguments) throws Exception {
    try (PrintStream out = new PrintStream(arguments[2], StandardCharsets.UTF_8)) {
      Files.readAllLines(Path.of(arguments[1])).forEach(line -> out.println(("# " + line).strip()));
      extract(Path.of(arguments[0], "DejaVuSans.ttf"), "regular", out);
      extract(Path.of(arguments[0], "DejaVuSans-Bold.ttf"), "bold", out);
      if (out.checkError()) {
        throw new IOException("could not write " + arguments[2]);
      }
    }
  }

  private static void extract(Path file, String face, PrintStream out) throws Exception {
    Font font = Font.createFont(Font.TRUETYPE_FONT, file.toFile()).deriveFont((float) EM);
    FontRenderContext exact = new FontRenderContext(null, true, true);
    IntStream.concat(IntStream.rangeClosed(' ', '~'), MORE.chars())
        .forEach(
            character -> {
              GlyphVector glyph = font.createGlyphVector(exact, Character.toString(character));
              long advance = Math.round(glyph.getGlyphMetrics(0).getAdvanceX());
              String path = path(glyph.getOutline());
              out.println((face + " " + character + " " + advance + " " + path).strip());
            });
  }

  private static String path(Shape outline) {
    StringBuilder text = new StringBuilder();
    double[] at = new double[6];
    for (PathIterator i = outline.getPathIterator(null); !i.isDone(); i.next()) {
      int kind = i.currentSegment(at);
      int numbers =
          switch (kind) {
            case PathIterator.SEG_MOVETO, PathIterator.SEG_LINETO -> 2;
            case PathIterator.SEG_QUADTO -> 4;
            case PathIterator.SEG_CLOSE -> 0;
            default -> throw new IllegalStateException("a cubic curve in a TrueType font");
          };
      text.append(text.isEmpty() ? "" : " ").append("MLQCZ".charAt(kind));
      for (int k = 0; k < numbers; k++) {
        text.append(' ').append(Math.round(at[k]));
      }
    }
    return text.toString();
  }
}
