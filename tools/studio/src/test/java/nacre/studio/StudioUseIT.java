package nacre.studio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import nacre.neuralassets.render.SceneConfig;
import nacre.neuralassets.render.SceneGenerator;
import nacre.neuralassets.render.SceneRenderer;
import nacre.neuralassets.scene.SceneWriter;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the page offers beyond moving boxes, each tried once, in a real browser. */
class StudioUseIT {
  private static final String LORA = "style";

  @TempDir private static Path scratch;

  private static StudioServer server;
  private static TestStudio client;
  private static ChromiumPage page;

  @BeforeAll
  static void start() throws IOException {
    Path data = scratch.resolve("shelf");
    for (int i = 0; i < 2; i++) {
      write(data.resolve("clip-" + i), 90 + i);
    }
    server =
        TestServer.start(
            scratch.resolve("studio"), List.of(promptModels()), List.of(data.toString()));
    client = new TestStudio(server);
    page = ChromiumPage.start(server.page(), scratch);
  }

  /** A folder of models, in which there are LoRAs, too. */
  private static Path promptModels() throws IOException {
    Path tiny = TestServer.ROOT.resolve("tools/cli/src/test/resources/tiny-sd");
    Path models = Files.createDirectories(scratch.resolve("models"));
    Path from = tiny.resolve("model");
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        Files.copy(file, models.resolve("tiny").resolve(from.relativize(file).toString()));
      }
    }
    Path loras = Files.createDirectories(models.resolve("loras"));
    Path lora = tiny.resolve("lora/style-peft.safetensors");
    Files.copy(lora, loras.resolve(LORA + ".safetensors"));
    return models;
  }

  private static void write(Path folder, int seed) throws IOException {
    SceneGenerator generator = new SceneGenerator(SceneConfig.demo(), seed);
    Files.createDirectories(folder);
    SceneWriter.write(SceneRenderer.render(generator.describe(0), 64, 64, 1), folder);
  }

  @AfterAll
  static void end() {
    if (page != null) {
      page.close();
      client.close();
    } else {
      server.close();
    }
  }

  @BeforeEach
  void forget() {
    page.open("scene");
    page.run("sessionStorage.clear(); localStorage.clear()");
  }

  private static JsonNode scene() throws Exception {
    return client.get("/api/scenes/" + page.run("return localStorage.getItem('scene')"));
  }

  private static BufferedImage picture(String url) throws Exception {
    return ImageIO.read(new ByteArrayInputStream(client.bytes(URI.create(url).getPath())));
  }

  /** The full picture of the edits that there are. */
  private static BufferedImage drawn() throws Exception {
    page.run("document.querySelector('#progress-text').textContent = ''");
    page.click("#draw");
    page.await("the picture", () -> page.text("#progress-text").startsWith("Drawn in"));
    page.await("the picture's place", () -> page.is("#save-png", "href"));
    return picture(page.one("#save-png").getDomProperty("href"));
  }

  /** The mean change of pixels within a box, or outside of it. */
  private static double change(BufferedImage a, BufferedImage b, JsonNode box, boolean within) {
    double sum = 0;
    int count = 0;
    for (int y = 0; y < a.getHeight(); y++) {
      for (int x = 0; x < a.getWidth(); x++) {
        double u = (x + 0.5) / a.getWidth();
        double v = (y + 0.5) / a.getHeight();
        boolean in =
            u > box.get(0).asDouble()
                && u < box.get(2).asDouble()
                && v > box.get(1).asDouble()
                && v < box.get(3).asDouble();
        if (in == within) {
          for (int shift = 0; shift < 24; shift += 8) {
            int left = a.getRGB(x, y) >> shift & 255;
            int right = b.getRGB(x, y) >> shift & 255;
            sum += Math.abs(left - right);
            count++;
          }
        }
      }
    }
    return sum / count;
  }

  private static void chooseScene(String name) {
    page.await("the scenes", () -> !page.all("#scene-list button").isEmpty());
    page.type("#scene-find", name);
    page.click("#scene-list button");
  }

  @Test
  void anObjectIsReplacedByOneOfAnotherScene() throws Exception {
    page.openScene();
    JsonNode object =
        Centroid.mostColorful(
            scene(), client.bytes("/api/scenes/" + scene().get("id").asText() + "/image"));
    BufferedImage before = drawn();
    page.click("#objects .select[data-object='" + object.get("id").asText() + "']");
    page.click("#replace");
    chooseScene("scene 5");
    page.await("its objects", () -> !page.all("#donor-list button").isEmpty());
    String donor = page.text("#donor-list button");
    page.click("#donor-list button");
    String row = "#objects li.selected";
    page.await("the list", () -> page.text(row).contains(" → " + donor.strip().replace(' ', '-')));
    BufferedImage after = drawn();
    double within = change(before, after, object.get("box2"), true);
    double outside = change(before, after, object.get("box2"), false);
    assertTrue(within > 2 * outside, within + " within, " + outside + " outside");
  }

  @Test
  void theBackgroundOfAnotherSceneIsTakenAndPutBack() throws Exception {
    page.openScene();
    JsonNode all = client.get("/api/scenes/0").get("objects").get(0).get("box2");
    BufferedImage before = drawn();
    page.click("#choose-background");
    chooseScene("scene 9");
    page.await("its name", () -> page.text("#background-name").equals("of scene 9"));
    BufferedImage other = drawn();
    double changed = change(before, other, all, false);
    assertTrue(changed > 5, () -> "changed by " + changed);
    page.click("#choose-background");
    assertEquals("its own", page.text("#background-name"));
    assertEquals(0, change(before, drawn(), all, false));
  }

  @Test
  void theCameraMoves() throws Exception {
    page.openScene();
    byte[] source = client.bytes("/api/scenes/" + scene().get("id").asText() + "/image");
    JsonNode object = Centroid.mostColorful(scene(), source);
    Centroid color = Centroid.of(object, source);
    double before = color.u(drawn());
    page.click("#camera-form summary");
    page.type("#camera-form [name=cx]", "0.6");
    double after = color.u(drawn());
    assertTrue(
        after < before - 0.02, "to the right of it things go left: " + before + ", " + after);
    page.click("#camera-reset");
    assertEquals(before, color.u(drawn()), 1e-9);
  }

  @Test
  void aPathBecomesAnAnimation() throws Exception {
    page.openScene();
    byte[] source = client.bytes("/api/scenes/" + scene().get("id").asText() + "/image");
    JsonNode object = Centroid.mostColorful(scene(), source);
    page.click("#objects .select[data-object='" + object.get("id").asText() + "']");
    String field = "#inspector [name=y]";
    double y = Double.parseDouble(page.one(field).getDomProperty("value"));
    page.type(field, Double.toString(y + 0.8));
    page.type("#animation-form [name=kind]", "path");
    page.type("#animation-form [name=frames]", "4");
    page.click("#animation-form button");
    page.await("the GIF", () -> page.text("#save-png").equals("GIF"));
    byte[] gif = client.bytes(URI.create(page.one("#save-png").getDomProperty("href")).getPath());
    ImageReader reader = ImageIO.getImageReadersByFormatName("gif").next();
    reader.setInput(ImageIO.createImageInputStream(new ByteArrayInputStream(gif)));
    assertEquals(4, reader.getNumImages(true));
    Centroid color = Centroid.of(object, source);
    List<Double> places = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      places.add(color.u(reader.read(i)));
    }
    double way = places.getLast() - places.getFirst();
    assertTrue(Math.abs(way) > 0.03, places.toString());
    for (int i = 1; i < 4; i++) {
      double step = places.get(i) - places.get(i - 1);
      assertTrue(step * way > 0, () -> "one way: " + places);
    }
  }

  @Test
  void theSourceIsSeenBesideWhatIsDrawn() {
    page.openScene();
    assertFalse(page.one("#before-image").isDisplayed());
    page.click("#compare");
    assertTrue(page.one("#before-image").isDisplayed());
    assertEquals(0.5, share(), 0.01);
    page.type("#compare-at", "20");
    assertEquals(0.2, share(), 0.01);
    page.click("#compare");
    assertFalse(page.one("#before-image").isDisplayed());
  }

  /** The part of the picture before that is not clipped away. */
  private static double share() {
    return page.numbers(
            """
            const clip = getComputedStyle(document.querySelector('#before-image')).clipPath;
            return [1 - Number(clip.match(/([\\d.]+)%/)[1]) / 100];
            """)[
        0];
  }

  @Test
  void aRunGoesOnWhereItStopped() throws Exception {
    page.open("train");
    page.click("#new-run");
    page.await("the presets", () -> !page.all("#run-form [name=preset] option").isEmpty());
    page.type("#run-form [name=preset]", "tiny");
    page.type("#run-form [name=name]", "goes-on");
    page.type("#run-form [name='field training.steps']", "100000");
    page.click("#run-form button[type=submit]");
    page.await("the first loss", () -> page.text("#chart-caption").contains("goes-on:"));
    page.click("#run-stop");
    page.await("the offer", () -> page.one("#run-resume").isDisplayed());
    int stopped = client.get("/api/runs/goes-on").get("step").intValue();
    page.click("#run-resume");
    page.await("the run", () -> page.one("#run-stop").isDisplayed());
    page.await("further steps", () -> step() > stopped);
    page.click("#run-stop");
    page.await("the end", () -> page.text("#run-facts").contains("Stopped"));
    JsonNode curve = client.get("/api/runs/goes-on").get("curve");
    int before = 0;
    for (JsonNode point : curve) {
      assertTrue(point.get(0).intValue() > before, () -> "each step once: " + curve);
      before = point.get(0).intValue();
    }
  }

  private static int step() {
    try {
      return client.get("/api/runs/goes-on").get("step").intValue();
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aSceneFolderIsDropped() throws Exception {
    Path folder = scratch.resolve("dropped-scene");
    write(folder, 33);
    page.openScene();
    page.drop("#picture", folder);
    page.await("the scene", () -> page.text("#scene-name").contains("dropped-scene"));
    assertEquals("own~dropped-scene", scene().get("id").textValue());
    Path other = Files.createDirectory(scratch.resolve("no-scene"));
    Files.writeString(other.resolve("notes.txt"), "nothing");
    page.drop("#picture", other);
    page.await(
        "the refusal", () -> page.text("#alerts").contains("A scene folder holds scene.json"));
  }

  @Test
  void theFocalLengthOfAPhotoIsThatOfItsExif() throws Exception {
    page.open("photo");
    Path photo = Files.write(scratch.resolve("photo.jpg"), ExifPhoto.of(300, 200, 50));
    page.one("#photo-file").sendKeys(photo.toString());
    page.await("the photo", () -> page.is("#photo-image", "src"));
    assertEquals("50", page.one("#photo-camera [name=focal]").getDomProperty("value"));
    assertTrue(page.text("#photo-exif").contains("As the camera wrote it"));
    Path upright = Files.write(scratch.resolve("upright.jpg"), ExifPhoto.of(200, 300, 50));
    page.one("#photo-file").sendKeys(upright.toString());
    page.await(
        "the other", () -> page.one("#photo-image").getDomProperty("alt").equals("upright.jpg"));
    assertEquals("50", page.one("#photo-camera [name=focal]").getDomProperty("value"));
  }

  @Test
  void scenesOfADataSetAreOffered() throws Exception {
    page.openScene();
    page.click("#choose-scene");
    chooseScene("clip-1");
    page.await("the scene", () -> page.text("#scene-name").contains("clip-1"));
    page.await("its preview", () -> page.text("#progress-text").startsWith("Preview in"));
    assertEquals("shelf~1", scene().get("id").textValue());
    assertEquals(
        scene().get("objects").size(), page.all("#objects .select").size(), "all its objects");
  }

  @Test
  void aLoraChangesThePicture() throws Exception {
    page.open("text");
    page.await("the models", () -> !page.all("#text-form [name=model] option").isEmpty());
    page.type("#text-form [name=prompt]", "a fox");
    page.type("#text-form [name=steps]", "2");
    BufferedImage plain = prompted(1);
    page.type("#text-form [name=lora]", LORA);
    page.type("#text-form [name=loraWeight]", "1.5");
    BufferedImage with = prompted(2);
    JsonNode settings = client.get("/api/history?count=1").get(0).get("settings");
    assertEquals(LORA, settings.at("/lora/0/name").textValue());
    assertEquals(1.5, settings.at("/lora/0/scale").doubleValue());
    JsonNode nothing = Asked.MAPPER.readTree("[2, 2, 3, 3]");
    assertTrue(change(plain, with, nothing, false) > 0.5, "it is another picture");
  }

  private static BufferedImage prompted(int count) throws Exception {
    page.click("#text-draw");
    page.await("the picture", () -> page.all("#text-history img").size() == count);
    page.await("the end", () -> page.text("#text-progress-text").startsWith("Drawn"));
    return picture(client.get("/api/history?count=1").get(0).get("picture").textValue());
  }
}
