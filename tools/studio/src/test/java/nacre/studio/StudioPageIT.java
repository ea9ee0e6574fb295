package nacre.studio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import javax.imageio.ImageIO;
import nacre.neuralassets.edit.Edit;
import nacre.neuralassets.edit.EditParser;
import nacre.neuralassets.render.SceneConfig;
import nacre.neuralassets.render.SceneGenerator;
import nacre.neuralassets.render.SceneRenderer;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneReader;
import nacre.neuralassets.scene.SceneWriter;
import nacre.neuralassets.scene.Vec3;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.Keys;

/** What people do with the studio, in a real browser, with the model that ships. */
class StudioPageIT {
  /** A held-out scene whose objects differ in color from each other and from the ground. */
  private static final String SCENE = "Held-out scene 0";

  @TempDir private static Path scratch;

  private static StudioServer server;
  private static ChromiumPage page;
  private static HttpClient client;

  @BeforeAll
  static void start() throws IOException {
    Path prompts = TestServer.ROOT.resolve("tools/cli/src/test/resources/tiny-sd/model");
    server = TestServer.start(scratch.resolve("studio"), List.of(prompts), List.of());
    page = ChromiumPage.start(server.page(), scratch);
    client = HttpClient.newHttpClient();
  }

  @AfterAll
  static void end() {
    if (page != null) {
      page.close();
      client.close();
    }
    server.close();
  }

  @BeforeEach
  void forget() {
    page.open("scene");
    page.run("sessionStorage.clear(); localStorage.clear()");
  }

  /** The center of the part of a box that faces the camera, and the width of the picture. */
  private static double[] boxAt(String object) {
    return boxAt("#overlay", object);
  }

  /** The same in one of the overlays. */
  private static double[] boxAt(String overlay, String object) {
    return page.numbers(
        """
        const [overlay, object] = arguments;
        const group = document.querySelector(`${overlay} .box[data-object="${object}"]`);
        const boxes = [...group.querySelectorAll('.side')].map(s => s.getBoundingClientRect());
        const x0 = Math.min(...boxes.map(b => b.left)), x1 = Math.max(...boxes.map(b => b.right));
        const y0 = Math.min(...boxes.map(b => b.top)), y1 = Math.max(...boxes.map(b => b.bottom));
        const all = document.querySelector(overlay).getBoundingClientRect();
        return [x0, x1, y0, y1, all.left, all.top, all.width];
        """,
        overlay,
        object);
  }

  private static JsonNode get(String path) throws IOException, InterruptedException {
    return new JsonMapper().readTree(bytes(path));
  }

  private static byte[] bytes(String path) throws IOException, InterruptedException {
    HttpRequest request = HttpRequest.newBuilder(server.page().resolve(path)).build();
    HttpResponse<byte[]> answer = client.send(request, BodyHandlers.ofByteArray());
    assertEquals(200, answer.statusCode(), path);
    return answer.body();
  }

