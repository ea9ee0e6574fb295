package nacre.datasets.waymo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import nacre.datasets.Samples;
import nacre.datasets.tfrecord.Shard;
import nacre.datasets.waymo.WaymoMessages.Label;
import nacre.datasets.waymo.WaymoMessages.Labels;
import nacre.neuralassets.scene.Box2;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.Projection;
import nacre.neuralassets.scene.RigidPose;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;
import nacre.neuralassets.scene.Vec3;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A real frame. It is not part of the project, since its license allows no commercial use; where it
 * does not lie beside the repository, or in {@code NACRE_SAMPLES}, there is nothing to test.
 */
class WaymoSamplesTest {
  private static final String[] TABLES = {
    "camera_image", "camera_calibration", "lidar_box", "projected_lidar_box", "vehicle_pose"
  };

  @TempDir Path root;

  private Path samples;

  @BeforeEach
  void findSamples() {
    samples = Samples.folder("waymo");
  }

  private Path tables() throws IOException {
    for (String table : TABLES) {
      Path folder = Files.createDirectories(root.resolve(table));
      Files.copy(
          samples.resolve("derived_v2").resolve(table + ".parquet"),
          folder.resolve("segment.parquet"));
    }
    return root;
  }

  @Test
  void theProjectedBoxesAreThoseOfTheDataSet() throws IOException {
    Segment segment = new SegmentTables(tables(), "segment.parquet").read(new FrontPictures(0));
    Segment.Sweep sweep = segment.sweeps().getFirst();
    WaymoCamera camera = segment.camera();
    int compared = 0;
    for (Map.Entry<String, Box2> seen : sweep.seen().entrySet()) {
      LaserBox label = sweep.vehicles().get(seen.getKey());
      if (label == null) {
        continue; // a pedestrian or a sign
      }
      Box2 want = seen.getValue();
      Box2 got = camera.extent(label.inWorld(RigidPose.IDENTITY));
      assertEquals(want.x0() * 1920, got.x0() * 1920, 0.3, seen.getKey());
      assertEquals(want.x1() * 1920, got.x1() * 1920, 0.3, seen.getKey());
      assertEquals(want.y0() * 1280, got.y0() * 1280, 0.3, seen.getKey());
      assertEquals(want.y1() * 1280, got.y1() * 1280, 0.3, seen.getKey());
      compared++;
    }
    assertEquals(5, compared);
  }

  /** Of all types, as version 1 has them. */
  @Test
  void theProjectedBoxesOfVersion1AreThoseOfTheDataSet() throws IOException {
    Path file =
        Files.copy(samples.resolve("pvps_data_one_frame.tfrecord"), root.resolve("a.tfrecord"));
    Shard shard = new Shard(file, FrameLayout.LAYOUT);
    WaymoCamera camera = new FrameRecords(shard).read().camera();
    Shard.Parts record = shard.record(0);
    Map<String, Label> labels = new HashMap<>();
    for (int run = 0; run < record.count(FrameLayout.LABELS); run++) {
      for (Label label : Labels.parseFrom(record.read(FrameLayout.LABELS, run)).getLaserList()) {
        labels.put(label.getId(), label);
      }
    }
    assertEquals(75, labels.size());
    Labels projected = Labels.parseFrom(record.read(FrameLayout.PROJECTED, 0));
    assertEquals(12, projected.getProjectedCount());
    for (Label label : projected.getProjectedList()) {
      Label.Box flat = label.getBox();
      Label.Box box = labels.get(label.getId().replace("_FRONT", "")).getBox();
      LaserBox laser =
          new LaserBox(
              new Vec3(box.getCenterX(), box.getCenterY(), box.getCenterZ()),
              new Vec3(box.getLength(), box.getWidth(), box.getHeight()),
              box.getHeading(),
              1);
      Box2 got = camera.extent(laser.inWorld(RigidPose.IDENTITY));
      assertEquals(flat.getCenterX() - flat.getLength() / 2, got.x0() * 1920, 0.3);
      assertEquals(flat.getCenterX() + flat.getLength() / 2, got.x1() * 1920, 0.3);
      assertEquals(flat.getCenterY() - flat.getWidth() / 2, got.y0() * 1280, 0.3);
      assertEquals(flat.getCenterY() + flat.getWidth() / 2, got.y1() * 1280, 0.3);
    }
  }

  @Test
  void bothVersionsOfTheRealFrameAreTheSame() throws IOException {
    Scene tables = MadeUpDrive.open(tables().toString()).scene(0);
    Path file =
        Files.copy(samples.resolve("pvps_data_one_frame.tfrecord"), root.resolve("a.tfrecord"));
    Scene frames = MadeUpDrive.open("waymo:" + file).scene(0);
    assertEquals(tables.entities(), frames.entities());
    SceneFrame one = tables.frames().getFirst();
    SceneFrame other = frames.frames().getFirst();
    assertEquals(one.camera(), other.camera());
    assertEquals(one.views(), other.views());
    assertArrayEquals(one.rgb(), other.rgb());
  }

  @Test
  void aRealFrameIsAScene() throws IOException {
    Scene scene = MadeUpDrive.open(tables().toString()).scene(0);
    assertEquals(1920, scene.width());
    assertEquals(1280, scene.height());
    SceneFrame frame = scene.frames().getFirst();
    assertEquals(3 * 1920 * 1280, frame.rgb().length);
    // What the camera sees through its lens, and what a pinhole would, differ by less.
    double worst = 0;
    for (ObjectView view : frame.views()) {
      Box2 box = view.box2();
      Box2 pinhole = view.box3().extent(frame.camera());
      worst = Math.max(worst, Math.abs(box.x0() - pinhole.x0()) * 1920);
      worst = Math.max(worst, Math.abs(box.x1() - pinhole.x1()) * 1920);
      Projection center = frame.camera().project(view.box3().center());
      assertTrue(center.depth() > 5 && center.depth() < 75, "depth " + center.depth());
    }
    assertTrue(worst < 0.5, worst + " pixels");
    assertTrue(scene.up().minus(new Vec3(0, 0, 1)).length() == 0);
  }
}
