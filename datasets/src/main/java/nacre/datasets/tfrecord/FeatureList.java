package nacre.datasets.tfrecord;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A {@code tf.train.FeatureList}: a feature for each frame. */
public final class FeatureList {
  private FeatureList() {}

  /**
   * The features of an encoded list.
   *
   * @param name for messages
   * @param where the record is, for messages
   */
  public static List<Feature> of(String name, byte[] bytes, String where) throws IOException {
    try {
      List<Feature> features = new ArrayList<>();
      for (RecordLayout.Part place : places(ByteBuffer.wrap(bytes))) {
        int from = place.offset();
        byte[] feature = Arrays.copyOfRange(bytes, from, from + place.length());
        features.add(new Feature(name + "[" + features.size() + "]", feature, where));
      }
      return features;
    } catch (IOException | IllegalStateException e) {
      throw new RecordException(where + ": " + name + " is damaged: " + e.getMessage(), e);
    }
  }

  static List<RecordLayout.Part> places(ByteBuffer message) throws IOException {
    List<RecordLayout.Part> places = new ArrayList<>();
    CodedInputStream in = CodedInputStream.newInstance(message);
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      if (tag >>> 3 == 1 && WireFormat.getTagWireType(tag) == 2) {
        if (places.size() == Feature.MOST) {
          throw new IOException("it has more than " + Feature.MOST + " frames");
        }
        int length = in.readRawVarint32();
        places.add(new RecordLayout.Part(in.getTotalBytesRead(), length));
        in.skipRawBytes(length);
      } else {
        in.skipField(tag);
      }
    }
    return places;
  }
}
