package nacre.datasets.object;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import nacre.neuralassets.data.ClipLocation;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.data.ClipSourceProvider;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.PngFile;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Pairs that {@code tools/lab/reference/export_object.py} made up. */
class EditPairsTest {
  private static final List<String> NAMES = List.of("object-0", "edited", "object-4");

  @TempDir Path folder;

  private static Path resource(String name) {
    try {
      return Path.of(EditPairsTest.class.getResource(name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private static ClipSource open(String location) throws IOException {
    return ClipLocation.parse(location).open(new ClipSourceProvider.Request(null, 64, 0));
  }

  private static Scene scene(String task) throws IOException {
    return open(resource("data/" + task).toString()).scene(0);
  }

  @Test
  void allTasksAreFound() throws IOException {
    ClipSource source = open(resource("data").toString());
    assertEquals(3, source.size());
    List<String> ids = List.of(source.id(0), source.id(1), source.id(2));
    assertEquals(List.of("remove/0a1b2c", "rotate/0a1b2c", "translate/0a1b2c"), ids);
    assertEquals("remove/0a1b2c", open("object:" + resource("data/remove/val")).id(0));
    assertTrue(source.describe().contains("approximations"), source.describe());
  }

  /** Boxes that are as deep as wide are found again, but for the rounding of masks to pixels. */
  @ParameterizedTest
  @ValueSource(strings = {"translate", "rotate", "remove"})
  void boxesAreFoundFromMasks(String task) throws IOException {
    JsonNode expected = new ObjectMapper().readTree(Files.readString(resource("expected.json")));
    Scene scene = scene(task);
    assertEquals(NAMES, scene.names());
    assertEquals(256, scene.width());
    assertEquals(
        List.of(false, true, false), scene.entities().stream().map(e -> e.isDynamic()).toList());
    assertEquals(scene.frames().get(0).camera(), scene.frames().get(1).camera());
    for (int t = 0; t < 2; t++) {
      SceneFrame frame = scene.frames().get(t);
      JsonNode boxes = expected.get(task).get(t);
      int[] colors = {0, 1, 4};
      for (int i = 0; i < colors.length; i++) {
        JsonNode want = boxes.get("" + colors[i]);
        ObjectView view = frame.views().get(i);
        assertEquals(want != null, view.isPresent(), "object " + i + " of frame " + t);
        assertEquals(want != null, view.isVisible());
        if (want != null) {
          checkCorners(want, view.box3(), task + " " + t + " " + i);
        }
      }
    }
  }

  private static void checkCorners(JsonNode want, Box3 box, String message) {
    for (int k = 0; k < 8; k++) {
      assertEquals(want.get(k).get(0).doubleValue(), box.corner(k).x(), 0.02, message);
      assertEquals(want.get(k).get(1).doubleValue(), box.corner(k).y(), 0.02, message);
      assertEquals(want.get(k).get(2).doubleValue(), box.corner(k).z(), 0.02, message);
    }
  }

  @Test
  void picturesAndLabelsAreThoseOfTheFiles() throws IOException {
    Scene scene = scene("translate");
    Path pair = resource("data/translate/val/seen/0a1b2c");
    for (int t = 0; t < 2; t++) {
      SceneFrame frame = scene.frames().get(t);
      assertArrayEquals(PngFile.readRgb(pair.resolve((t + 1) + ".png"), 256, 256), frame.rgb());
      List<ObjectView> again =
          ObjectView.ofSegmentation(frame.boxes(), frame.segmentation(), 256, 256);
      assertEquals(frame.views(), again);
    }
  }

  @ParameterizedTest
  @CsvSource({"1, true", "1, false", "2, false"})
  void aMaskWithoutTheEditedObjectIsRefused(int number, boolean isEmpty) throws IOException {
    Path pair = copy("translate");
    Path mask = pair.resolve(number + "_mask.png");
    BufferedImage image = new BufferedImage(256, 256, BufferedImage.TYPE_INT_ARGB);
    if (!isEmpty) {
      Graphics2D g = image.createGraphics();
      g.setColor(new Color(228, 26, 28));
      g.fillRect(0, 0, 200, 200);
      g.dispose();
    }
    ImageIO.write(image, "png", mask.toFile());
    String colors = isEmpty ? "(0, 0, 0)" : "(228, 26, 28), (0, 0, 0)";
    assertEquals(
        mask
            + ": the edited object's color, (55, 126, 184), is not in the mask; the most common are"
            + " "
            + colors,
        failure(pair));
  }

  @Test
  void badMetadataAreRefused() throws IOException {
    Path pair = copy("rotate");
    Path file = pair.resolve("metadata.json");
    Files.writeString(file, "{\"rotation_angle\": \"much\"}");
    assertEquals(file + ": rotation_angle is not a number of degrees", failure(pair));
    Files.writeString(file, "{}");
    assertTrue(failure(pair).startsWith(file + ": has none of rotation_angle, "), failure(pair));
    Files.writeString(file, "[1]");
    assertEquals(file + ": is not a JSON object", failure(pair));
    Files.writeString(file, "{\"rotation_angle\": 3");
    assertTrue(failure(pair).startsWith(file + ": malformed JSON: "), failure(pair));
    assertEquals(1, failure(pair).lines().count());
  }

  @Test
  void aMissingOrDamagedPictureIsNamed() throws IOException {
    Path pair = copy("remove");
    Scene scene = new EditPair(pair).scene();
    Files.delete(pair.resolve("2.png"));
    assertEquals(
        pair.resolve("2.png") + ": is missing",
        assertThrows(RuntimeException.class, () -> scene.frames().get(1).rgb()).getMessage());
    Files.write(pair.resolve("1_mask.png"), new byte[] {1, 2, 3});
    assertEquals(
        pair.resolve("1_mask.png") + ": the picture is neither a JPEG nor a PNG", failure(pair));
  }

  @Test
  void linksInACircleAreRefused() throws IOException {
    copy("remove");
    Path link = folder.resolve("remove/again");
    Files.createSymbolicLink(link, folder);
    IOException e = assertThrows(IOException.class, () -> EditPairs.find(folder));
    assertEquals(link + ": is a link to a folder that it lies in", e.getMessage());
  }

  @Test
  void aFolderWithoutPairsIsNotOne() throws IOException {
    assertFalse(new ObjectProvider().recognizes(folder));
    assertThrows(IOException.class, () -> EditPairs.find(folder));
  }

  private static String failure(Path pair) {
    return assertThrows(IOException.class, () -> new EditPair(pair).scene()).getMessage();
  }

  /** A copy of a task in the test's folder; returns that of its only pair. */
  private Path copy(String task) throws IOException {
    Path from = resource("data");
    try (Stream<Path> files = Files.walk(from.resolve(task))) {
      for (Path file : files.toList()) {
        Path to = folder.resolve(from.relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(to);
        } else {
          Files.copy(file, to);
        }
      }
    }
    return folder.resolve(task).resolve("val/seen/0a1b2c");
  }
}
