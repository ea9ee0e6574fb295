package nacre.neuralassets.scene;

/**
 * The intrinsic parameters of a pinhole camera, in image units: a point at camera coordinates (x,
 * y, z) with depth d = −z appears at {@code u = cx + fx·x/d}, {@code v = cy − fy·y/d}, where (0, 0)
 * is the upper left and (1, 1) the lower right corner of the image.
 *
 * <p>To convert from a matrix in pixels, divide fx and cx by the width and fy and cy by the height.
 */
public record Intrinsics(double fx, double fy, double cx, double cy) {
  /**
   * A centered lens as Blender and Kubric describe it; Kubric's data sets use focal length 35 and a
   * sensor of 32 by 32.
   *
   * @param focalLength in the same unit as the sensor's sides, usually millimeters
   */
  public static Intrinsics ofLens(double focalLength, double sensorWidth, double sensorHeight) {
    return new Intrinsics(focalLength / sensorWidth, focalLength / sensorHeight, 0.5, 0.5);
  }
}
