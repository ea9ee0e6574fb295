package nacre.diffusion.vae;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import nacre.diffusion.vae.Coder.Stage;
import nacre.diffusion.vae.Tiles.Strip;
import nacre.nn.Parameters;
import nacre.nn.TiledMoments.Rows;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.RandomNormal;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TilesTest {
  private static final Device CPU = Device.cpu();

  private Scope scope;

  @BeforeEach
  void open() {
    scope = Scope.open();
  }

  @AfterEach
  void nothingIsLeft() {
    scope.close();
    assertEquals(0, Memory.liveTensors());
  }

  private static Tensor random(int... shape) {
    return RandomNormal.normal(CPU, Shape.of(shape), 1, 0);
  }

  /** Each row is one strip's own, and none sees less than the margin, but at the edges. */
  @Test
  void stripsHaveOneSizeAndAllRows() {
    for (int[] size : new int[][] {{128, 128}, {24, 200}, {9, 32}, {65, 31}, {8, 4000}}) {
      for (Stage stage :
          new Stage[] {new Stage(null, 8, 8), new Stage(null, 8, 4), new Stage(null, 4, 8)}) {
        int scale = Math.max(stage.in(), stage.out());
        Tensor x =
            Tensor.zeros(CPU, DType.F32, Shape.of(1, size[0] * scale / stage.in(), size[1], 1));
        Strip[] strips = Strip.of(stage, x, 512);
        int next = 0;
        for (Strip strip : strips) {
          Rows seen = strip.seen();
          Rows own = strip.own();
          assertEquals(size[0], seen.all());
          assertEquals(strips[0].own().all(), own.all(), "one size for all");
          assertEquals(own.all(), seen.to() - seen.from());
          assertEquals(next, seen.from() + own.from());
          next = seen.from() + own.to();
          assertTrue(seen.from() == 0 || own.from() >= Strip.MARGIN);
          assertTrue(seen.to() == size[0] || own.all() - own.to() >= Strip.MARGIN);
        }
        assertEquals(size[0], next);
      }
    }
  }

  @Test
  void anImageOfOneTileIsThatOfTheAutoencoder() throws JsonProcessingException {
    AutoencoderKL vae = autoencoder();
    Tensor image = random(1, 64, 96, 3);
    float[] moments = vae.encode(image).moments().toFloats();
    assertArrayEquals(moments, new Tiles(96).encode(vae, image).moments().toFloats());
    Tensor latent = vae.encode(image).mode();
    assertArrayEquals(vae.decode(latent).toFloats(), new Tiles(96).decode(vae, latent).toFloats());

    assertTrue(
        assertThrows(IllegalArgumentException.class, () -> new Tiles(34).decode(vae, latent))
            .getMessage()
            .contains("a multiple of 4"));
    assertThrows(IllegalArgumentException.class, () -> new Tiles(8));
  }

  /** Tiles are the whole, but for rounding. */
  @Test
  void tilesMakeTheSame() throws JsonProcessingException {
    AutoencoderKL vae = autoencoder();
    for (int[] size : new int[][] {{64, 96}, {132, 40}, {8, 200}, {96, 96}}) {
      Tensor image = random(2, size[0], size[1], 3);
      for (int side : new int[] {32, 64}) {
        float[] moments = vae.encode(image).moments().toFloats();
        Tensor tiled = new Tiles(side).encode(vae, image).moments();
        assertArrayEquals(moments, tiled.toFloats(), 1e-4f);
        Tensor latent = vae.encode(image).mode();
        float[] decoded = vae.decode(latent).toFloats();
        assertArrayEquals(decoded, new Tiles(side).decode(vae, latent).toFloats(), 1e-4f);
      }
    }
  }

  private static AutoencoderKL autoencoder() throws JsonProcessingException {
    String config =
        """
        {"block_out_channels": [4, 8, 8], "layers_per_block": 1, "latent_channels": 3,
         "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D"],
         "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"],
         "norm_num_groups": 2}
        """;
    Parameters p = Parameters.create(CPU, DType.F32, 3);
    return new AutoencoderKL(p, VaeConfig.of(new JsonMapper().readTree(config)));
  }
}
