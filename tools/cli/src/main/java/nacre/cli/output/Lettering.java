package nacre.cli.output;

import java.awt.Graphics2D;
import java.awt.geom.AffineTransform;
import java.awt.geom.Path2D;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Text in pictures, drawn with outlines of its own. The JDK's text drawing needs the system's font
 * libraries, which servers and containers often lack, and looks different on each machine; this
 * looks the same everywhere. Sizes are pixels per em.
 */
enum Lettering {
  REGULAR,
  BOLD;

  /** Height of a capital letter above the baseline, in em. */
  static final double CAPITAL = 0.73;

  /** Distance between baselines, in em. */
  static final double LINE = 1.25;

  /** The replacement for characters without an outline. */
  private static final int MISSING = '□';

  private static final double UNITS_PER_EM = 2048;

  private record Glyph(double advance, Path2D outline) {}

  private static final class Glyphs {
    static final Map<Lettering, Map<Integer, Glyph>> ALL = read();
  }

  /** Width of one line of text in pixels. */
  double width(String text, double size) {
    return text.codePoints().mapToDouble(c -> glyph(c).advance()).sum() * size / UNITS_PER_EM;
  }

  /** Draws one line in the current color, its left end at {@code x}. */
  void draw(Graphics2D graphics, String text, double x, double baseline, double size) {
    double scale = size / UNITS_PER_EM;
    AffineTransform place = new AffineTransform(scale, 0, 0, scale, x, baseline);
    for (int character : text.codePoints().toArray()) {
      Glyph glyph = glyph(character);
      graphics.fill(place.createTransformedShape(glyph.outline()));
      place.translate(glyph.advance(), 0);
    }
  }

  /** Draws one line with its middle at {@code x}. */
  void drawCentered(Graphics2D graphics, String text, double x, double baseline, double size) {
    draw(graphics, text, x - width(text, size) / 2, baseline, size);
  }

  /** Draws one line with its right end at {@code x}. */
  void drawRight(Graphics2D graphics, String text, double x, double baseline, double size) {
    draw(graphics, text, x - width(text, size), baseline, size);
  }

  /**
   * Breaks text at spaces into lines no wider than {@code maxWidth} pixels. Text beyond {@code
   * maxLines} is cut and ends in an ellipsis; a word that is wider has one inside.
   */
  List<String> wrap(String text, double size, double maxWidth, int maxLines) {
    List<String> lines = new ArrayList<>();
    StringBuilder line = new StringBuilder();
    for (String word : text.strip().split("\\s+")) {
      if (!line.isEmpty() && width(line + " " + word, size) > maxWidth) {
        lines.add(line.toString());
        line.setLength(0);
      }
      line.append(line.isEmpty() ? "" : " ").append(word);
    }
    lines.add(line.toString());
    if (lines.size() > maxLines) {
      String rest = String.join(" ", lines.subList(maxLines - 1, lines.size()));
      lines = new ArrayList<>(lines.subList(0, maxLines - 1));
      lines.add(rest);
    }
    lines.replaceAll(whole -> cut(whole, size, maxWidth));
    return lines;
  }

  private String cut(String text, double size, double maxWidth) {
    if (width(text, size) <= maxWidth) {
      return text;
    }
    if (!text.contains(" ")) {
      return cutInside(text, size, maxWidth);
    }
    int end = text.length();
    while (end > 0 && width(text.substring(0, end).strip() + "…", size) > maxWidth) {
      end = text.offsetByCodePoints(end, -1);
    }
    return text.substring(0, end).strip() + "…";
  }

  /** A word that is too wide keeps both ends: paths differ in their last names. */
  private String cutInside(String word, double size, double maxWidth) {
    int[] letters = word.codePoints().toArray();
    for (int kept = letters.length - 1; kept > 1; kept--) {
      int head = kept / 2;
      int tail = kept - head;
      String cut =
          new String(letters, 0, head) + "…" + new String(letters, letters.length - tail, tail);
      if (width(cut, size) <= maxWidth) {
        return cut;
      }
    }
    return "…";
  }

  private Glyph glyph(int character) {
    Map<Integer, Glyph> glyphs = Glyphs.ALL.get(this);
    return glyphs.getOrDefault(character, glyphs.get(MISSING));
  }

  private static Map<Lettering, Map<Integer, Glyph>> read() {
    Map<Lettering, Map<Integer, Glyph>> all =
        Map.of(REGULAR, new HashMap<>(), BOLD, new HashMap<>());
    try (InputStream in = Lettering.class.getResourceAsStream("lettering.txt");
        BufferedReader lines =
            new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (!line.startsWith("#")) {
          String[] words = line.split(" ");
          Lettering face = words[0].equals("bold") ? BOLD : REGULAR;
          Glyph glyph = new Glyph(Double.parseDouble(words[2]), outline(words));
          all.get(face).put(Integer.valueOf(words[1]), glyph);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the letters' outlines", e);
    }
    return all;
  }

  private static Path2D outline(String[] words) {
    Path2D path = new Path2D.Double(Path2D.WIND_NON_ZERO);
    for (int i = 3; i < words.length; ) {
      switch (words[i]) {
        case "M" -> path.moveTo(number(words, i + 1), number(words, i + 2));
        case "L" -> path.lineTo(number(words, i + 1), number(words, i + 2));
        case "Q" ->
            path.quadTo(
                number(words, i + 1),
                number(words, i + 2),
                number(words, i + 3),
                number(words, i + 4));
        default -> path.closePath();
      }
      i += words[i].equals("Q") ? 5 : words[i].equals("Z") ? 1 : 3;
    }
    return path;
  }

  private static double number(String[] words, int index) {
    return Double.parseDouble(words[index]);
  }
}
