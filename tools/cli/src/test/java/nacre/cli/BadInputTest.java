package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import nacre.cli.options.UserException;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.Vec3;
import nacre.tensor.Memory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every user error gives one line, and loses nothing. */
class BadInputTest {
  @TempDir static Path shared;
  @TempDir Path folder;

  private static Path run;

  @BeforeAll
  static void train() {
    run = shared.resolve("run");
    CommandLineRun trained =
        CommandLineRun.of(
            "train",
            "--preset",
            "tiny",
            "--steps",
            1,
            "--eval-pairs",
            0,
            "--no-sheet",
            "--out",
            run);
    assertEquals(0, trained.status(), trained::err);
  }

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  /** Runs what must fail, in one line that holds all of {@code words}. */
  private void assertRefused(List<?> command, String... words) {
    assertRefused(1, command, words);
  }

  /** Runs what cannot be meant. */
  private void assertMeaningless(List<?> command, String... words) {
    assertRefused(2, command, words);
  }

  private void assertRefused(int status, List<?> command, String... words) {
    CommandLineRun refused = CommandLineRun.of(command.toArray());
    assertEquals(status, refused.status(), refused::err);
    assertEquals(1, refused.complaints().size(), refused::err);
    for (String word : words) {
      assertTrue(refused.err().contains(word), refused::err);
    }
    assertFalse(refused.err().contains("[Source"), refused::err); // that is a library's
    assertFalse(refused.err().contains("--debug"), refused::err); // that is for our own mistakes
  }

  private Path renderScene() {
    Path scenes = folder.resolve("scenes");
    CommandLineRun rendered =
        CommandLineRun.of("data", "render", "--clips", 1, "--size", 16, "--out", scenes);
    assertEquals(0, rendered.status(), rendered::err);
    return scenes.resolve("scene_00000");
  }

