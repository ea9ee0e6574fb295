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
import javax.imageio.ImageIO;
import nacre.cli.output.AnimatedGif;
import nacre.cli.output.Upscaling;
import nacre.neuralassets.render.SceneConfig;
import nacre.neuralassets.render.SceneGenerator;
import nacre.neuralassets.render.SceneRenderer;
import nacre.neuralassets.scene.PngFile;
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

  private static void both(String name, int mostHeight) {
    page.photograph(folder.resolve("studio-" + name + ".png"), WIDE, mostHeight);
    page.resize(NARROW, 844);
    page.photograph(folder.resolve("studio-" + name + "-narrow.png"), NARROW, HIGH);
    page.resize(WIDE, 800);
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
    page.photograph(folder.resolve("studio-scene-dark.png"), WIDE, 800);
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
    double[] at =
        page.numbers(
            "const r = document.querySelector('#photo-overlay').getBoundingClientRect();"
                + "return [r.left, r.top, r.width, r.height]");
    page.click("input[name=photo-mode][value=box]");
    page.drag(at[0] + at[2] * 0.4, at[1] + at[3] * 0.85, at[0] + at[2] * 0.6, at[1] + at[3] * 0.75);
    both("photo", 800);
  }

  /** A scene of the renderer's, larger than the model draws. */
  private static BufferedImage rendered() {
    int side = 512;
    SceneGenerator generator = new SceneGenerator(SceneConfig.demo(), 4);
    byte[] rgb =
        SceneRenderer.render(generator.describe(0), side, side, 2).frames().getFirst().rgb();
    return PngFile.image(rgb, side, side);
  }

  @Test
  void runs() {
    page.open("train");
    page.click("#new-run");
    page.await("the presets", () -> !page.all("#run-form [name=preset] option").isEmpty());
    page.type("#run-form [name=preset]", "tiny");
    page.type("#run-form [name=name]", "tiny-1");
    page.type("#run-form [name='field training.steps']", "4000");
    page.photograph(folder.resolve("studio-train-form.png"), WIDE, 800);
    page.click("#run-form button[type=submit]");
    page.await(
        "some losses",
        () -> page.text("#run-facts").matches(".*step (?:[1-9]\\d\\d|\\d,\\d{3}).*"));
    page.await("the curve", () -> page.text("#chart-caption").contains("tiny-1:"));
    both("train", 800);
    page.click("#run-stop");
  }

  @Test
  void prompts() {
    page.open("text");
    page.await("the models", () -> !page.all("#text-form [name=model] option").isEmpty());
    page.type("#text-form [name=prompt]", "a fox in the snow");
    both("text", 800);
  }
}
