package nacre.evaluation;

/**
 * The two forms of pictures: packed bytes as in files, and numbers in [0, 1], of which bytes hold
 * 256 levels.
 */
public final class Rgb {
  private Rgb() {}

  /** The nearest bytes; numbers outside of [0, 1] are clamped. */
  public static byte[] bytes(float[] picture) {
    byte[] rgb = new byte[picture.length];
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) Math.round(Math.clamp(picture[i], 0, 1) * 255);
    }
    return rgb;
  }

  /** Numbers in [0, 1]. */
  public static float[] floats(byte[] rgb) {
    float[] picture = new float[rgb.length];
    for (int i = 0; i < rgb.length; i++) {
      picture[i] = (rgb[i] & 0xFF) / 255f;
    }
    return picture;
  }
}