  private static void cut(Path file) throws IOException {
    byte[] whole = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(whole, whole.length / 2));
  }

  private List<?> train(Object... more) {
    Object[] words = {"train", "--out", folder.resolve("new"), "--eval-pairs", 0};
    Object[] all = Arrays.copyOf(words, words.length + more.length);
    System.arraycopy(more, 0, all, words.length, more.length);
    return List.of(all);
  }

  private void assertNoRun() {
    assertFalse(Files.exists(folder.resolve("new").resolve("checkpoints")));
  }

  @Test
  void presets() throws IOException {
    assertMeaningless(train("--preset", "demmo"), "demmo", "demo", "tiny");
    Path broken = folder.resolve("mine.json");
    Files.writeString(broken, "{\"image_size\": 16,");
    assertRefused(train("--preset", broken), "mine.json", "not valid JSON");
    Files.writeString(broken, Preset.builtin("tiny").json().replace("\"fold\"", "\"folt\""));
    assertRefused(train("--preset", broken), "mine.json", "fold");
    Files.writeString(
        broken, Preset.builtin("tiny").json().replace("\"max_clips\"", "\"max_clip\""));
    assertRefused(train("--preset", broken), "max_clip");
    assertRefused(train("--preset", "paper"), "paper", "autoencoder");
    assertNoRun();
  }

  @Test
  void lengthsAndDevices() {
    assertMeaningless(train("--steps", 0), "--steps is 0");
    assertMeaningless(train("--minutes", -1), "--minutes is -1.0");
    assertMeaningless(train("--checkpoint-minutes", 0), "--checkpoint-minutes");
    assertMeaningless(train("--device", "abacus"), "abacus", "cpu");
    assertMeaningless(train("--resume", "--fresh"), "--resume and --fresh");
    assertMeaningless(List.of("sample", "--model", run, "--steps", 0), "--steps is 0");
    assertMeaningless(List.of("sample", "--model", run, "--guidance", -1), "--guidance");
    assertMeaningless(List.of("eval", "--model", run, "--pairs", 1), "--pairs is 1");
    assertNoRun();
  }

  @Test
  void foldersOfScenes() throws IOException {
    assertRefused(train("--preset", "tiny", "--data", folder.resolve("none")), "does not exist");
    assertRefused(List.of("data", "inspect", folder), "holds no scene.json");
    Path scene = renderScene();
    Path json = scene.resolve("scene.json");
    String text = Files.readString(json);
    Files.writeString(json, text.substring(0, text.length() / 2));
    List<?> inspect = List.of("data", "inspect", scene, "--out", folder.resolve("x.png"));
    assertRefused(inspect, "scene.json");
    assertRefused(train("--preset", "tiny", "--data", scene), "scene.json");
    Files.writeString(json, text.replaceFirst("\"width\" : 16", "\"width\" : 17"));
    assertRefused(inspect, "_000.png", "16×16", "17×16");
    Files.writeString(json, text);
    cut(scene.resolve("frame_003.png"));
    assertRefused(inspect, "frame_003.png", "damaged");
    assertRefused(
        List.of("sample", "--model", run, "--scene", scene, "--out", folder), "frame_003.png");
    assertRefused(train("--preset", "tiny", "--data", scene), "frame_003.png");
    assertFalse(Files.exists(folder.resolve("x.png")));
  }

  @Test
  void models() throws IOException {
    assertRefused(List.of("sample", "--model", folder.resolve("none")), "no such folder");
    assertRefused(List.of("eval", "--model", folder), "neither a run");
    Path out = folder.resolve("run");
    CommandLineRun.of(
        "train", "--preset", "tiny", "--steps", 1, "--eval-pairs", 0, "--no-sheet", "--out", out);
    Path newest = new RunFolder(out).newest().orElseThrow().folder();
    cut(newest.resolve("ema/unet/diffusion_pytorch_model.safetensors"));
    assertRefused(List.of("sample", "--model", out), "diffusion_pytorch_model.safetensors");
    cut(newest.resolve("optimizer.safetensors"));
    assertRefused(List.of("train", "--resume", "--out", out), newest.getFileName().toString());
  }

  @Test
  void modelsOfTheHub() throws IOException {
    String id = "stabilityai/stable-diffusion-2-1-base";
    String advice = "fetch it with: hf download " + id + " --local-dir stable-diffusion-2-1-base";
    assertRefused(List.of("sample", "--prompt", "a", "--model", id), "no such folder", advice);
    String address = "https://huggingface.co/" + id + "/tree/main";
    assertRefused(List.of("sample", "--prompt", "a", "--model", address), advice);
    Path cache = folder.resolve("models--stabilityai--stable-diffusion-2-1-base");
    Path snapshot = Files.createDirectories(cache.resolve("snapshots/5ede9e4b"));
    assertRefused(
        List.of("sample", "--prompt", "a", "--model", cache), "give the model in it: " + snapshot);
    Files.delete(snapshot);
    assertRefused(List.of("sample", "--model", cache), "holds no model: download it again");
    Path none = folder.resolve("none");
    CommandLineRun plain = CommandLineRun.of("sample", "--prompt", "a", "--model", none);
    assertFalse(plain.err().contains("hf download"), plain::err);
  }

  @Test
  void edits() throws IOException {
    DataConfig config = DataConfig.of(Preset.builtin("tiny").data().orElseThrow());
    Scene scene = HeldOut.scene(config, 0, 16);
    String name = scene.names().getFirst();
    assertEdit("remove green-cow", "green-cow", name);
    assertEdit("explode " + name, "explode", "translate OBJECT DX DY DZ");
    assertEdit("translate %s 1 2".formatted(name), "has 1 word too few");
    assertEdit("replace %s 1:green-cow".formatted(name), "green-cow");
    assertEdit("background " + folder.resolve("nowhere"), "nowhere");
    Camera camera = scene.frames().getLast().camera();
    Vec3 back = camera.cameraToWorld().rotation().rotate(new Vec3(0, 0, 20));
    assertEdit(
        "translate %s %s %s %s".formatted(name, back.x(), back.y(), back.z()), "behind the camera");
    assertRefused(
        List.of("sample", "--model", run, "--target", 12, "--out", folder), "frames are 0 to 11");
    assertRefused(
        List.of("sample", "--model", run, "--turn", "green-cow", "--out", folder), "green-cow");
    Path file = folder.resolve("edits.json");
    assertRefused(
        List.of("sample", "--model", run, "--edits", file, "--out", folder), "no such file");
    Files.writeString(file, "[{\"edit\": \"remove\"}]");
    assertRefused(
        List.of("sample", "--model", run, "--edits", file, "--out", folder), "$[0]", "object");
    assertFalse(Files.exists(folder.resolve("sheet.png")));
  }

  private void assertEdit(String edit, String... words) {
    assertRefused(
        List.of("sample", "--model", run, "--steps", 1, "--edit", edit, "--out", folder), words);
  }

  /** 10,922 · 3 · 256² numbers are the most that an array holds. */
  @Test
  void picturesThatNoArrayHoldsAreRefused() {
    EvalCommand.requireRoom("--pairs", 10_922, 256);
    String told =
        assertThrows(UserException.class, () -> EvalCommand.requireRoom("--pairs", 10_923, 256))
            .getMessage();
    assertTrue(told.startsWith("--pairs is 10923: ") && told.endsWith("at most 10922"), told);
  }
}
