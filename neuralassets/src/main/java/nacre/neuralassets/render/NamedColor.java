package nacre.neuralassets.render;

import java.util.Locale;

/** The colors of objects, which are part of their names. */
public enum NamedColor {
  RED(206, 32, 38),
  ORANGE(240, 126, 24),
  YELLOW(248, 206, 40),
  GREEN(52, 150, 62),
  CYAN(36, 184, 190),
  BLUE(36, 82, 204),
  PURPLE(128, 56, 178),
  PINK(240, 120, 176),
  WHITE(238, 238, 232),
  BLACK(44, 44, 50);

  private final Rgb rgb;

  NamedColor(int r, int g, int b) {
    rgb = Rgb.ofDisplay(r, g, b);
  }

  /** Returns the color as linear light. */
  public Rgb rgb() {
    return rgb;
  }

  /** Returns the name as it appears in object names. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
