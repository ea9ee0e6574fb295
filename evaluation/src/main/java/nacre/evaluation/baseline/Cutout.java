package nacre.evaluation.baseline;

import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.Projection;

/**
 * An object cut out of a picture and stuck onto its box, face by face, so that it can be seen with
 * the box elsewhere: each visible face of the target box shows what the same face of the source box
 * shows, by the homography between the two. A face that the source picture does not show has the
 * picture of the opposite face, straight through the box; if that is not seen either, of what hides
 * it.
 */
final class Cutout implements Layer {
  private final float[] picture;
  private final float[] share;
  private final int size;
  private final BoxRays source;
  private final BoxRays target;
  private final boolean stays;

  /**
   * A cutout at its place.
   *
   * @param picture {@code [S, S, 3]} in [0, 1]
   * @param share {@code [S, S]} of each pixel that shows the object
   * @param stays whether source and target are the same, so that pixels are kept as they are
   */
  Cutout(
      float[] picture,
      float[] share,
      int size,
      Box3 box,
      Camera camera,
      Box3 targetBox,
      Camera targetCamera,
      boolean stays) {
    this.picture = picture;
    this.share = share;
    this.size = size;
    this.source = new BoxRays(box, camera);
    this.target = new BoxRays(targetBox, targetCamera);
    this.stays = stays;
  }

  @Override
  public double look(double u, double v, double[] rgba) {
    BoxRays.Hit hit = target.hit(u, v);
    if (stays) {
      // The picture as it is; some pixels of it may lie beside the box.
      int pixel = pixel(v) * size + pixel(u);
      rgba[3] = share[pixel];
      for (int c = 0; c < 3; c++) {
        rgba[c] = share[pixel] * picture[3 * pixel + c];
      }
      return hit == null ? target.depth() : hit.depth();
    }
    rgba[3] = 0;
    if (hit == null) {
      return Double.POSITIVE_INFINITY;
    }
    double[] at = hit.at();
    if (!source.sees(hit.axis(), hit.side()) && source.sees(hit.axis(), 1 - hit.side())) {
      at[hit.axis()] = 1 - hit.side();
    }
    Projection seen = source.project(at);
    if (seen.depth() > 0 && seen.u() >= 0 && seen.u() <= 1 && seen.v() >= 0 && seen.v() <= 1) {
      Pictures.sample(picture, share, size, seen.u(), seen.v(), rgba);
    }
    return hit.depth();
  }

  private int pixel(double at) {
    return Math.clamp((int) (at * size), 0, size - 1);
  }
}
