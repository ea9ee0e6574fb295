package nacre.diffusion.vae;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
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
import org.junit.jupiter.params.provider.ValueSource;

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

  /** Levels of 255 that may differ at most: rounding. */
  private static final double MOST = 0.02;

  /** How many times enlarged. */
  @ParameterizedTest
  @ValueSource(ints = {4, 1})
  void tilesAreTheWhole(int enlarged) throws IOException {
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.create(Device.cpu(), DType.F32, 1);
      AutoencoderKL vae = Checkpoint.open(AUTOENCODER).readVae(p);
      Tensor picture = picture(enlarged);
      Tiles tiles = new Tiles(TILE);
      Tensor latent = vae.encode(picture).mode();
      float[] whole = vae.decode(latent).toFloats();
      float[] decoded = levels(whole, tiles.decode(vae, latent).toFloats());
      float[] both = levels(whole, tiles.decode(vae, tiles.encode(vae, picture).mode()).toFloats());
      assertTrue(largest(decoded) <= MOST, "decoded: " + largest(decoded));
      assertTrue(largest(both) <= MOST, "encoded and decoded: " + largest(both));
    }
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
    float largest = 0;
    for (float level : levels) {
      largest = Math.max(largest, level);
    }
    return largest;
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
