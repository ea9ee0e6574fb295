package nacre.diffusion.vae;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import javax.imageio.ImageIO;
import nacre.diffusion.checkpoint.Checkpoint;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * How far a picture that goes through a trained autoencoder in tiles is from the same picture as a
 * whole. The autoencoder is the one of the demo, which was trained on pictures of 64 pixels; the
 * picture is a sheet of such as it is, and enlarged. docs/cli.md has the numbers.
 */
class TiledPictureTest {
  private static final Path AUTOENCODER = Path.of("../models/autoencoder");
  private static final int SIDE = 256;
  private static final int TILE = 128;

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  /** How many times enlarged, then levels of 255 that may differ: measured, and a little more. */
  @ParameterizedTest
  @CsvSource({"4, 10, 1.8", "1, 9, 1"})
  void tilesAreCloseToTheWhole(int enlarged, double most, double inTheMean) throws IOException {
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.create(Device.cpu(), DType.F32, 1);
      AutoencoderKL vae = Checkpoint.open(AUTOENCODER).readVae(p);
      Tensor picture = picture(enlarged);
      Tiles tiles = new Tiles(TILE);
      Tensor latent = vae.encode(picture).mode();
      float[] whole = vae.decode(latent).toFloats();
      float[] decoded = levels(whole, tiles.decode(vae, latent).toFloats());
      float[] both = levels(whole, tiles.decode(vae, tiles.encode(vae, picture).mode()).toFloats());
      String found = describe("decoded", decoded) + "; " + describe("encoded and decoded", both);
      assertTrue(largest(decoded) <= most && mean(decoded) <= inTheMean, found);
      assertTrue(largest(both) <= most && mean(both) <= inTheMean, found);
    }
  }

  private static String describe(String what, float[] levels) {
    return String.format(
        Locale.ROOT,
        "%s: %.2f of 255 levels at most, %.3f in the mean",
        what,
        largest(levels),
        mean(levels));
  }

  /** Differences in levels of 8 bits; pixels count from -1 to 1, and what is beyond is cut. */
  private static float[] levels(float[] whole, float[] tiled) {
    float[] levels = new float[whole.length];
    for (int i = 0; i < whole.length; i++) {
      float a = Math.clamp(whole[i], -1, 1);
      float b = Math.clamp(tiled[i], -1, 1);
      levels[i] = Math.abs(a - b) * 127.5f;
    }
    return levels;
  }

  private static float largest(float[] levels) {
    float[] sorted = levels.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length - 1];
  }

  private static double mean(float[] levels) {
    double sum = 0;
    for (float level : levels) {
      sum += level;
    }
    return sum / levels.length;
  }

  private static Tensor picture(int enlarged) throws IOException {
    BufferedImage sheet = ImageIO.read(AUTOENCODER.resolve("samples.png").toFile());
    float[] pixels = new float[SIDE * SIDE * 3];
    for (int y = 0; y < SIDE; y++) {
      for (int x = 0; x < SIDE; x++) {
        int rgb = sheet.getRGB(x / enlarged % sheet.getWidth(), y / enlarged % sheet.getHeight());
        for (int c = 0; c < 3; c++) {
          pixels[(y * SIDE + x) * 3 + c] = (rgb >> (16 - 8 * c) & 0xFF) / 127.5f - 1;
        }
      }
    }
    return Tensor.of(Device.cpu(), Shape.of(1, SIDE, SIDE, 3), pixels);
  }
}
