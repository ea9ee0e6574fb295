package nacre.neuralassets.scene;

/**
 * A pinhole camera in the conventions of Kubric and MOVi.
 *
 * @param cameraToWorld takes camera coordinates (X right, Y up, −Z forward) to the world
 * @param intrinsics focal lengths and principal point in image units
 */
public record Camera(RigidPose cameraToWorld, Intrinsics intrinsics) {
  /** Projects a point of the world; nothing is clipped, so points behind have depth ≤ 0. */
  public Projection project(Vec3 world) {
    Vec3 p = worldToCamera(world);
    double depth = -p.z();
    return new Projection(
        intrinsics.cx() + intrinsics.fx() * p.x() / depth,
        intrinsics.cy() - intrinsics.fy() * p.y() / depth,
        depth);
  }

  /** The point of the world that appears at the given place and depth; undoes {@link #project}. */
  public Vec3 unproject(Projection seen) {
    double x = (seen.u() - intrinsics.cx()) * seen.depth() / intrinsics.fx();
    double y = (intrinsics.cy() - seen.v()) * seen.depth() / intrinsics.fy();
    return cameraToWorld.apply(new Vec3(x, y, -seen.depth()));
  }

  /** Returns the point in camera coordinates. */
  public Vec3 worldToCamera(Vec3 world) {
    return cameraToWorld.rotation().inverse().rotate(world.minus(cameraToWorld.translation()));
  }

  /**
   * This camera for an image of another aspect ratio: the horizontal field of view stays, the
   * vertical one follows from square pixels.
   */
  public Camera forAspect(int width, int height) {
    double fy = intrinsics.fx() * width / height;
    return new Camera(
        cameraToWorld, new Intrinsics(intrinsics.fx(), fy, intrinsics.cx(), intrinsics.cy()));
  }
}
