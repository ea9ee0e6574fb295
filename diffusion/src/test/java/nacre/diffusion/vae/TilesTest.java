package nacre.diffusion.vae;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.ArrayList;
import java.util.List;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.ops.Ops;
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

  /** Where each pixel depends on itself alone, tiles cannot be told from the whole. */
  @Test
  void tilesOfAPointwiseWorkAreTheWhole() {
    for (int[] size : new int[][] {{21, 13}, {8, 40}, {9, 8}, {8, 8}, {5, 30}, {64, 64}}) {
      Tensor x = random(2, size[0], size[1], 3);
      List<Shape> seen = new ArrayList<>();
      Tensor tiled =
          Tiles.each(
              x,
              new Tiles.Grid(8, 1, 1, 1),
              part -> {
                seen.add(part.shape());
                return Ops.scale(part, 3);
              });
      assertArrayEquals(Ops.scale(x, 3).toFloats(), tiled.toFloats(), 2e-6f);
      for (Shape shape : seen) {
        assertEquals(
            Shape.of(2, Math.min(8, size[0]), Math.min(8, size[1]), 3), shape, "one size for all");
      }
    }
  }

  @Test
  void whatIsLargerOrSmallerIsPutWhereItBelongs() {
    Tensor x = random(1, 20, 28, 2);
    Tensor up = Tiles.each(x, new Tiles.Grid(8, 1, 2, 1), part -> Ops.resize(part, 16, 16));
    assertEquals(Shape.of(1, 40, 56, 2), up.shape());
    Tensor down =
        Tiles.each(
            x,
            new Tiles.Grid(8, 2, 1, 2),
            part -> Ops.resize(part, part.dim(1) / 2, part.dim(2) / 2));
    assertEquals(Shape.of(1, 10, 14, 2), down.shape());
    float[] whole = Ops.resize(x, 10, 14).toFloats();
    float[] tiled = down.toFloats();
    double error = 0;
    for (int i = 0; i < whole.length; i++) {
      error += Math.abs(whole[i] - tiled[i]) / whole.length;
    }
    assertTrue(error < 0.1, "" + error); // antialiasing sees less at the edges of tiles
  }

  @Test
  void anImageOfOneTileIsThatOfTheAutoencoder() throws JsonProcessingException {
    String config =
        """
        {"block_out_channels": [4, 8, 8], "layers_per_block": 1, "latent_channels": 3,
         "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D"],
         "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"],
         "norm_num_groups": 2}
        """;
    Parameters p = Parameters.create(CPU, DType.F32, 3);
    AutoencoderKL vae = new AutoencoderKL(p, VaeConfig.of(new JsonMapper().readTree(config)));
    Tensor image = random(1, 64, 96, 3);
    float[] moments = vae.encode(image).moments().toFloats();
    assertArrayEquals(moments, new Tiles(96).encode(vae, image).moments().toFloats());
    Tensor latent = vae.encode(image).mode();
    assertArrayEquals(vae.decode(latent).toFloats(), new Tiles(96).decode(vae, latent).toFloats());

    Tensor tiled = new Tiles(32).decode(vae, latent);
    assertEquals(Shape.of(1, 64, 96, 3), tiled.shape());
    assertEquals(Shape.of(1, 16, 24, 6), new Tiles(32).encode(vae, image).moments().shape());
    assertTrue(
        assertThrows(IllegalArgumentException.class, () -> new Tiles(34).decode(vae, latent))
            .getMessage()
            .contains("a multiple of 4"));
    assertThrows(IllegalArgumentException.class, () -> new Tiles(8));
  }
}
