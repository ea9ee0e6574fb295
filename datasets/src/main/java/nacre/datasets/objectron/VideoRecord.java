package nacre.datasets.objectron;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import nacre.datasets.picture.EncodedPicture;
import nacre.datasets.tfrecord.Feature;
import nacre.datasets.tfrecord.FeatureList;
import nacre.datasets.tfrecord.RecordException;
import nacre.datasets.tfrecord.RecordParts;

/** Reads the records of Objectron, videos or single frames, but for their pictures. */
final class VideoRecord {
  private VideoRecord() {}

  /**
   * Reads a {@code tf.train.SequenceExample}, but for its pictures.
   *
   * @throws RecordException in one line, if a feature is missing, of the wrong type or length
   */
  static Video read(RecordParts record) throws IOException {
    int count = record.count(Annotation.PICTURE);
    if (count == 0) {
      throw new RecordException(record.where() + ": " + Annotation.PICTURE + " is missing");
    }
    Map<String, List<Feature>> lists = new HashMap<>();
    for (String name : Annotation.FEATURES) {
      if (record.count(name) == 0) {
        continue;
      }
      List<Feature> list = FeatureList.of(name, record.read(name, 0), record.where());
      if (list.size() != count) {
        throw new RecordException(
            String.format(
                Locale.ROOT,
                "%s: %s has %d frames, the video %d pictures",
                record.where(),
                name,
                list.size(),
                count));
      }
      lists.put(name, list);
    }
    List<Annotation> frames = new ArrayList<>();
    for (int t = 0; t < count; t++) {
      Map<String, Feature> features = new HashMap<>();
      for (Map.Entry<String, List<Feature>> list : lists.entrySet()) {
        features.put(list.getKey(), list.getValue().get(t));
      }
      frames.add(Annotation.of(features, record.where() + ", frame " + t));
    }
    return new Video(frames, (t, w, h) -> picture(record, t, w, h), record.where());
  }

  /**
   * Reads the frames of a video, a {@code tf.train.Example} each, but for their pictures.
   *
   * @throws RecordException in one line, if a feature is missing, of the wrong type or length
   */
  static Video readFrames(List<RecordParts> records) throws IOException {
    List<Annotation> frames = new ArrayList<>();
    for (RecordParts record : records) {
      Map<String, Feature> features = new HashMap<>();
      for (String name : Annotation.FEATURES) {
        if (record.count(name) > 0) {
          features.put(name, new Feature(name, record.read(name, 0), record.where()));
        }
      }
      frames.add(Annotation.of(features, record.where()));
    }
    String where = records.getFirst().where();
    return new Video(frames, (t, w, h) -> picture(records.get(t), 0, w, h), where);
  }

  private static byte[] picture(RecordParts record, int frame, int width, int height)
      throws IOException {
    byte[] file = record.read(Annotation.PICTURE, frame);
    String place = record.where() + ": " + Annotation.PICTURE + "[" + frame + "]";
    return new EncodedPicture(file, place).rgb(width, height);
  }
}
