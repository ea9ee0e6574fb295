package nacre.datasets.waymo;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import nacre.datasets.tfrecord.RecordException;
import nacre.datasets.tfrecord.RecordLayout;

/**
 * Where the parts of a frame of Waymo Open, version 1, lie in its record. Lidar data and the
 * pictures of the other cameras, nearly all of a record, are stepped over by their lengths.
 */
final class FrameLayout implements RecordLayout {
  static final FrameLayout LAYOUT = new FrameLayout();

  /** The drive and its calibrations. */
  static final String CONTEXT = "context";

  /** The car at the sweep. */
  static final String POSE = "pose";

  /** The JPEG of the FRONT camera. */
  static final String PICTURE = "picture";

  /** The car when it was taken. */
  static final String PICTURE_POSE = "picture pose";

  /** Runs of labels with their tags, as they lie in the frame. */
  static final String LABELS = "labels";

  /** The boxes in the picture of the FRONT camera. */
  static final String PROJECTED = "projected labels";

  private static final int CONTEXT_FIELD = 1;
  private static final int POSE_FIELD = 3;
  private static final int IMAGES_FIELD = 4;
  private static final int LABELS_FIELD = 6;
  private static final int PROJECTED_FIELD = 9;

  private static final int FRONT = 1;
  private static final int NAME = 1;
  private static final int CONTENT = 2;
  private static final int IMAGE_POSE = 3;

  private FrameLayout() {}

  @Override
  public String name() {
    return "waymo-1";
  }

  @Override
  public Contents describe(ByteBuffer payload, String where) throws RecordException {
    Map<String, List<Part>> parts = new LinkedHashMap<>();
    List<Part> labels = new ArrayList<>();
    try {
      CodedInputStream in = CodedInputStream.newInstance(payload.duplicate());
      int start = 0;
      for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
        if (!isMessage(tag)) {
          in.skipField(tag);
          start = in.getTotalBytesRead();
          continue;
        }
        Part part = skip(in);
        switch (WireFormat.getTagFieldNumber(tag)) {
          case CONTEXT_FIELD -> parts.put(CONTEXT, List.of(part));
          case POSE_FIELD -> parts.put(POSE, List.of(part));
          case IMAGES_FIELD -> {
            Named image = named(payload, part);
            if (image.name == FRONT && image.content != null) {
              parts.put(PICTURE, List.of(image.content));
              if (image.pose != null) {
                parts.put(PICTURE_POSE, List.of(image.pose));
              }
            }
          }
          case LABELS_FIELD -> add(labels, start, in.getTotalBytesRead());
          case PROJECTED_FIELD -> {
            if (named(payload, part).name == FRONT) {
              parts.put(PROJECTED, List.of(part));
            }
          }
          default -> {}
        }
        start = in.getTotalBytesRead();
      }
      parts.put(LABELS, labels);
      return new Contents(1, parts);
    } catch (IOException | IllegalStateException | IndexOutOfBoundsException e) {
      throw new RecordException(
          where + ": is no frame of Waymo Open, or damaged: " + e.getMessage(), e);
    }
  }

  private static boolean isMessage(int tag) {
    return WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_LENGTH_DELIMITED;
  }

  private static Part skip(CodedInputStream in) throws IOException {
    int length = in.readRawVarint32();
    Part part = new Part(in.getTotalBytesRead(), length);
    in.skipRawBytes(length);
    return part;
  }

  /** Appends a label, which usually begins where the last one ends. */
  private static void add(List<Part> runs, int start, int end) {
    if (!runs.isEmpty() && runs.getLast().offset() + runs.getLast().length() == start) {
      start = runs.removeLast().offset();
    }
    runs.add(new Part(start, end - start));
  }

  /** What belongs to a camera: a picture or labels. */
  private record Named(int name, Part content, Part pose) {}

  private static Named named(ByteBuffer payload, Part message) throws IOException {
    CodedInputStream in =
        CodedInputStream.newInstance(payload.slice(message.offset(), message.length()));
    int name = 0;
    Part content = null;
    Part pose = null;
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      int field = WireFormat.getTagFieldNumber(tag);
      if (!isMessage(tag)) {
        if (field == NAME && WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_VARINT) {
          name = in.readInt32();
        } else {
          in.skipField(tag);
        }
        continue;
      }
      Part inner = skip(in);
      Part moved = new Part(message.offset() + inner.offset(), inner.length());
      if (field == CONTENT) {
        content = moved;
      } else if (field == IMAGE_POSE) {
        pose = moved;
      }
    }
    return new Named(name, content, pose);
  }
}
