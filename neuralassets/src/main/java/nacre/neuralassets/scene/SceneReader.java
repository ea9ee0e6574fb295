package nacre.neuralassets.scene;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/** The reader of scene folders, which checks all that can be checked; see docs/scene-format.md. */
public final class SceneReader {
  private static final Pattern NAME = Pattern.compile("[\\p{L}\\p{N}_.-]+");
  private static final int MOST_FRAMES = 100_000;
  private static final int MOST_OBJECTS = 255;
  private static final int LARGEST_SIDE = 16_384;

  private SceneReader() {}

  /**
   * The width and the height of a scene's frames, as its scene.json says.
   *
   * @throws SceneFormatException if it does not say them
   */
  public static int[] size(Path folder) throws IOException {
    JsonPlace root = JsonPlace.parse(folder.resolve(SceneFolder.JSON));
    return new int[] {
      root.get("width").integer(1, LARGEST_SIDE), root.get("height").integer(1, LARGEST_SIDE)
    };
  }

  /**
   * Reads one scene folder.
   *
   * @throws SceneFormatException if the folder is not a scene; the message says where and why
   * @throws IOException if the disk fails
   */
  public static Scene read(Path folder) throws IOException {
    Path json = folder.resolve(SceneFolder.JSON);
    if (!Files.isRegularFile(json)) {
      throw new SceneFormatException(
          folder,
          "",
          Files.isDirectory(folder) ? "holds no scene.json" : "is not a folder",
          "a scene is a folder with scene.json and frame_000.png, frame_001.png, …");
    }
    JsonPlace root = JsonPlace.parse(json);
    root.allowOnly(
        "format", "version", "width", "height", "num_frames", "up", "camera", "objects", "notes");
    if (!root.get("format").text().equals(SceneFolder.FORMAT)) {
      throw root.get("format").wrong("is not \"" + SceneFolder.FORMAT + "\"", "is it a scene?");
    }
    root.get("version").integer(SceneFolder.VERSION, SceneFolder.VERSION);
    int width = root.get("width").integer(1, LARGEST_SIDE);
    int height = root.get("height").integer(1, LARGEST_SIDE);
    int frames = root.get("num_frames").integer(1, MOST_FRAMES);
    Vec3 up = root.has("up") ? up(root.get("up")) : Vec3.UNIT_Z;
    List<Camera> cameras = CameraReader.read(root.get("camera"), frames, (double) width / height);
    List<byte[]> labels = segmentations(folder, frames, width, height);
    List<ObjectTrack> tracks = tracks(root.get("objects"), cameras);
    if (labels != null) {
      checkLabels(folder, labels, tracks.size());
    }
    return assemble(folder, width, height, up, cameras, tracks, labels);
  }

  private static Vec3 up(JsonPlace place) throws SceneFormatException {
    Vec3 up = place.vec3();
    if (!(up.length() > 1e-6)) {
      throw place.wrong("has no length", "give the direction that points up, such as [0, 0, 1]");
    }
    return up.normalized();
  }

  private static List<ObjectTrack> tracks(JsonPlace place, List<Camera> cameras)
      throws SceneFormatException {
    List<JsonPlace> objects = place.elements();
    if (objects.size() > MOST_OBJECTS) {
      throw place.wrong(
          String.format(Locale.ROOT, "has %d objects", objects.size()), "at most " + MOST_OBJECTS);
    }
    List<ObjectTrack> tracks = new ArrayList<>();
    Map<String, Integer> seen = new HashMap<>();
    for (int i = 0; i < objects.size(); i++) {
      ObjectTrack track = ObjectTrack.read(objects.get(i), cameras);
      JsonPlace name = objects.get(i).get("name");
      if (!NAME.matcher(track.name()).matches()) {
        throw name.wrong(
            String.format(Locale.ROOT, "\"%s\" cannot be typed in an edit", track.name()),
            "use letters, digits, '-', '_' and '.' only");
      }
      Integer other = seen.put(track.name(), i);
      if (other != null) {
        throw name.wrong(
            String.format(
                Locale.ROOT, "\"%s\" is also the name of $.objects[%d]", track.name(), other),
            String.format(Locale.ROOT, "names must be unique, such as %s-2", track.name()));
      }
      tracks.add(track);
    }
    return tracks;
  }

  /** Labels of all frames, or null if the folder has none. */
  private static List<byte[]> segmentations(Path folder, int frames, int width, int height)
      throws IOException {
    if (!Files.exists(SceneFolder.segmentation(folder, 0))) {
      return null;
    }
    List<byte[]> labels = new ArrayList<>(frames);
    for (int t = 0; t < frames; t++) {
      labels.add(PngFile.readLabels(SceneFolder.segmentation(folder, t), width, height));
    }
    return labels;
  }

  private static void checkLabels(Path folder, List<byte[]> labels, int objects)
      throws SceneFormatException {
    for (int t = 0; t < labels.size(); t++) {
      for (byte label : labels.get(t)) {
        if ((label & 0xFF) > objects) {
          throw new SceneFormatException(
              SceneFolder.segmentation(folder, t),
              "",
              String.format(
                  Locale.ROOT, "has label %d, the scene %d objects", label & 0xFF, objects),
              "0 is the background and i + 1 is object i");
        }
      }
    }
  }

  private static Scene assemble(
      Path folder,
      int width,
      int height,
      Vec3 up,
      List<Camera> cameras,
      List<ObjectTrack> tracks,
      List<byte[]> labels)
      throws IOException {
    List<SceneFrame> frames = new ArrayList<>(cameras.size());
    for (int t = 0; t < cameras.size(); t++) {
      byte[] segmentation = labels == null ? null : labels.get(t);
      List<ObjectView> derived = null;
      if (segmentation != null) {
        int frame = t;
        List<Box3> boxes = new ArrayList<>();
        tracks.forEach(track -> boxes.add(track.boxes3().get(frame)));
        derived = ObjectView.ofSegmentation(boxes, segmentation, width, height);
      }
      List<ObjectView> views = new ArrayList<>(tracks.size());
      for (int i = 0; i < tracks.size(); i++) {
        views.add(tracks.get(i).view(t, cameras.get(t), derived == null ? null : derived.get(i)));
      }
      byte[] rgb = PngFile.readRgb(SceneFolder.frame(folder, t), width, height);
      frames.add(SceneFrame.of(cameras.get(t), views, rgb, segmentation));
    }
    List<Scene.Entity> entities =
        tracks.stream().map(track -> new Scene.Entity(track.name(), track.dynamic())).toList();
    return new Scene(width, height, up, entities, frames);
  }
}
