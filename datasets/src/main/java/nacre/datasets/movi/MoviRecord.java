package nacre.datasets.movi;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import nacre.datasets.picture.EncodedPicture;
import nacre.datasets.tfrecord.ExampleLayout;
import nacre.datasets.tfrecord.Ragged;
import nacre.datasets.tfrecord.RecordException;
import nacre.datasets.tfrecord.RecordParts;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.Intrinsics;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.Quaternion;
import nacre.neuralassets.scene.RigidPose;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;
import nacre.neuralassets.scene.Vec3;

/**
 * A record of MOVi-E: a video of 24 frames, with cameras, 3D boxes in the world in Kubric's order,
 * and segmentations that say i + 1 for object i. Objects stand in the record's order, which is by
 * the pixels that are seen of them. 2D boxes are those of the segmentation. Depth, normals, object
 * coordinates and flow, most of the bytes, are not read.
 */
final class MoviRecord {
  static final String BOXES = "instances/bboxes_3d";
  private static final String VIDEO = "video";
  private static final String SEGMENTATIONS = "segmentations";
  private static final String WIDTH = "metadata/width";
  private static final String HEIGHT = "metadata/height";
  private static final String INSTANCES = "metadata/num_instances";
  private static final String POSITIONS = "camera/positions";
  private static final String QUATERNIONS = "camera/quaternions";
  private static final String FOCAL_LENGTH = "camera/focal_length";
  private static final String SENSOR_WIDTH = "camera/sensor_width";
  private static final String DYNAMIC = "instances/is_dynamic";
  private static final String ASSET = "instances/asset_id";
  private static final String VALUES = "/ragged_flat_values";
  private static final String LENGTHS = "/ragged_row_lengths_0";
  private static final String BOXES_2D = "instances/bboxes";
  private static final String BOX_FRAMES = "instances/bbox_frames";

  /** What an index of a shard knows of each record. */
  static final ExampleLayout LAYOUT =
      new ExampleLayout(
          "movi-1",
          Set.of(
              BOXES,
              WIDTH,
              HEIGHT,
              INSTANCES,
              POSITIONS,
              QUATERNIONS,
              FOCAL_LENGTH,
              SENSOR_WIDTH,
              DYNAMIC,
              ASSET,
              BOXES_2D + VALUES,
              BOXES_2D + LENGTHS,
              BOX_FRAMES + VALUES,
              BOX_FRAMES + LENGTHS),
          Set.of(VIDEO, SEGMENTATIONS),
          VIDEO);

  /** As many objects as a segmentation of 8 bits can tell apart. */
  private static final int MOST_OBJECTS = 255;

  private static final int LARGEST_SIDE = 8192;

  private final RecordParts record;
  private final int frames;
  private final int width;
  private final int height;
  private final int objects;

  private MoviRecord(RecordParts record) throws IOException {
    this.record = record;
    width = whole(WIDTH, 1, LARGEST_SIDE);
    height = whole(HEIGHT, 1, LARGEST_SIDE);
    objects = whole(INSTANCES, 0, MOST_OBJECTS);
    frames = record.count(VIDEO);
    if (frames == 0 || record.count(SEGMENTATIONS) != frames) {
      throw new RecordException(
          String.format(
              Locale.ROOT,
              "%s: has %d pictures in %s and %d in %s",
              record.where(),
              frames,
              VIDEO,
              record.count(SEGMENTATIONS),
              SEGMENTATIONS));
    }
  }

  /**
   * Reads what is known without decoding a picture.
   *
   * @throws IOException in one line that names file, record and offset, if it is damaged
   */
  static Scene read(RecordParts record) throws IOException {
    try {
      return new MoviRecord(record).scene();
    } catch (IllegalArgumentException e) {
      throw new RecordException(record.where() + ": " + e.getMessage(), e);
    }
  }

  private int whole(String name, int least, int most) throws IOException {
    long value = record.feature(name).ints(1)[0];
    if (value < least || value > most) {
      throw new RecordException(
          String.format(
              Locale.ROOT,
              "%s: %s is %d, must be from %d to %d",
              record.where(),
              name,
              value,
              least,
              most));
    }
    return (int) value;
  }

