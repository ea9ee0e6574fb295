package nacre.datasets.waymo;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import nacre.neuralassets.scene.Box2;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.RigidPose;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;
import nacre.neuralassets.scene.Vec3;

/**
 * A segment, 20 seconds of driving, as seen by the FRONT camera.
 *
 * @param camera its calibration
 * @param sweeps in the order of time
 */
record Segment(WaymoCamera camera, List<Sweep> sweeps) {
  /** An object whose center goes further than this, in meters, moves; less is noise of labels. */
  private static final double MOVES = 0.5;

  /** Nearest a corner may come to the camera's plane, in meters. */
  private static final double NEAREST = 0.1;

  /** Reads the JPEG of a frame when it is asked for. */
  @FunctionalInterface
  interface Picture {
    /** Packed bytes [height, width, 3]. */
    byte[] read(int width, int height) throws IOException;
  }

  /**
   * A lidar sweep and the picture taken meanwhile.
   *
   * @param vehicle the car at the sweep, in whose axes the boxes are
   * @param atPicture the car when the picture was taken
   * @param vehicles the boxes by the objects' identities
   * @param seen where they are in the picture, in image units; objects that are not have no entry
   */
  record Sweep(
      RigidPose vehicle,
      RigidPose atPicture,
      Map<String, LaserBox> vehicles,
      Map<String, Box2> seen,
      Picture picture) {}

  /**
   * The segment as a clip. An object is present in a frame if the camera sees it, at least {@code
   * minPoints} returns of the lidar fell on it, and it is wholly in front of the camera. The origin
   * of the world is the car in the first frame.
   */
  Scene scene(int minPoints) {
    Vec3 origin = sweeps.getFirst().vehicle().translation();
    List<Camera> cameras = new ArrayList<>();
    Map<String, Box3[]> tracks = new LinkedHashMap<>();
    for (int t = 0; t < sweeps.size(); t++) {
      Sweep sweep = sweeps.get(t);
      Camera seenBy = camera.pinhole(moved(sweep.atPicture(), origin));
      cameras.add(seenBy);
      RigidPose vehicle = moved(sweep.vehicle(), origin);
      for (Map.Entry<String, LaserBox> entry : sweep.vehicles().entrySet()) {
        LaserBox label = entry.getValue();
        if (label.points() >= minPoints && sweep.seen().containsKey(entry.getKey())) {
          Box3 box = label.inWorld(vehicle);
          if (box.minDepth(seenBy) > NEAREST) {
            tracks.computeIfAbsent(entry.getKey(), id -> new Box3[sweeps.size()])[t] = box;
          }
        }
      }
    }
    List<Scene.Entity> entities = new ArrayList<>();
    tracks.forEach((id, boxes) -> entities.add(new Scene.Entity(id, moves(boxes))));
    List<SceneFrame> frames = new ArrayList<>();
    for (int t = 0; t < sweeps.size(); t++) {
      List<ObjectView> views = new ArrayList<>();
      for (Map.Entry<String, Box3[]> track : tracks.entrySet()) {
        Box3 box = track.getValue()[t];
        views.add(
            box == null
                ? ObjectView.ABSENT
                : new ObjectView(box, sweeps.get(t).seen().get(track.getKey()), -1));
      }
      frames.add(new Frame(cameras.get(t), views, sweeps.get(t).picture()));
    }
    return new Scene(camera.width(), camera.height(), Vec3.UNIT_Z, entities, frames);
  }

  private static RigidPose moved(RigidPose pose, Vec3 origin) {
    return new RigidPose(pose.rotation(), pose.translation().minus(origin));
  }

  private static boolean moves(Box3[] boxes) {
    Vec3 first = null;
    for (Box3 box : boxes) {
      if (box != null) {
        Vec3 center = box.center();
        first = first == null ? center : first;
        if (center.minus(first).length() > MOVES) {
          return true;
        }
      }
    }
    return false;
  }

  private final class Frame extends SceneFrame.Stored {
    private final List<ObjectView> views;
    private final Picture picture;

    Frame(Camera seenBy, List<ObjectView> views, Picture picture) {
      super(seenBy, ObjectView.boxes(views));
      this.views = views;
      this.picture = picture;
    }

    @Override
    protected List<ObjectView> readViews() {
      return views;
    }

    @Override
    protected byte[] readRgb() throws IOException {
      return picture.read(camera.width(), camera.height());
    }
  }
}
