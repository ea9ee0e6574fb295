package nacre.studio;

import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import javax.imageio.ImageIO;
import nacre.cli.output.AnimatedGif;
import nacre.cli.output.Upscaling;
import nacre.neuralassets.render.SceneConfig;
import nacre.neuralassets.render.SceneGenerator;
import nacre.neuralassets.render.SceneRenderer;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.PngFile;
import nacre.neuralassets.scene.Quaternion;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;
import nacre.neuralassets.scene.Vec3;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/** The pictures of docs/studio.md, made anew where the property names their folder. */
@EnabledIfSystemProperty(named = "nacre.studio.pictures", matches = ".+")
class StudioPicturesIT {
  private static final int WIDE = 1280;
  private static final int NARROW = 390;
  private static final int HIGH = 2400;
  private static final int GIF_WIDTH = 720;
  private static final int PHOTO = 512;

  @TempDir static Path scratch;
  private static StudioServer server;
  private static ChromiumPage page;
  private static Path folder;

  @BeforeAll
  static void start() throws IOException {
    folder = Path.of(System.getProperty("nacre.studio.pictures"));
    Path prompts = TestServer.ROOT.resolve("tools/cli/src/test/resources/tiny-sd/model");
    server = TestServer.start(scratch.resolve("studio"), List.of(prompts), List.of());
    page = ChromiumPage.start(server.page(), scratch);
  }

  @AfterAll
  static void end() {
    page.close();
    server.close();
  }

  private static void both(String name, int mostHeight) throws IOException {
    photograph(name, WIDE, mostHeight);
    page.resize(NARROW, 844);
    photograph(name + "-narrow", NARROW, HIGH);
    page.resize(WIDE, 800);
  }

  /** A picture in 256 colors, which is a third as large. */
  private static void photograph(String name, int width, int mostHeight) throws IOException {
    Path file = folder.resolve("studio-" + name + ".png");
    page.photograph(file, width, mostHeight);
    BufferedImage full = ImageIO.read(file.toFile());
    byte[] still = AnimatedGif.encode(List.of(full), Duration.ofSeconds(1), 1, Upscaling.NEAREST);
    ImageIO.write(ImageIO.read(new ByteArrayInputStream(still)), "png", file.toFile());
  }

  /** The center of an object's box on the screen. */
  private static double[] center(String object) {
    return page.numbers(
        """
        const r = document.querySelector(`#overlay .box[data-object="${arguments[0]}"]`)
            .getBoundingClientRect();
        return [r.left + r.width / 2, r.top + r.height / 2];
        """,
        object);
  }

  @Test
  void scenes() throws IOException {
    page.openScene();
    page.click("#objects .select");
    String object = page.one("#objects .select").getDomAttribute("data-object");
    List<BufferedImage> film = new ArrayList<>();
    Path shot = scratch.resolve("shot.png");
    for (int i = 0; i < 8; i++) {
      double[] at = center(object);
      page.drag(at[0], at[1], at[0] + 10, at[1]);
      page.await("the preview", () -> page.text("#queue").equals("Ready"));
      page.photograph(shot, WIDE, 800);
      film.add(smaller(ImageIO.read(new ByteArrayInputStream(Files.readAllBytes(shot)))));
    }
    AnimatedGif.write(
        folder.resolve("studio.gif"), film, Duration.ofMillis(500), 1, Upscaling.NEAREST);
    page.click("#draw");
    page.await("the picture", () -> page.text("#progress-text").startsWith("Drawn in"));
    both("scene", 800);
    page.dark(true);
    photograph("scene-dark", WIDE, 800);
    page.dark(false);
  }

  private static BufferedImage smaller(BufferedImage large) {
    int height = large.getHeight() * GIF_WIDTH / large.getWidth();
    var small = new BufferedImage(GIF_WIDTH, height, BufferedImage.TYPE_INT_RGB);
    var pen = small.createGraphics();
    pen.setRenderingHint(
        RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BICUBIC);
    pen.drawImage(large, 0, 0, GIF_WIDTH, height, null);
    pen.dispose();
    return small;
  }

  @Test
  void photos() throws IOException {
    page.open("photo");
    Path photo = scratch.resolve("photo.png");
    ImageIO.write(rendered(), "png", photo.toFile());
    page.one("#photo-file").sendKeys(photo.toString());
    page.await("the photo", () -> page.is("#photo-image", "src"));
    SceneFrame frame = photographed().frames().getFirst();
    Camera camera = frame.camera();
    Vec3 eye = camera.cameraToWorld().translation();
    Vec3 ahead = camera.cameraToWorld().rotation().rotate(new Vec3(0, 0, -1));
    page.type("#photo-camera [name=focal]", format(36 * camera.intrinsics().fx()));
    page.type("#photo-camera [name=tilt]", format(Math.toDegrees(Math.asin(ahead.z()))));
    page.type("#photo-camera [name=height]", format(eye.z()));
    // The photo's world begins below its camera, which looks along y.
    Quaternion turn = Quaternion.about(new Vec3(0, 0, 1), Math.atan2(ahead.x(), ahead.y()));
    for (Box3 box : frame.boxes()) {
      Vec3 center = turn.rotate(box.center().minus(new Vec3(eye.x(), eye.y(), 0)));
      Vec3 along = turn.rotate(box.corner(4).minus(box.corner(0)));
      page.click("#photo-add");
      type("x", center.x(), "y", center.y(), "z", center.z());
      type("sx", box.size().x(), "sy", box.size().y(), "sz", box.size().z());
      type("turn", Math.toDegrees(Math.atan2(along.y(), along.x())));
    }
    page.click("input[name=photo-mode][value=edit]");
    both("photo", 800);
  }

  /** Fills fields of the selected box: name, value and so on. */
  private static void type(Object... values) {
    for (int i = 0; i < values.length; i += 2) {
      page.type("#photo-box [name=" + values[i] + "]", format((double) values[i + 1]));
    }
  }

  private static String format(double value) {
    return String.format(Locale.ROOT, "%.3f", value);
  }

  /** A scene of the renderer's, larger than the model draws. */
  private static Scene photographed() {
    SceneGenerator generator = new SceneGenerator(SceneConfig.demo(), 4);
    return SceneRenderer.render(generator.describe(0), PHOTO, PHOTO, 2);
  }

  private static BufferedImage rendered() {
    return PngFile.image(photographed().frames().getFirst().rgb(), PHOTO, PHOTO);
  }

  @Test
  void runs() throws IOException {
    page.open("train");
    page.click("#new-run");
    page.await("the presets", () -> !page.all("#run-form [name=preset] option").isEmpty());
    page.type("#run-form [name=preset]", "tiny");
    page.type("#run-form [name=name]", "tiny-1");
    page.type("#run-form [name='field training.steps']", "4000");
    photograph("train-form", WIDE, 800);
    page.click("#run-form button[type=submit]");
    page.await(
        "some losses",
        () -> page.text("#run-facts").matches(".*step (?:[6-9]\\d\\d|\\d,\\d{3}).*"));
    page.await("the curve", () -> page.text("#chart-caption").contains("tiny-1:"));
    both("train", 800);
    page.click("#run-stop");
  }

  @Test
  void prompts() throws IOException {
    page.open("text");
    page.await("the models", () -> !page.all("#text-form [name=model] option").isEmpty());
    page.type("#text-form [name=prompt]", "a fox in the snow");
    both("text", 800);
  }
}
