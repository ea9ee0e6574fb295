package nacre.datasets.tfrecord;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Records that are a {@code tf.train.Example} or a {@code tf.train.SequenceExample}. Of the
 * features that are wanted the places are found; all others are stepped over by their lengths. The
 * name of a feature of a sequence's context is the same as that of an example's.
 *
 * @param name the kind and its version
 * @param whole features, and lists of features, that are read as a whole
 * @param single features whose values, byte strings, are read one by one; of a list of features the
 *     only value of each
 * @param frames the one of these whose count is the number of frames
 */
public record ExampleLayout(String name, Set<String> whole, Set<String> single, String frames)
    implements RecordLayout {
  @Override
  public Contents describe(ByteBuffer payload, String where) throws RecordException {
    try {
      Map<String, Part> features = new HashMap<>();
      Map<String, Part> lists = new HashMap<>();
      CodedInputStream in = CodedInputStream.newInstance(payload.duplicate());
      for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
        int field = WireFormat.getTagFieldNumber(tag);
        if (isMessage(tag) && field <= 2) {
          int limit = in.pushLimit(in.readRawVarint32());
          map(in, field == 1 ? features : lists);
          in.popLimit(limit);
        } else {
          in.skipField(tag);
        }
      }
      Map<String, List<Part>> parts = new LinkedHashMap<>();
      for (String wanted : whole.stream().sorted().toList()) {
        Part part = features.getOrDefault(wanted, lists.get(wanted));
        if (part != null) {
          parts.put(wanted, List.of(part));
        }
      }
      for (String wanted : single.stream().sorted().toList()) {
        if (features.containsKey(wanted)) {
          parts.put(wanted, values(payload, features.get(wanted), wanted, where));
        } else if (lists.containsKey(wanted)) {
          List<Part> values = new ArrayList<>();
          for (Part feature : elements(payload, lists.get(wanted))) {
            List<Part> one = values(payload, feature, wanted, where);
            // An absent picture keeps its place, so that frames are not counted wrongly.
            values.add(one.size() == 1 ? one.getFirst() : new Part(feature.offset(), 0));
          }
          parts.put(wanted, values);
        }
      }
      return new Contents(parts.getOrDefault(frames, List.of()).size(), parts);
    } catch (RecordException e) {
      throw e;
    } catch (IOException | IllegalStateException e) {
      throw new RecordException(
          where + ": is no tf.train.Example, or damaged: " + e.getMessage(), e);
    }
  }

  private static boolean isMessage(int tag) {
    return WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_LENGTH_DELIMITED;
  }

  /** The entries of a map, in any order, that are wanted; of two of one name the last counts. */
  private void map(CodedInputStream in, Map<String, Part> found) throws IOException {
    while (in.getBytesUntilLimit() > 0) {
      int tag = in.readTag();
      if (!isMessage(tag) || WireFormat.getTagFieldNumber(tag) != 1) {
        in.skipField(tag);
        continue;
      }
      int limit = in.pushLimit(in.readRawVarint32());
      String key = "";
      Part value = null;
      while (in.getBytesUntilLimit() > 0) {
        int inner = in.readTag();
        int field = WireFormat.getTagFieldNumber(inner);
        if (!isMessage(inner) || field > 2) {
          in.skipField(inner);
        } else if (field == 1) {
          key = in.readStringRequireUtf8();
        } else {
          int length = in.readRawVarint32();
          value = new Part(in.getTotalBytesRead(), length);
          in.skipRawBytes(length);
        }
      }
      in.popLimit(limit);
      if (value != null && (whole.contains(key) || single.contains(key))) {
        found.put(key, value);
      }
    }
  }

  private static List<Part> values(ByteBuffer payload, Part feature, String name, String where)
      throws IOException {
    ByteBuffer message = payload.slice(feature.offset(), feature.length());
    return moved(Feature.places(message, name, where), feature.offset());
  }

  private static List<Part> elements(ByteBuffer payload, Part list) throws IOException {
    ByteBuffer message = payload.slice(list.offset(), list.length());
    return moved(FeatureList.places(message), list.offset());
  }

  private static List<Part> moved(List<Part> parts, int by) {
    return parts.stream().map(part -> new Part(by + part.offset(), part.length())).toList();
  }
}
