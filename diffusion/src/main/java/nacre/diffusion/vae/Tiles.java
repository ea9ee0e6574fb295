package nacre.diffusion.vae;

import static nacre.tensor.ops.Concat.concat;

import java.util.List;
import java.util.function.UnaryOperator;
import nacre.diffusion.vae.Coder.Stage;
import nacre.nn.TiledMoments;
import nacre.nn.TiledMoments.Rows;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;

/**
 * Tiles in which an autoencoder encodes and decodes large images, stage by stage, so that memory is
 * that of a stage's input and output and of a tile between them. A tile is a strip as wide as the
 * image, with what layers see beyond its edges, and normalized by {@linkplain TiledMoments what was
 * measured over all of them}: so the result is that of the whole image, but for rounding. Stages
 * whose whole image is little, those of the latent's size and attention among them, see the whole.
 *
 * @param side of a square of as many pixels as a tile has at most, a multiple of the autoencoder's
 *     downsampling
 */
public record Tiles(int side) {
  private static final int LEAST = 32;

  /** A stage computes the whole where it has less pixels than a tile by this factor. */
  private static final long FEWER = 4;

  /**
   * Checks the size.
   *
   * @throws IllegalArgumentException if it is too small
   */
  public Tiles {
    if (side < LEAST) {
      throw new IllegalArgumentException(
          "tiles: of " + side + " pixels; " + LEAST + " or more are wanted");
    }
  }

  /** As {@link AutoencoderKL#encode}. */
  public LatentDistribution encode(AutoencoderKL vae, Tensor image) {
    requireMultiple(vae);
    return holds(image, 1)
        ? vae.encode(image)
        : new LatentDistribution(perImage(image, x -> coded(vae, vae.encoder().stages(), x)));
  }

  /** As {@link AutoencoderKL#decode}. */
  public Tensor decode(AutoencoderKL vae, Tensor latent) {
    requireMultiple(vae);
    return holds(latent, vae.config().downsampling())
        ? vae.decode(latent)
        : perImage(latent, x -> coded(vae, vae.decoder().stages(), x));
  }

  private void requireMultiple(AutoencoderKL vae) {
    int factor = vae.config().downsampling();
    if (side % factor != 0) {
      throw new IllegalArgumentException(
          "tiles: of " + side + " pixels; a multiple of " + factor + " is wanted");
    }
  }

  private boolean holds(Tensor x, int scale) {
    return (long) x.dim(1) * x.dim(2) * scale * scale <= (long) side * side;
  }

  private static Tensor perImage(Tensor all, UnaryOperator<Tensor> coder) {
    return Scope.tidy(
        () -> {
          Tensor[] each = new Tensor[all.dim(0)];
          for (int i = 0; i < each.length; i++) {
            Tensor one = all.rows(i, i + 1);
            each[i] = Scope.tidy(() -> coder.apply(one));
          }
          return concat(0, each);
        });
  }

  private Tensor coded(AutoencoderKL vae, List<Stage> stages, Tensor image) {
    try (Scope scope = Scope.open()) {
      Tensor x = image;
      for (Stage stage : stages) {
        Tensor input = x;
        if (stage.out() == vae.config().downsampling() || isLittle(stage, input)) {
          x = stage.layer().forward(input);
          scope.free(input);
          continue;
        }
        Tensor[] made = strips(stage, input);
        scope.free(input); // before there are the parts and the whole of the output
        x = concat(1, made);
        for (Tensor part : made) {
          scope.free(part);
        }
      }
      return scope.keep(x);
    }
  }

  private boolean isLittle(Stage stage, Tensor x) {
    long pixels = (long) x.dim(1) * x.dim(2) * stage.in() * stage.in();
    long scale = Math.min(stage.in(), stage.out());
    return FEWER * pixels <= (long) side * side * scale * scale;
  }

  /** What a stage makes of an image {@code [1, H, W, C]}, in parts along the rows. */
  private Tensor[] strips(Stage stage, Tensor x) {
    Strip[] strips = Strip.of(stage, x, side);
    Tensor[] made = new Tensor[strips.length];
    TiledMoments moments = new TiledMoments();
    do {
      for (int i = 0; i < strips.length; i++) {
        Strip strip = strips[i];
        made[i] =
            Scope.tidy(
                () ->
                    moments
                        .compute(strip.own(), () -> stage.layer().forward(strip.seen().of(x)))
                        .map(strip.own()::copy)
                        .orElse(null));
      }
    } while (moments.settle());
    return made;
  }

  /**
   * A tile as wide as the image.
   *
   * @param seen rows of the image that it is made of
   * @param own rows of them that no other tile gives
   */
  record Strip(Rows seen, Rows own) {
    /** Rows beyond its own that a stage sees at most, where it has the fewest pixels. */
    static final int MARGIN = 4;

    /** Those of an image: of one size, each of as many pixels as a square at most. */
    static Strip[] of(Stage stage, Tensor x, int side) {
      int scale = Math.max(stage.in(), stage.out());
      int height = x.dim(1) * stage.in() / scale;
      int width = x.dim(2) * stage.in() / scale;
      long square = (long) side * side / scale / scale;
      long wanted = Math.ceilDiv((long) height * width, square);
      int count = (int) Math.max(1, Math.min(wanted, height / MARGIN));
      int all = Math.min(height, Math.ceilDiv(height, count) + 2 * MARGIN);
      Strip[] strips = new Strip[count];
      for (int i = 0; i < count; i++) {
        int from = i * height / count;
        int to = (i + 1) * height / count;
        int begin = Math.clamp(from - MARGIN, 0, height - all);
        strips[i] =
            new Strip(
                new Rows(begin, begin + all, height), new Rows(from - begin, to - begin, all));
      }
      return strips;
    }
  }
}
