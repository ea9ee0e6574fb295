package nacre.datasets.objectron;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.Quaternion;

/**
 * Frames at which ARKit closed a loop: it recognizes a place, corrects where it believes to be, and
 * the camera's pose, with all boxes in the picture, jumps from one frame to the next.
 */
final class Jumps {
  /** A jump goes beyond the median step by this factor. */
  private static final double FACTOR = 6;

  /** Nor is less one, in meters. */
  private static final double LEAST_DISTANCE = 0.05;

  /** Nor is less one, in degrees. */
  private static final double LEAST_ANGLE = 5;

  /** Jumps that are told one by one. */
  private static final int TOLD = 5;

  private Jumps() {}

  /** A line for each jump of the camera; of many, for the first. */
  static List<String> find(List<Annotation> frames) {
    int steps = Math.max(0, frames.size() - 1);
    double[] distances = new double[steps];
    double[] angles = new double[steps];
    for (int t = 0; t < steps; t++) {
      Camera one = frames.get(t).camera();
      Camera next = frames.get(t + 1).camera();
      distances[t] =
          next.cameraToWorld().translation().minus(one.cameraToWorld().translation()).length();
      angles[t] = degrees(one.cameraToWorld().rotation(), next.cameraToWorld().rotation());
    }
    double farther = Math.max(LEAST_DISTANCE, FACTOR * median(distances));
    double wider = Math.max(LEAST_ANGLE, FACTOR * median(angles));
    List<String> lines = new ArrayList<>();
    int jumps = 0;
    for (int t = 0; t < steps; t++) {
      if (distances[t] > farther || angles[t] > wider) {
        jumps++;
        if (jumps <= TOLD) {
          lines.add(
              String.format(
                  Locale.ROOT,
                  "from frame %d to %d the camera jumps by %.2f m and %.1f°, as ARKit's does where"
                      + " it closes a loop; usual are %.3f m and %.1f°",
                  t,
                  t + 1,
                  distances[t],
                  angles[t],
                  median(distances),
                  median(angles)));
        }
      }
    }
    if (jumps > TOLD) {
      lines.add(String.format(Locale.ROOT, "%d jumps altogether", jumps));
    }
    return lines;
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted.length == 0 ? 0 : sorted[sorted.length / 2];
  }

  private static double degrees(Quaternion one, Quaternion other) {
    Quaternion turn = one.inverse().after(other);
    double sine = Math.sqrt(turn.x() * turn.x() + turn.y() * turn.y() + turn.z() * turn.z());
    return Math.toDegrees(2 * Math.atan2(sine, Math.abs(turn.w())));
  }
}
