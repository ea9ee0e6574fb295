package nacre.neuralassets.scene;

/**
 * The projection of a point of the world into an image.
 *
 * @param u horizontal position, 0 = left edge, 1 = right edge, not clipped
 * @param v vertical position, 0 = top edge, 1 = bottom edge, not clipped
 * @param depth distance along the optical axis in scene units; positive in front of the camera
 */
public record Projection(double u, double v, double depth) {}
