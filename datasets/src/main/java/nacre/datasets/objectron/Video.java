package nacre.datasets.objectron;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import nacre.datasets.tfrecord.RecordException;
import nacre.neuralassets.scene.Box2;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;
import nacre.neuralassets.scene.Vec3;

/**
 * A video with its annotations. Objects stand still, the camera moves.
 *
 * @param frames in the order of time
 * @param pictures reads them
 * @param where the video is, for messages
 */
record Video(List<Annotation> frames, Pictures pictures, String where) {
  /** Objects of which no more is in the picture are left out, as the data set's own readers do. */
  private static final double LEAST_VISIBLE = 0.1;

  /** Nearest a corner may come to the camera's plane, in meters; at it, projections are wild. */
  private static final double NEAREST = 0.01;

  /** Up in the world of ARKit. */
  private static final Vec3 UP = new Vec3(0, 1, 0);

  /** Reads the picture of a frame when it is asked for. */
  @FunctionalInterface
  interface Pictures {
    /** Packed bytes [height, width, 3]. */
    byte[] read(int frame, int width, int height) throws IOException;
  }

  /**
   * The video as a clip. An object is absent from a frame if it is hardly in the picture or reaches
   * behind the camera; its 2D box spans its projected corners.
   *
   * @throws RecordException in one line, if frames differ in size
   */
  Scene scene() throws RecordException {
    Annotation first = frames.getFirst();
    for (int t = 1; t < frames.size(); t++) {
      Annotation frame = frames.get(t);
      if (frame.width() != first.width() || frame.height() != first.height()) {
        throw new RecordException(
            String.format(
                Locale.ROOT,
                "%s: frame %d has %d×%d pixels, the first %d×%d",
                where,
                t,
                frame.width(),
                frame.height(),
                first.width(),
                first.height()));
      }
    }
    List<Track> tracks = tracks();
    List<Scene.Entity> entities =
        Scene.distinct(tracks.stream().map(Track::name).toList()).stream()
            .map(name -> new Scene.Entity(name, false))
            .toList();
    List<SceneFrame> scene = new ArrayList<>();
    for (int t = 0; t < frames.size(); t++) {
      List<Box3> boxes = new ArrayList<>();
      for (Track track : tracks) {
        Annotation.Instance object = track.objects()[t];
        boxes.add(object != null && isPresent(object) ? object.box() : null);
      }
      scene.add(new Frame(t, frames.get(t).camera(), boxes));
    }
    return new Scene(first.width(), first.height(), UP, entities, scene);
  }

  private static boolean isPresent(Annotation.Instance object) {
    return object.visibility() > LEAST_VISIBLE && object.depth() > NEAREST;
  }

  private record Track(String name, Annotation.Instance[] objects) {}

  /**
   * The same object in all frames. Records keep their order; where some lack an object, one belongs
   * to the object whose center was nearest when last seen.
   */
  private List<Track> tracks() {
    int most = frames.stream().mapToInt(frame -> frame.objects().size()).max().orElse(0);
    boolean same = frames.stream().allMatch(frame -> frame.objects().size() == most);
    List<Track> tracks = new ArrayList<>();
    Vec3[] last = new Vec3[most];
    for (int t = 0; t < frames.size(); t++) {
      List<Annotation.Instance> objects = frames.get(t).objects();
      for (int i = 0; i < objects.size(); i++) {
        Annotation.Instance object = objects.get(i);
        int at = same ? i : nearest(tracks, last, t, object, most);
        if (at == tracks.size()) {
          tracks.add(new Track(object.name(), new Annotation.Instance[frames.size()]));
        }
        tracks.get(at).objects()[t] = object;
        last[at] = object.box().center();
      }
    }
    return tracks;
  }

  /** The track that has no object in this frame yet and was last seen nearest, or a new one. */
  private static int nearest(
      List<Track> tracks, Vec3[] last, int frame, Annotation.Instance object, int most) {
    Vec3 center = object.box().center();
    double reach = object.box().size().length() / 2;
    int best = -1;
    double least = Double.POSITIVE_INFINITY;
    for (int i = 0; i < tracks.size(); i++) {
      double distance = last[i].minus(center).length();
      boolean free = tracks.get(i).objects()[frame] == null;
      if (free && distance < least && (distance < reach || tracks.size() == most)) {
        best = i;
        least = distance;
      }
    }
    return best < 0 ? tracks.size() : best;
  }

  /** What a person who looks at the video should know. */
  List<String> remarks() {
    List<String> remarks = new ArrayList<>(Jumps.find(frames));
    count(
        remarks,
        "at most a tenth of an object is in the picture; it is left out there",
        object -> object.visibility() <= LEAST_VISIBLE);
    count(
        remarks,
        "an object reaches behind the camera; it is left out there",
        object -> object.visibility() > LEAST_VISIBLE && object.depth() <= NEAREST);
    return remarks;
  }

  private void count(List<String> remarks, String what, Predicate<Annotation.Instance> is) {
    long count = frames.stream().filter(frame -> frame.objects().stream().anyMatch(is)).count();
    if (count > 0) {
      remarks.add(String.format(Locale.ROOT, "in %d of %d frames %s", count, frames.size(), what));
    }
  }

  private final class Frame extends SceneFrame.Stored {
    private final int index;

    Frame(int index, Camera camera, List<Box3> boxes) {
      super(camera, boxes);
      this.index = index;
    }

    @Override
    protected List<ObjectView> readViews() {
      List<ObjectView> views = new ArrayList<>();
      for (Box3 box : boxes()) {
        if (box == null) {
          views.add(ObjectView.ABSENT);
        } else {
          Box2 extent = box.extent(camera());
          views.add(new ObjectView(box, extent, -1));
        }
      }
      return views;
    }

    @Override
    protected byte[] readRgb() throws IOException {
      Annotation frame = frames.get(index);
      return pictures.read(index, frame.width(), frame.height());
    }
  }
}
