package nacre.evaluation.metric;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import nacre.neuralassets.scene.PngFile;

/** The pictures of 64 by 64 pixels that come with LPIPS (BSD 2-Clause), in [0, 1]. */
final class Samples {
  static final int SIZE = 64;

  static final float[] TRUTH = read("lpips_ex_ref");
  static final float[] BLURRED = read("lpips_ex_p0");
  static final float[] WARPED = read("lpips_ex_p1");

  private Samples() {}

  private static float[] read(String name) {
    try {
      Path file = Path.of("src/test/resources/metrics", name + ".png");
      byte[] rgb = PngFile.readRgb(file, SIZE, SIZE);
      float[] picture = new float[rgb.length];
      for (int i = 0; i < rgb.length; i++) {
        picture[i] = (rgb[i] & 0xFF) / 255f;
      }
      return picture;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The two distorted pictures as a batch. */
  static float[] both() {
    return joined(BLURRED, WARPED);
  }

  static float[] joined(float[] a, float[] b) {
    float[] all = new float[a.length + b.length];
    System.arraycopy(a, 0, all, 0, a.length);
    System.arraycopy(b, 0, all, a.length, b.length);
    return all;
  }
}
