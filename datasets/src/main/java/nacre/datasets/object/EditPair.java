package nacre.datasets.object;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import nacre.datasets.picture.EncodedPicture;
import nacre.neuralassets.scene.Box2;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;
import nacre.neuralassets.scene.Vec3;

/**
 * A folder of OBJect: {@code 1.png} and {@code 2.png} before and after an edit, {@code 1_mask.png},
 * {@code 2_mask.png} and {@code metadata.json}. It is a clip of two frames.
 *
 * @param folder the folder
 */
record EditPair(Path folder) {
  static final String METADATA = "metadata.json";

  private static final ObjectMapper JSON = new ObjectMapper();

  /** The largest file that is read. */
  private static final long MOST_BYTES = 1L << 26;

  /** An object of fewer pixels is not counted: edges between two colors may be near a third. */
  private static final int FEWEST = 16;

  /** Whether a folder is such a one. */
  static boolean is(Path folder) {
    return Files.isRegularFile(folder.resolve(METADATA))
        && Files.isRegularFile(folder.resolve("1_mask.png"));
  }

  private enum Task {
    ROTATE,
    TRANSLATE,
    REMOVE
  }

  /** Reads masks and metadata; the pictures are read when they are asked for. */
  Scene scene() throws IOException {
    JsonNode metadata = metadata();
    Task task = task(metadata);
    Mask before = mask(1);
    Mask after = mask(2);
    if (before.width != after.width || before.height != after.height) {
      throw new IOException(
          String.format(
              Locale.ROOT,
              "%s: is %d×%d pixels, the first mask %d×%d",
              file("2_mask.png"),
              after.width,
              after.height,
              before.width,
              before.height));
    }
    before.mustShow(MaskColors.EDITED);
    if (task != Task.REMOVE) {
      after.mustShow(MaskColors.EDITED);
    }
    List<Integer> colors = new ArrayList<>();
    for (int color = 0; color < MaskColors.COUNT; color++) {
      if (before.shows(color) || after.shows(color)) {
        colors.add(color);
      }
    }
    List<Scene.Entity> entities = new ArrayList<>();
    List<Box3> first = new ArrayList<>();
    List<Box3> second = new ArrayList<>();
    for (int color : colors) {
      boolean isEdited = color == MaskColors.EDITED;
      entities.add(new Scene.Entity(isEdited ? "edited" : "object-" + color, isEdited));
      Box3 box = GroundFit.box(before.shows(color) ? before.box(color) : after.box(color));
      first.add(before.shows(color) ? box : null);
      if (!after.shows(color) || isEdited && task == Task.REMOVE) {
        second.add(null);
      } else if (isEdited && task == Task.ROTATE) {
        second.add(GroundFit.turned(box, metadata.get("rotation_angle").doubleValue()));
      } else if (isEdited) {
        second.add(GroundFit.moved(box, after.box(color)));
      } else {
        second.add(box);
      }
    }
    return new Scene(
        before.width,
        before.height,
        Vec3.UNIT_Z,
        entities,
        List.of(before.frame(colors, first), after.frame(colors, second)));
  }

  private Path file(String name) {
    return folder.resolve(name);
  }

  private JsonNode metadata() throws IOException {
    Path file = file(METADATA);
    try {
      JsonNode metadata = JSON.readTree(bytes(file));
      if (metadata == null || !metadata.isObject()) {
        throw new IOException(file + ": is not a JSON object");
      }
      return metadata;
    } catch (JsonProcessingException e) {
      throw new IOException(file + ": malformed JSON: " + e.getOriginalMessage(), e);
    }
  }

  /** The task by what the metadata have of it. */
  private Task task(JsonNode metadata) throws IOException {
    if (metadata.has("rotation_angle")) {
      if (!metadata.get("rotation_angle").isNumber()) {
        throw new IOException(file(METADATA) + ": rotation_angle is not a number of degrees");
      }
      return Task.ROTATE;
    }
    if (metadata.has("end_location_2d") || metadata.has("translation_category")) {
      return Task.TRANSLATE;
    }
    if (metadata.has("removed_object_uid")) {
      return Task.REMOVE;
    }
    throw new IOException(
        file(METADATA)
            + ": has none of rotation_angle, end_location_2d and removed_object_uid, one of which"
            + " tells the task");
  }

  private static byte[] bytes(Path file) throws IOException {
    try {
      if (Files.size(file) > MOST_BYTES) {
        throw new IOException(file + ": is larger than 64 MB");
      }
      return Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      throw new IOException(file + ": is missing", e);
    }
  }

  private Mask mask(int number) throws IOException {
    Path file = file(number + "_mask.png");
    BufferedImage image = new EncodedPicture(bytes(file), file.toString()).decode(0, 0);
    return new Mask(number, file, image);
  }

  /** Where objects are in one of the two pictures. */
  private final class Mask {
    private final int number;
    private final Path file;
    private final String common;
    private final int width;
    private final int height;
    private final byte[] colors;
    private final int[] counts = new int[MaskColors.COUNT];

    Mask(int number, Path file, BufferedImage image) {
      this.number = number;
      this.file = file;
      width = image.getWidth();
      height = image.getHeight();
      colors = MaskColors.indices(image);
      for (byte color : colors) {
        if (color >= 0) {
          counts[color]++;
        }
      }
      common = shows(MaskColors.EDITED) ? "" : MaskColors.common(image);
    }

    boolean shows(int color) {
      return counts[color] >= FEWEST;
    }

    void mustShow(int color) throws IOException {
      if (!shows(color)) {
        throw new IOException(
            file
                + ": the edited object's color, (55, 126, 184), is not in the mask; the most common"
                + " are "
                + common);
      }
    }

    /** Labels of the scene: i + 1 where the i-th of its objects is. */
    private byte[] labels(List<Integer> objects) {
      byte[] label = new byte[MaskColors.COUNT];
      for (int i = 0; i < objects.size(); i++) {
        label[objects.get(i)] = (byte) (i + 1);
      }
      byte[] labels = new byte[colors.length];
      for (int i = 0; i < labels.length; i++) {
        labels[i] = colors[i] < 0 ? 0 : label[colors[i]];
      }
      return labels;
    }

    Box2 box(int color) {
      List<Box3> none = Arrays.asList(new Box3[1]);
      return ObjectView.ofSegmentation(none, labels(List.of(color)), width, height)
          .getFirst()
          .box2();
    }

    SceneFrame frame(List<Integer> objects, List<Box3> boxes) {
      List<ObjectView> views =
          ObjectView.ofSegmentation(boxes, labels(objects), width, height).stream()
              .map(view -> view.isPresent() ? view : ObjectView.ABSENT)
              .toList();
      return new Frame(number, objects, views, boxes, width, height);
    }
  }

  private final class Frame extends SceneFrame.Stored {
    private final int number;
    private final List<Integer> objects;
    private final List<ObjectView> views;
    private final int width;
    private final int height;

    Frame(
        int number,
        List<Integer> objects,
        List<ObjectView> views,
        List<Box3> boxes,
        int width,
        int height) {
      super(GroundFit.CAMERA, boxes);
      this.number = number;
      this.objects = objects;
      this.views = views;
      this.width = width;
      this.height = height;
    }

    @Override
    protected List<ObjectView> readViews() {
      return views;
    }

    @Override
    protected byte[] readRgb() throws IOException {
      Path picture = file(number + ".png");
      return new EncodedPicture(bytes(picture), picture.toString()).rgb(width, height);
    }

    @Override
    protected byte[] readSegmentation() throws IOException {
      return mask(number).labels(objects);
    }
  }
}
