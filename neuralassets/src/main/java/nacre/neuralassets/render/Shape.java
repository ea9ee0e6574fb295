package nacre.neuralassets.render;

import java.util.Locale;

/**
 * The solids that can be rendered. Each fills its bounding box [−hx, hx] × [−hy, hy] × [−hz, hz] in
 * its own axes; cylinder, cone and torus stand around the z axis.
 */
public enum Shape {
  BOX,
  SPHERE,
  CYLINDER,
  CONE,
  TORUS;

  /** Returns the name as it appears in object names and files. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
