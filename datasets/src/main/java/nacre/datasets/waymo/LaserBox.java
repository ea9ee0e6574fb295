package nacre.datasets.waymo;

import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Quaternion;
import nacre.neuralassets.scene.RigidPose;
import nacre.neuralassets.scene.Vec3;

/**
 * The box that annotators drew around an object in a lidar sweep, in the vehicle's axes.
 *
 * @param center of the box in meters
 * @param size length along its own x axis, width and height
 * @param heading of its x axis about z, in radians
 * @param points returns of the lidar in it
 */
record LaserBox(Vec3 center, Vec3 size, double heading, long points) {
  /** The code of vehicles among the types of objects. */
  static final int VEHICLE = 1;

  LaserBox {
    boolean isFinite = Double.isFinite(center.length()) && Double.isFinite(size.length() + heading);
    if (!isFinite || !(size.x() > 0 && size.y() > 0 && size.z() > 0)) {
      throw new IllegalArgumentException("a box without a volume or a place");
    }
  }

  /**
   * The box in the world.
   *
   * @param worldFromVehicle the car at the sweep
   */
  Box3 inWorld(RigidPose worldFromVehicle) {
    RigidPose own = new RigidPose(Quaternion.about(Vec3.UNIT_Z, heading), center);
    return Box3.of(worldFromVehicle.after(own), size.times(0.5));
  }
}