  private static JsonNode post(String path, String json) throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(server.page().resolve(path))
            .header("content-type", "application/json")
            .POST(BodyPublishers.ofString(json))
            .build();
    HttpResponse<String> answer = client.send(request, BodyHandlers.ofString());
    assertTrue(answer.statusCode() < 300, answer.body());
    return new JsonMapper().readTree(answer.body());
  }

  /** The full picture that the page shows now. */
  private static BufferedImage drawn() throws IOException, InterruptedException {
    page.click("#draw");
    page.await("the picture", () -> page.text("#progress-text").startsWith("Drawn in"));
    page.await("the picture's place", () -> page.is("#save-png", "href"));
    String url = page.one("#save-png").getDomProperty("href");
    return ImageIO.read(new ByteArrayInputStream(bytes(URI.create(url).getPath())));
  }

  @Test
  void aBoxThatIsDraggedToTheRightIsDrawnToTheRight() throws Exception {
    page.openScene();
    JsonNode scene = get("/api/scenes/" + page.run("return localStorage.getItem('scene')"));
    JsonNode object =
        Centroid.mostColorful(scene, bytes("/api/scenes/" + scene.path("id").asText() + "/image"));
    String id = object.path("id").asText();
    page.click("#objects .select[data-object='" + id + "']");
    BufferedImage before = drawn();
    double[] from = boxAt(id);

    double middle = (from[0] + from[1]) / 2;
    double room = from[4] + from[6] - from[1];
    double by = Math.clamp(room - 8, 30, 0.3 * from[6]);
    page.drag(middle, (from[2] + from[3]) / 2, middle + by, (from[2] + from[3]) / 2);
    double[] to = boxAt(id);
    assertEquals(
        "0", page.one("#inspector [name=rz]").getDomProperty("value"), "moved, not turned");
    assertTrue(to[0] > from[0] + by / 2, "the box follows the pointer");
    page.await("the preview", () -> page.text("#progress-text").startsWith("Preview in"));

    BufferedImage after = drawn();
    Centroid color =
        Centroid.of(object, bytes("/api/scenes/" + scene.path("id").asText() + "/image"));
    double was = from[4] + from[6] * color.u(before);
    double is = from[4] + from[6] * color.u(after);
    double moved = (to[0] + to[1]) / 2 - (from[0] + from[1]) / 2;
    assertTrue(was > from[0] && was < from[1], "drawn at " + was + " where its box was");
    assertTrue(is > to[0] && is < to[1], "drawn at " + is + " where its box is");
    assertEquals(moved, is - was, 0.35 * moved, "the object went as far as its box");

    page.click("#undo");
    assertEquals(from[0], boxAt(id)[0], 0.5);
    assertTrue(page.is("#undo", "disabled"));
    page.click("#redo");
    assertEquals(to[0], boxAt(id)[0], 0.5);
  }

  @Test
  void editsGoOutAndComeBackAndMeanTheSameToTheServer() throws Exception {
    page.openScene();
    List<?> names =
        (List<?>)
            page.run(
                "return [...document.querySelectorAll('#objects .select')].map(b =>"
                    + " b.dataset.object)");
    String first = names.getFirst().toString();
    page.click("#objects .select[data-object='" + first + "']");
    page.type("#inspector [name=rz]", "35");
    page.type("#inspector [name=rx]", "10");
    page.type("#inspector [name=scale]", "1.2");
    page.type("#inspector [name=x]", "0.4");
    page.click("#objects .select[data-object='" + names.get(1) + "']");
    page.click("#remove");
    page.type("#camera-form [name=cx]", "0.4");
    page.type("#camera-form [name=pan]", "6");
    page.run("document.querySelector('#boxes-drawn').click()");
    double[] edited = boxAt(first);
    double[] seen = boxAt("#overlay-drawn", first);
    page.click("#export");
    Path file = scratch.resolve("edits.json");
    page.await("the file", () -> Files.exists(file));
    List<Edit> edits = EditParser.readJson(file);
    assertEquals(5, edits.size(), edits.toString());
    assertEquals(new Edit.MoveCamera(new Vec3(0.4, 0, 0), 6, 0), edits.getLast());
    String line = page.text("#command code");
    assertTrue(line.contains("--edits edits.json --seed 42 --steps "), line);

    JsonNode scene = get("/api/scenes/" + page.run("return localStorage.getItem('scene')"));
    String id = scene.path("id").asText();
    JsonNode applied =
        post("/api/scenes/" + id + "/edits", "{\"edits\": " + Files.readString(file) + "}");
    JsonNode object = named(applied, first);
    double u0 = 1e9;
    double u1 = -1e9;
    for (JsonNode corner : object.path("projected")) {
      u0 = Math.min(u0, corner.get(0).asDouble());
      u1 = Math.max(u1, corner.get(0).asDouble());
    }
    assertTrue(Math.abs(edited[0] - edited[4] - seen[0] + seen[4]) > 5, "the camera has moved");
    assertEquals(seen[4] + u0 * seen[6], seen[0], 0.6, "the left edge, as the server has it");
    assertEquals(seen[4] + u1 * seen[6], seen[1], 0.6, "the right edge");

    page.click("#reset");
    assertTrue(Math.abs(boxAt(first)[0] - edited[0]) > 2);
    page.one("#import").sendKeys(file.toString());
    page.await("the import", () -> Math.abs(boxAt(first)[0] - edited[0]) < 0.6);
    assertEquals(edited[3], boxAt(first)[3], 0.6);
    assertEquals(seen[0], boxAt("#overlay-drawn", first)[0], 0.6);
    Files.delete(file);

    Path wrong = Files.writeString(scratch.resolve("wrong.json"), "[\"remove nobody\"]");
    page.one("#import").sendKeys(wrong.toString());
    page.await("the refusal", () -> page.text("#alerts").contains("no object “nobody”"));
    assertEquals(edited[0], boxAt(first)[0], 0.6, "what was there is there");
  }

  private static JsonNode named(JsonNode scene, String object) {
    for (JsonNode each : scene.path("objects")) {
      if (each.path("id").asText().equals(object)) {
        return each;
      }
    }
    throw new AssertionError("no " + object);
  }

  @Test
  void aBoxOnAPhotoBecomesAScene() throws Exception {
    Path photo = scratch.resolve("photo.png");
    ImageIO.write(new BufferedImage(300, 200, BufferedImage.TYPE_INT_RGB), "png", photo.toFile());
    page.open("photo");
    page.one("#photo-file").sendKeys(photo.toString());
    page.await("the photo", () -> page.is("#photo-image", "src"));
    double[] at =
        page.numbers(
            "const r = document.querySelector('#photo-overlay').getBoundingClientRect();"
                + "return [r.left, r.top, r.width, r.height]");
    page.drag(at[0] + at[2] / 2, at[1] + at[3] / 2, at[0] + at[2] / 2, at[1] + at[3] * 0.6);
    double tilt = page.numbers("return [Number(document.querySelector('[name=tilt]').value)]")[0];
    assertTrue(tilt != -15, "dragging the grid tilts the camera");
    page.click("input[name=photo-mode][value=box]");
    page.drag(at[0] + at[2] * 0.4, at[1] + at[3] * 0.85, at[0] + at[2] * 0.6, at[1] + at[3] * 0.75);
    assertEquals("object-1", page.one("#photo-box [name=name]").getDomProperty("value"));
    page.type("#photo-box [name=name]", "crate");
    page.type("#photo-save [name=name]", "a-crate");
    page.click("#photo-save button");
    page.await("the scene", () -> page.text("#scene-name").contains("a-crate"));

    JsonNode saved = get("/api/scenes/" + page.run("return localStorage.getItem('scene')"));
    assertEquals("crate", saved.path("objects").path(0).path("id").asText());
    double[] box = boxAt("crate");
    double u0 = (box[0] - box[4]) / box[6];
    double u1 = (box[1] - box[4]) / box[6];
    assertEquals(0.4, u0, 0.08, "the box stands where it was drawn");
    assertEquals(0.6, u1, 0.08);
    JsonNode bottom = saved.path("objects").path(0).path("box");
    assertEquals(
        bottom.path("size").get(2).asDouble() / 2,
        bottom.path("center").get(2).asDouble(),
        0.01,
        "on the ground");
  }

  @Test
  void aSceneFolderIsOpened() throws Exception {
    Path folder = Files.createDirectory(scratch.resolve("my-scene"));
    SceneGenerator generator = new SceneGenerator(SceneConfig.demo(), 7);
    SceneWriter.write(SceneRenderer.render(generator.describe(0), 64, 64, 1), folder);
    page.openScene();
    page.click("#choose-scene");
    page.one("#scene-folder").sendKeys(folder.toString());
    page.await("the scene", () -> page.text("#scene-name").contains("my-scene"));
    List<?> listed =
        (List<?>)
            page.run(
                "return [...document.querySelectorAll('#objects .select')].map(b =>"
                    + " b.dataset.object)");
    Scene scene = SceneReader.read(folder);
    assertTrue(scene.names().containsAll(listed) && !listed.isEmpty(), listed.toString());
  }

  @Test
  void aBoxIsAddedToAPhotoWithoutAMouse() throws Exception {
    Path photo = scratch.resolve("plain.png");
    ImageIO.write(new BufferedImage(300, 200, BufferedImage.TYPE_INT_RGB), "png", photo.toFile());
    page.open("photo");
    page.one("#photo-file").sendKeys(photo.toString());
    page.await("the photo", () -> page.is("#photo-image", "src"));
    page.one("#photo-add").sendKeys(Keys.ENTER);
    assertEquals("object-1", page.one("#photo-box [name=name]").getDomProperty("value"));
    assertEquals("0.75", page.one("#photo-box [name=z]").getDomProperty("value"));
    assertEquals(1, page.all("#photo-overlay .box").size());

    page.type("#photo-camera [name=focal]", "39.375");
    page.click("#photo-undo");
    assertEquals("28", page.one("#photo-camera [name=focal]").getDomProperty("value"));
    page.click("#photo-redo");
    String focal = page.one("#photo-camera [name=focal]").getDomProperty("value");
    assertEquals("39.375", focal, "values between the steps of the arrows are taken");
  }

  @Test
  void aRunIsStartedAndStopped() throws Exception {
    page.open("train");
    page.click("#new-run");
    page.await("the presets", () -> !page.all("#run-form [name=preset] option").isEmpty());
    page.type("#run-form [name=preset]", "tiny");
    page.type("#run-form [name=name]", "page-run");
    assertFalse(page.all("#preset-fields .explained p").isEmpty());
    page.click("#run-form button[type=submit]");
    page.await("the first loss", () -> page.text("#chart-caption").contains("page-run:"));
    page.click("#run-stop");
    page.await("the end", () -> page.text("#run-facts").contains("Stopped"));
    page.await("the offer", () -> page.one("#run-resume").isDisplayed());
    assertTrue(get("/api/runs/page-run").path("step").asInt() > 0);
  }

  @Test
  void aPromptIsDrawnInThePageAndByTheCallsOfOtherClients() throws Exception {
    page.open("text");
    page.await("the models", () -> !page.all("#text-form [name=model] option").isEmpty());
    assertEquals("32", page.one("#text-form [name=width]").getDomProperty("value"));
    page.type("#text-form [name=prompt]", "a fox in the snow");
    page.type("#text-form [name=steps]", "2");
    page.click("#text-draw");
    page.await("the picture", () -> page.text("#text-progress-text").startsWith("Drawn"));
    page.await("its place in the history", () -> page.all("#text-history img").size() == 1);

    JsonNode answer =
        post(
            "/sdapi/v1/txt2img",
            "{\"prompt\": \"a fox\", \"steps\": 2, \"width\": 64, \"height\": 64, \"seed\": 1}");
    byte[] png = Base64.getDecoder().decode(answer.path("images").get(0).asText());
    assertEquals(64, ImageIO.read(new ByteArrayInputStream(png)).getWidth());
  }

  @Test
  void editsOutliveAReload() {
    page.openScene();
    page.click("#objects .select");
    page.type("#inspector [name=z]", "1.5");
    page.openScene();
    page.click("#objects .select");
    assertEquals("1.5", page.one("#inspector [name=z]").getDomProperty("value"));
  }
}
