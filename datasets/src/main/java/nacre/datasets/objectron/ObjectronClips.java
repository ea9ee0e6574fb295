package nacre.datasets.objectron;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import nacre.datasets.tfrecord.ExampleLayout;
import nacre.datasets.tfrecord.FeatureList;
import nacre.datasets.tfrecord.RecordException;
import nacre.datasets.tfrecord.RecordParts;
import nacre.datasets.tfrecord.Shard;
import nacre.datasets.tfrecord.ShardFiles;
import nacre.datasets.tfrecord.ShardedClips;
import nacre.datasets.tfrecord.Shards;
import nacre.neuralassets.scene.Scene;

/**
 * The videos of Objectron in TFRecords: a {@code tf.train.SequenceExample} a video, or a {@code
 * tf.train.Example} a frame, in any order, which are put together by the folder of their file
 * names.
 */
final class ObjectronClips implements ShardedClips {
  private static final String FILE = "image/filename";
  private static final String NUMBER = "image/id";
  static final ExampleLayout LAYOUT =
      new ExampleLayout("objectron-1", whole(), Set.of(Annotation.PICTURE), Annotation.PICTURE);

  private final ShardFiles files;
  private final List<Shard> shards;
  private final List<Clip> clips;

  private ObjectronClips(ShardFiles files, List<Shard> shards, List<Clip> clips) {
    this.files = files;
    this.shards = shards;
    this.clips = clips;
  }

  /**
   * A video, or its frames.
   *
   * @param id unique in the data set
   * @param records one, or one a frame
   */
  private record Clip(String id, List<Place> records) {}

  private record Place(Shard shard, int number) {
    Shard.Parts parts() throws IOException {
      return shard.record(number);
    }

    String id() {
      return shard.path().getFileName() + ":" + number;
    }
  }

  private static Set<String> whole() {
    Set<String> names = new TreeSet<>(Annotation.FEATURES);
    names.addAll(List.of(FILE, NUMBER));
    return names;
  }

  @Override
  public List<Shard> shards() {
    return shards;
  }

  static ObjectronClips open(String location) throws IOException {
    ShardFiles files = ShardFiles.find(location);
    List<Place> places = new ArrayList<>();
    List<Shard> shards = new Shards(files.paths(), LAYOUT).all();
    for (Shard shard : shards) {
      for (int i = 0; i < shard.records(); i++) {
        places.add(new Place(shard, i));
      }
    }
    return new ObjectronClips(files, shards, areFrames(places) ? videos(places) : single(places));
  }

  /** Whether a record is a frame, as the first that can be read tells. */
  private static boolean areFrames(List<Place> places) throws IOException {
    for (Place place : places) {
      try {
        Shard.Parts parts = place.parts();
        return parts.count(Annotation.VIEW) > 0 && !isSequence(parts);
      } catch (RecordException e) {
        continue; // it is told of when it is drawn
      }
    }
    return false;
  }

  /** A feature of floats, read as a list of features, has none. */
  private static boolean isSequence(Shard.Parts parts) throws IOException {
    byte[] view = parts.read(Annotation.VIEW, 0);
    return !FeatureList.of(Annotation.VIEW, view, parts.where()).isEmpty();
  }

  private static List<Clip> single(List<Place> places) {
    return places.stream().map(place -> new Clip(place.id(), List.of(place))).toList();
  }

  /** The frames of each video; a record that cannot be read stands by itself. */
  private static List<Clip> videos(List<Place> places) throws IOException {
    Map<String, List<Place>> videos = new LinkedHashMap<>();
    Map<Place, Long> numbers = new HashMap<>();
    for (Place place : places) {
      String video = place.id();
      try {
        Shard.Parts parts = place.parts();
        String file = String.join("", parts.feature(FILE).texts());
        long[] number = parts.feature(NUMBER).ints();
        if (number.length == 1) {
          video = file.substring(0, Math.max(0, file.lastIndexOf('/')));
          numbers.put(place, number[0]);
        }
      } catch (RecordException e) {
        numbers.remove(place); // it is told of when it is drawn
      }
      videos.computeIfAbsent(video, v -> new ArrayList<>()).add(place);
    }
    List<Clip> clips = new ArrayList<>();
    videos.forEach(
        (video, frames) -> {
          frames.sort(Comparator.comparing(place -> numbers.getOrDefault(place, 0L)));
          clips.add(new Clip(video, List.copyOf(frames)));
        });
    clips.sort(Comparator.comparing(Clip::id));
    return clips;
  }

  @Override
  public int size() {
    return clips.size();
  }

  @Override
  public String id(int index) {
    return clips.get(index).id();
  }

  @Override
  public String name(int index) {
    Clip clip = clips.get(index);
    Place first = clip.records().getFirst();
    return clip.records().size() == 1
        ? first.shard().path() + ":" + first.number()
        : files.root() + ": " + clip.id();
  }

  @Override
  public String describe() {
    return files.describe() + " (Objectron)";
  }

  @Override
  public Scene scene(int index) throws IOException {
    return video(index).scene();
  }

  @Override
  public List<String> remarks(int index) throws IOException {
    return video(index).remarks();
  }

  Video video(int index) throws IOException {
    Clip clip = clips.get(index);
    if (clip.records().size() > 1) {
      return ofFrames(clip);
    }
    Shard.Parts parts = clip.records().getFirst().parts();
    return parts.count(Annotation.VIEW) > 0 && !isSequence(parts)
        ? ofFrames(clip)
        : VideoRecord.read(parts);
  }

  private static Video ofFrames(Clip clip) throws IOException {
    List<RecordParts> frames = new ArrayList<>();
    for (Place place : clip.records()) {
      frames.add(place.parts());
    }
    return VideoRecord.readFrames(frames);
  }
}