  private Scene scene() throws IOException {
    checkRagged();
    List<Camera> cameras = cameras();
    List<List<Box3>> boxes = boxes();
    List<SceneFrame> all = new ArrayList<>();
    for (int t = 0; t < frames; t++) {
      all.add(new Frame(t, cameras.get(t), boxes.get(t)));
    }
    return new Scene(width, height, Vec3.UNIT_Z, entities(), all);
  }

  /** The boxes of the file are not used, since the segmentation has them; they must add up. */
  private void checkRagged() throws IOException {
    if (record.count(BOXES_2D + VALUES) > 0) {
      int values = record.feature(BOXES_2D + VALUES).floats().length;
      Ragged.check(record.feature(BOXES_2D + LENGTHS), objects, values, 4);
    }
    if (record.count(BOX_FRAMES + VALUES) > 0) {
      int values = record.feature(BOX_FRAMES + VALUES).ints().length;
      Ragged.check(record.feature(BOX_FRAMES + LENGTHS), objects, values, 1);
    }
  }

  private List<Camera> cameras() throws IOException {
    float focal = record.feature(FOCAL_LENGTH).floats(1)[0];
    float sensor = record.feature(SENSOR_WIDTH).floats(1)[0];
    if (!(focal > 0 && sensor > 0)) {
      throw new RecordException(
          String.format(
              Locale.ROOT,
              "%s: %s is %s and %s is %s",
              record.where(),
              FOCAL_LENGTH,
              focal,
              SENSOR_WIDTH,
              sensor));
    }
    Intrinsics lens = Intrinsics.ofLens(focal, sensor, (double) sensor * height / width);
    float[] p = record.feature(POSITIONS).floats(3 * frames);
    float[] q = record.feature(QUATERNIONS).floats(4 * frames);
    List<Camera> cameras = new ArrayList<>();
    for (int t = 0; t < frames; t++) {
      Quaternion turn = new Quaternion(q[4 * t], q[4 * t + 1], q[4 * t + 2], q[4 * t + 3]);
      Vec3 position = new Vec3(p[3 * t], p[3 * t + 1], p[3 * t + 2]);
      cameras.add(new Camera(new RigidPose(turn.normalized(), position), lens));
    }
    return cameras;
  }

  /** The boxes of each frame; the record has those of each object one after the other. */
  private List<List<Box3>> boxes() throws IOException {
    float[] values = record.feature(BOXES).floats(objects * frames * 24);
    List<List<Box3>> boxes = new ArrayList<>();
    for (int t = 0; t < frames; t++) {
      List<Box3> here = new ArrayList<>();
      for (int i = 0; i < objects; i++) {
        List<Vec3> corners = new ArrayList<>(8);
        for (int k = 0; k < 8; k++) {
          int at = 24 * (frames * i + t) + 3 * k;
          corners.add(new Vec3(values[at], values[at + 1], values[at + 2]));
        }
        here.add(new Box3(corners));
      }
      boxes.add(here);
    }
    return boxes;
  }

  private List<Scene.Entity> entities() throws IOException {
    long[] dynamic = record.feature(DYNAMIC).ints(objects);
    List<String> assets = record.feature(ASSET).texts();
    if (assets.size() != objects) {
      throw record
          .feature(ASSET)
          .wrong(String.format(Locale.ROOT, "has %d values instead of %d", assets.size(), objects));
    }
    List<String> names = Scene.distinct(assets);
    List<Scene.Entity> entities = new ArrayList<>();
    for (int i = 0; i < objects; i++) {
      entities.add(new Scene.Entity(names.get(i), dynamic[i] != 0));
    }
    return entities;
  }

  private final class Frame extends SceneFrame.Stored {
    private final int index;

    Frame(int index, Camera camera, List<Box3> boxes) {
      super(camera, boxes);
      this.index = index;
    }

    private EncodedPicture picture(String part) throws IOException {
      String place = record.where() + ": " + part + "[" + index + "]";
      return new EncodedPicture(record.read(part, index), place);
    }

    @Override
    protected byte[] readRgb() throws IOException {
      return picture(VIDEO).rgb(width, height);
    }

    @Override
    protected byte[] readSegmentation() throws IOException {
      return picture(SEGMENTATIONS).labels(width, height);
    }

    @Override
    protected List<ObjectView> readViews() throws IOException {
      return ObjectView.ofSegmentation(boxes(), readSegmentation(), width, height);
    }
  }
}
