package nacre.neuralassets.render;

/** A color as linear light, 1 being a white surface in full sun. */
public record Rgb(double r, double g, double b) {
  /** A color from display (sRGB) values 0 to 255, as color pickers show them. */
  static Rgb ofDisplay(int r, int g, int b) {
    return new Rgb(toLinear(r / 255.0), toLinear(g / 255.0), toLinear(b / 255.0));
  }

  Rgb times(double factor) {
    return new Rgb(r * factor, g * factor, b * factor);
  }

  Rgb mix(Rgb other, double share) {
    return new Rgb(r + (other.r - r) * share, g + (other.g - g) * share, b + (other.b - b) * share);
  }

  private static double toLinear(double s) {
    return s <= 0.04045 ? s / 12.92 : StrictMath.pow((s + 0.055) / 1.055, 2.4);
  }
}
