package nacre.studio;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import nacre.cli.Nacre;
import nacre.neuralassets.render.SceneConfig;
import nacre.neuralassets.render.SceneGenerator;
import nacre.neuralassets.render.SceneRenderer;
import nacre.neuralassets.scene.PngFile;
import nacre.neuralassets.scene.SceneWriter;
import nacre.tensor.Device;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The studio and {@code nacre sample} speak one language of edits, and draw the same. */
class CommandLineTest {
  private static final String MODEL = TestStudio.DEMO.toString();

  @TempDir private static Path scratch;
  private static StudioServer server;
  private static TestStudio studio;
  private static Path data;

  @BeforeAll
  static void start() throws IOException {
    data = scratch.resolve("some data");
    for (int i = 0; i < 2; i++) {
      Path folder = Files.createDirectories(data.resolve("scene-" + i));
      SceneGenerator generator = new SceneGenerator(SceneConfig.demo(), 70 + i);
      SceneWriter.write(SceneRenderer.render(generator.describe(i), 64, 64, 1), folder);
    }
    server =
        StudioServer.start(
            new StudioSettings(
                Address.of("127.0.0.1", 0, null),
                scratch.resolve("studio"),
                List.of(TestStudio.DEMO),
                List.of(data.toString()),
                Device.of("cpu")));
    studio = new TestStudio(server);
  }

  @AfterAll
  static void stop() {
    studio.close();
  }

  private static JsonNode scene(String id) throws Exception {
    return studio.get("/api/scenes/" + id);
  }

  /** The scenes of all groups, each edited with what the scenes of the others lend. */
  @ParameterizedTest
  @ValueSource(strings = {"3", "some-data~1", "own~mine"})
  void theSameEditsGiveTheSamePicture(String id) throws Exception {
    if (id.startsWith("own")) {
      var shelf = server.studio().scenes();
      Path folder = Files.createDirectories(shelf.folder("mine"));
      var model = server.studio().models().assets(null);
      SceneWriter.write(shelf.view("8", model).scene(), folder);
    }
    JsonNode scene = scene(id);
    JsonNode heldOut = scene("7");
    JsonNode other = scene("some-data~0");
    String object = scene.at("/objects/0/id").textValue();
    String edits =
        """
        [{"edit": "replace", "object": "%s", "by": {"scene": "%s", "object": "%s"}},
         {"edit": "rotate", "object": "%s", "degrees": 20},
         {"edit": "background", "scene": "%s"},
         {"edit": "camera", "by": [0.2, 0.1, 0], "degrees": [2, -3]}]
        """
            .formatted(
                object,
                other.get("reference").textValue(),
                other.at("/objects/0/id").textValue(),
                object,
                heldOut.get("reference").textValue());
    JsonNode job =
        studio.draw(
            "/api/draw",
            "{\"scene\":\"%s\",\"steps\":3,\"seed\":11,\"guidance\":2,\"edits\":%s}"
                .formatted(id, edits));
    assertEquals("done", job.get("state").textValue(), job.toString());
    String result = "/api/results/" + job.get("result").textValue();

    Path file = scratch.resolve(id + ".json");
    Files.write(file, studio.bytes(result + "/edits.json"));
    Path out = scratch.resolve("out " + id);
    List<String> words = new ArrayList<>(List.of("sample", "--model", MODEL));
    words.addAll(words(scene.get("sample").textValue()));
    words.addAll(List.of("--edits", file.toString(), "--steps", "3", "--seed", "11"));
    words.addAll(List.of("--guidance", "2", "--out", out.toString()));
    assertEquals(0, Nacre.run(words.toArray(String[]::new), new PrintWriter(System.err, true)));
    assertArrayEquals(
        rgb(studio.bytes(job.get("picture").textValue())),
        rgb(Files.readAllBytes(out.resolve("edit-1-11.png"))));
  }

  /** Words as a shell makes them of a line, with quotes around some. */
  private static List<String> words(String line) {
    List<String> words = new ArrayList<>();
    var matcher = java.util.regex.Pattern.compile("'([^']*)'|\\S+").matcher(line);
    while (matcher.find()) {
      words.add(matcher.group(1) != null ? matcher.group(1) : matcher.group());
    }
    assertTrue(words.size() >= 6, line);
    return words;
  }

  private static byte[] rgb(byte[] png) throws IOException {
    BufferedImage picture = ImageIO.read(new ByteArrayInputStream(png));
    return PngFile.rgb(picture);
  }
}
