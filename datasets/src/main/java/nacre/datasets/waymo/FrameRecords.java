package nacre.datasets.waymo;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Parser;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import nacre.datasets.picture.EncodedPicture;
import nacre.datasets.tfrecord.RecordException;
import nacre.datasets.tfrecord.Shard;
import nacre.datasets.waymo.WaymoMessages.CameraCalibration;
import nacre.datasets.waymo.WaymoMessages.Context;
import nacre.datasets.waymo.WaymoMessages.Label;
import nacre.datasets.waymo.WaymoMessages.Labels;
import nacre.datasets.waymo.WaymoMessages.Transform;
import nacre.neuralassets.scene.Box2;
import nacre.neuralassets.scene.RigidPose;
import nacre.neuralassets.scene.Vec3;

/**
 * A segment in version 1 of the data set: a TFRecord file, a record a frame.
 *
 * @param shard the file
 */
record FrameRecords(Shard shard) {
  private static final int FRONT = 1;

  /** What follows an object's identity in the labels of the FRONT camera. */
  private static final String SUFFIX = "_FRONT";

  /** Reads all but the pictures. */
  Segment read() throws IOException {
    int count = shard.records();
    if (count == 0) {
      throw new IOException(shard.path() + ": holds no records");
    }
    WaymoCamera camera = camera(shard.record(0));
    List<Segment.Sweep> sweeps = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      sweeps.add(sweep(shard.record(i), camera));
    }
    return new Segment(camera, sweeps);
  }

  private static WaymoCamera camera(Shard.Parts record) throws IOException {
    Context context = parse(record, FrameLayout.CONTEXT, Context.parser());
    for (CameraCalibration c : context.getCameraCalibrationsList()) {
      if (c.getName() == FRONT) {
        double[] intrinsic = doubles(c.getIntrinsicList());
        return checked(
            record,
            () -> new WaymoCamera(pose(c.getExtrinsic()), intrinsic, c.getWidth(), c.getHeight()));
      }
    }
    throw new RecordException(record.where() + ": has no calibration of the FRONT camera");
  }

  private static Segment.Sweep sweep(Shard.Parts record, WaymoCamera camera) throws IOException {
    if (record.count(FrameLayout.PICTURE) == 0) {
      throw new RecordException(record.where() + ": has no picture of the FRONT camera");
    }
    Transform atSweep = parse(record, FrameLayout.POSE, Transform.parser());
    RigidPose vehicle = checked(record, () -> pose(atSweep));
    RigidPose atPicture = vehicle;
    if (record.count(FrameLayout.PICTURE_POSE) > 0) {
      Transform taken = parse(record, FrameLayout.PICTURE_POSE, Transform.parser());
      atPicture = checked(record, () -> pose(taken));
    }
    Map<String, LaserBox> vehicles = new LinkedHashMap<>();
    for (int run = 0; run < record.count(FrameLayout.LABELS); run++) {
      for (Label label : parse(record, FrameLayout.LABELS, run, Labels.parser()).getLaserList()) {
        if (label.getType() == LaserBox.VEHICLE) {
          vehicles.put(label.getId(), checked(record, () -> box(label)));
        }
      }
    }
    Map<String, Box2> seen =
        record.count(FrameLayout.PROJECTED) == 0
            ? camera.extents(vehicles)
            : seen(parse(record, FrameLayout.PROJECTED, Labels.parser()), camera);
    return new Segment.Sweep(
        vehicle,
        atPicture,
        vehicles,
        seen,
        (w, h) ->
            new EncodedPicture(record.read(FrameLayout.PICTURE, 0), record.where()).rgb(w, h));
  }

  private static Map<String, Box2> seen(Labels labels, WaymoCamera camera) {
    Map<String, Box2> seen = new HashMap<>();
    for (Label label : labels.getProjectedList()) {
      String id = label.getId();
      String own = id.endsWith(SUFFIX) ? id.substring(0, id.length() - SUFFIX.length()) : id;
      Label.Box b = label.getBox();
      Box2 box = camera.around(b.getCenterX(), b.getCenterY(), b.getLength(), b.getWidth());
      if (!box.isEmpty()) {
        seen.put(own, box);
      }
    }
    return seen;
  }

  private static LaserBox box(Label label) {
    Label.Box b = label.getBox();
    return new LaserBox(
        new Vec3(b.getCenterX(), b.getCenterY(), b.getCenterZ()),
        new Vec3(b.getLength(), b.getWidth(), b.getHeight()),
        b.getHeading(),
        label.getNumLidarPointsInBox());
  }

  private static RigidPose pose(Transform transform) {
    return RigidPose.ofMatrix(doubles(transform.getTransformList()));
  }

  private static double[] doubles(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).toArray();
  }

  private static <T> T parse(Shard.Parts record, String part, Parser<T> parser) throws IOException {
    return parse(record, part, 0, parser);
  }

  private static <T> T parse(Shard.Parts record, String part, int piece, Parser<T> parser)
      throws IOException {
    try {
      return parser.parseFrom(record.read(part, piece));
    } catch (InvalidProtocolBufferException e) {
      throw new RecordException(
          record.where() + ": its " + part + " is damaged: " + e.getMessage(), e);
    }
  }

  @FunctionalInterface
  private interface Value<T> {
    T get();
  }

  /** A value that may be refused, with the place in the message. */
  private static <T> T checked(Shard.Parts record, Value<T> value) throws RecordException {
    try {
      return value.get();
    } catch (IllegalArgumentException e) {
      throw new RecordException(record.where() + ": " + e.getMessage(), e);
    }
  }
}
