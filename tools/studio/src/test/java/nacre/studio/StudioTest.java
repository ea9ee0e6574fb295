package nacre.studio;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import nacre.tensor.Memory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the page asks of the server, as it asks it. */
class StudioTest {
  private static final String EDIT =
      "{\"scene\":\"3\",\"steps\":4,\"edits\":[\"translate pink-box 0 0.8 0\"]}";

  @TempDir private static Path out;
  private static TestStudio studio;

  @BeforeAll
  static void start() throws IOException {
    studio = new TestStudio(out, TestStudio.DEMO, TestStudio.TINY_SD);
  }

  @AfterAll
  static void stop() {
    studio.close();
    assertEquals(0, Memory.liveBytes(), "all tensors are freed when the server ends");
  }

  @Test
  void stateAndScenes() throws Exception {
    JsonNode state = studio.get("/api/state");
    assertEquals("demo", state.at("/model/name").textValue());
    assertEquals(64, state.at("/model/size").intValue());
    JsonNode list = studio.get("/api/scenes?count=2&group=held-out");
    assertEquals(2, list.get("scenes").size());
    JsonNode scene = studio.get("/api/scenes/3");
    assertEquals(4, scene.get("objects").size());
    JsonNode box = scene.at("/objects/0/projected");
    assertEquals(8, box.size());
    BufferedImage image =
        ImageIO.read(new ByteArrayInputStream(studio.bytes("/api/scenes/3/image")));
    assertEquals(64, image.getWidth());
  }

  @Test
  void drawsAnEditKeepsItAndGivesItsEditsBack() throws Exception {
    JsonNode job = studio.draw("/api/draw", EDIT);
    assertEquals("done", job.get("state").textValue(), job.toString());
    assertEquals(4, job.get("step").intValue());
    String id = job.get("result").textValue();
    JsonNode result = studio.get("/api/results/" + id);
    assertEquals(0, result.at("/settings/seed").intValue());
    assertEquals(1.5, result.at("/settings/guidance").doubleValue());
    double before = Double.POSITIVE_INFINITY;
    for (JsonNode box : result.get("overlay")) {
      double depth = 0;
      for (JsonNode corner : box.get("projected")) {
        depth += corner.get(2).doubleValue();
      }
      assertTrue(depth <= before, "farthest first");
      before = depth;
    }
    assertEquals(
        "[\"translate pink-box 0 0.8 0\"]",
        studio.get("/api/results/" + id + "/edits.json").toString());
    byte[] png = studio.bytes(result.get("picture").textValue());
    assertEquals(64, ImageIO.read(new ByteArrayInputStream(png)).getWidth());
    assertTrue(
        new String(png, java.nio.charset.StandardCharsets.ISO_8859_1)
            .contains("translate pink-box"));
    assertEquals(id, studio.get("/api/history").get(0).get("id").textValue());
    JsonNode again = studio.draw("/api/draw", EDIT);
    byte[] same = studio.bytes(again.get("picture").textValue());
    assertArrayEquals(png, same, "the same request gives the same bytes");
    assertEquals(204, studio.send(studio.request("/api/results/" + id).DELETE()).statusCode());
    assertEquals(404, studio.send(studio.request("/api/results/" + id)).statusCode());
  }

  @Test
  void anotherCameraDrawsAnotherPicture() throws Exception {
    byte[] plain = preview("[]");
    assertArrayEquals(plain, preview("[\"camera 0 0 0 0 0\"]"));
    byte[] moved = preview("[\"camera 1 0.5 0 10 -5\"]");
    assertFalse(java.util.Arrays.equals(plain, moved));
    String object = "{\"edit\":\"camera\",\"by\":[1,0.5,0],\"degrees\":[10,-5]}";
    assertArrayEquals(moved, preview("[" + object + "]"));
  }

  private static byte[] preview(String edits) throws Exception {
    JsonNode job =
        studio.draw(
            "/api/draw", "{\"scene\":\"3\",\"steps\":2,\"preview\":true,\"edits\":" + edits + "}");
    byte[] png = studio.bytes(job.get("picture").textValue());
    BufferedImage picture = ImageIO.read(new ByteArrayInputStream(png));
    return nacre.neuralassets.scene.PngFile.rgb(picture); // without the edits in its texts
  }

  @Test
  void duplicatesWhereThereIsRoom() throws Exception {
    int room = -1;
    for (int i = 0; i < 20 && room < 0; i++) {
      room = studio.get("/api/scenes/" + i).get("objects").size() < 4 ? i : -1;
    }
    String name = studio.get("/api/scenes/" + room).at("/objects/0/id").textValue();
    String edits =
        "[{\"edit\":\"duplicate\",\"object\":\"%s\",\"as\":\"twin\"},\"translate twin 1 0 0\"]"
            .formatted(name);
    JsonNode edited =
        studio.post("/api/scenes/" + room + "/edits", "{\"edits\":" + edits + "}", 200);
    assertEquals(
        "twin", edited.get("objects").get(edited.get("objects").size() - 1).get("id").textValue());
    JsonNode job =
        studio.draw(
            "/api/draw",
            "{\"scene\":\"" + room + "\",\"steps\":2,\"preview\":true,\"edits\":" + edits + "}");
    assertEquals("done", job.get("state").textValue(), job.toString());
    String full = "{\"edits\":[\"duplicate pink-box twin\"]}";
    String error = studio.post("/api/scenes/3/edits", full, 400).get("error").textValue();
    assertTrue(error.contains("room for 4"), error);
  }

  @Test
  void cancelsTheRunningJobAndGoesOn() throws Exception {
    String longOne = "{\"scene\":\"3\",\"steps\":900}";
    String first = studio.post("/api/draw", longOne, 202).get("job").textValue();
    String second = studio.post("/api/draw", longOne, 202).get("job").textValue();
    studio.send(studio.request("/api/jobs/" + second).DELETE());
    studio.send(studio.request("/api/jobs/" + first).DELETE());
    assertEquals("canceled", studio.ended(first).get("state").textValue());
    assertEquals("canceled", studio.ended(second).get("state").textValue());
    assertEquals("done", studio.draw("/api/draw", EDIT).get("state").textValue());
  }

  @Test
  void aWaitingPreviewGivesWayToTheNext() throws Exception {
    String blocker =
        studio.post("/api/draw", "{\"scene\":\"3\",\"steps\":900}", 202).get("job").textValue();
    String preview = "{\"scene\":\"3\",\"preview\":true,\"client\":\"a\"}";
    String old = studio.post("/api/draw", preview, 202).get("job").textValue();
    String others =
        studio.post("/api/draw", preview.replace("\"a\"", "\"b\""), 202).get("job").textValue();
    String last = studio.post("/api/draw", preview, 202).get("job").textValue();
    studio.send(studio.request("/api/jobs/" + blocker).DELETE());
    assertEquals("canceled", studio.ended(old).get("state").textValue());
    assertEquals("done", studio.ended(others).get("state").textValue());
    assertEquals("done", studio.ended(last).get("state").textValue());
  }

  @Test
  void eventsTellStepsInOrder() throws Exception {
    try (HttpClient client = HttpClient.newHttpClient()) {
      var events =
          client.send(
              studio.request("/api/events").header("Accept", "text/event-stream").build(),
              BodyHandlers.ofLines());
      String id = studio.post("/api/draw", EDIT, 202).get("job").textValue();
      List<JsonNode> told = new java.util.ArrayList<>();
      try (Stream<String> lines = events.body()) {
        for (String line : (Iterable<String>) lines::iterator) {
          if (line.startsWith("data: ") && line.contains("\"id\":\"" + id + "\"")) {
            told.add(Asked.MAPPER.readTree(line.substring(6)));
            if (told.getLast().get("state").textValue().equals("done")) {
              break;
            }
          }
        }
      }
      assertEquals("queued", told.getFirst().get("state").textValue());
      List<Integer> steps = told.stream().map(j -> j.get("step").intValue()).toList();
      assertEquals(steps.stream().sorted().toList(), steps);
      assertTrue(steps.containsAll(List.of(1, 2, 3, 4)), steps.toString());
      assertNotNull(told.get(3).get("picture").textValue());
      client.shutdownNow();
    }
  }

  @Test
  void animatesATurnAndAPath() throws Exception {
    JsonNode turn =
        studio.draw(
            "/api/animations",
            "{\"scene\":\"3\",\"steps\":2,\"frames\":3,\"turn\":{\"object\":\"pink-box\"}}");
    assertEquals("done", turn.get("state").textValue(), turn.toString());
    assertEquals(3, frames(studio.bytes(turn.get("picture").textValue())));
    JsonNode path =
        studio.draw(
            "/api/animations",
            "{\"scene\":\"3\",\"steps\":2,\"frames\":5,\"path\":[[],[\"translate pink-box 0 1"
                + " 0\"]]}");
    assertEquals(5, frames(studio.bytes(path.get("picture").textValue())));
  }

  private static int frames(byte[] gif) throws IOException {
    var reader = ImageIO.getImageReadersByFormatName("gif").next();
    reader.setInput(ImageIO.createImageInputStream(new ByteArrayInputStream(gif)));
    return reader.getNumImages(true);
  }

  @Test
  void aPhotoBecomesASceneThatCanBeDrawn() throws Exception {
    BufferedImage photo = new BufferedImage(90, 60, BufferedImage.TYPE_INT_RGB);
    var graphics = photo.createGraphics();
    graphics.setColor(Color.RED);
    graphics.fillRect(30, 20, 30, 30);
    graphics.dispose();
    var upload =
        studio.send(
            studio
                .request("/api/photos")
                .header("Content-Type", "image/png")
                .POST(BodyPublishers.ofByteArray(Pictures.png(photo))));
    assertEquals(201, upload.statusCode());
    JsonNode info = Asked.MAPPER.readTree(upload.body());
    assertEquals(90, info.get("width").intValue());
    assertTrue(info.get("focalLength").isNull());
    JsonNode saved =
        studio.post(
            "/api/photos/" + info.get("id").textValue() + "/scene",
            "{\"name\":\"My desk!\",\"camera\":"
                + info.get("camera")
                + ",\"objects\":[{\"name\":\"mug\",\"box\":{\"center\":[0,0,0.5],\"size\":[1,1,1],\"rotation\":[1,0,0,0]}}]}",
            201);
    assertEquals("own~my-desk", saved.get("id").textValue());
    assertTrue(Files.isRegularFile(out.resolve("scenes/my-desk/scene.json")));
    JsonNode scene = studio.get("/api/scenes/own~my-desk");
    assertEquals("mug", scene.at("/objects/0/id").textValue());
    assertEquals(1, scene.get("frames").intValue());
    JsonNode drawn =
        studio.draw(
            "/api/draw",
            "{\"scene\":\"own~my-desk\",\"preview\":true,\"edits\":[\"rotate mug 30\"]}");
    assertEquals("done", drawn.get("state").textValue(), drawn.toString());
  }

  @Test
  void aSceneFolderIsTakenIfItIsOne(@TempDir Path folder) throws Exception {
    var shelf = studio.server().studio().scenes();
    var model = studio.server().studio().models().assets(null);
    nacre.neuralassets.scene.SceneWriter.write(shelf.view("5", model).scene(), folder);
    JsonNode taken = Asked.MAPPER.readTree(uploaded(folder, "my/nice scene/").body());
    assertEquals("own~nice-scene", taken.get("id").textValue(), taken.toString());
    assertEquals(12, studio.get("/api/scenes/own~nice-scene").get("frames").intValue());
    Files.delete(folder.resolve("frame_003.png"));
    var refused = uploaded(folder, "../../../evil/");
    assertEquals(400, refused.statusCode());
    String error = Asked.MAPPER.readTree(refused.body()).get("error").textValue();
    assertTrue(error.contains("frame_003.png") && !error.contains("uploads"), error);
    try (Stream<Path> left = Files.list(out.resolve("uploads"))) {
      assertEquals(0, left.count());
    }
  }

  private static java.net.http.HttpResponse<byte[]> uploaded(Path folder, String at)
      throws Exception {
    var body = new java.io.ByteArrayOutputStream();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        body.writeBytes(
            ("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\""
                    + at
                    + file.getFileName()
                    + "\"\r\nContent-Type: application/octet-stream\r\n\r\n")
                .getBytes(java.nio.charset.StandardCharsets.UTF_8));
        body.writeBytes(Files.readAllBytes(file));
        body.writeBytes("\r\n".getBytes(java.nio.charset.StandardCharsets.UTF_8));
      }
    }
    body.writeBytes("--b--\r\n".getBytes(java.nio.charset.StandardCharsets.UTF_8));
    return studio.send(
        studio
            .request("/api/scenes")
            .header("Content-Type", "multipart/form-data; boundary=b")
            .POST(BodyPublishers.ofByteArray(body.toByteArray())));
  }

  private static int sizeOfTiny() throws IOException {
    Path model = TestStudio.TINY_SD.resolve("model");
    JsonNode unet = Asked.MAPPER.readTree(model.resolve("unet/config.json").toFile());
    JsonNode vae = Asked.MAPPER.readTree(model.resolve("vae/config.json").toFile());
    int levels = vae.get("block_out_channels").size();
    return unet.get("sample_size").intValue() << (levels - 1);
  }

  @Test
  void aPromptIsSeenBecomingClear() throws Exception {
    JsonNode asked =
        studio.post(
            "/api/text-to-image",
            "{\"prompt\":\"a fox\",\"steps\":400,\"seed\":7,\"sampler\":\"euler\"}",
            202);
    String id = asked.get("job").textValue();
    var pictures = new java.util.HashSet<Integer>();
    JsonNode job = studio.get("/api/jobs/" + id);
    while (!job.get("state").textValue().matches("done|failed")) {
      if (job.get("state").textValue().equals("running") && !job.get("picture").isNull()) {
        byte[] png = studio.bytes("/api/jobs/" + id + "/picture");
        BufferedImage picture = ImageIO.read(new ByteArrayInputStream(png));
        if (picture != null) {
          assertEquals(sizeOfTiny(), picture.getWidth());
          pictures.add(java.util.Arrays.hashCode(png));
        }
      }
      job = studio.get("/api/jobs/" + id);
    }
    assertEquals("done", job.get("state").textValue(), job.toString());
    assertTrue(pictures.size() >= 2, () -> pictures.size() + " pictures were seen");
  }

  @Test
  void drawsPromptsByBothApis() throws Exception {
    JsonNode job =
        studio.draw(
            "/api/text-to-image",
            "{\"prompt\":\"a fox\",\"steps\":2,\"seed\":7,\"sampler\":\"ddim\"}");
    assertEquals("done", job.get("state").textValue(), job.toString());
    JsonNode state = studio.get("/api/text-models");
    assertEquals("model", state.at("/models/0/name").textValue());
    assertEquals(sizeOfTiny(), state.at("/models/0/size").intValue());
    JsonNode answer =
        studio.post(
            "/sdapi/v1/txt2img",
            "{\"prompt\":\"a fox\",\"steps\":2,\"seed\":5,\"width\":64,\"height\":64,"
                + "\"batch_size\":2,\"sampler_name\":\"Euler a\",\"unknown\":1}",
            200);
    assertEquals(2, answer.get("images").size());
    String png = answer.get("images").get(0).textValue();
    BufferedImage drawn = ImageIO.read(new ByteArrayInputStream(Base64.getDecoder().decode(png)));
    assertEquals(64, drawn.getWidth());
    JsonNode info = Asked.MAPPER.readTree(answer.get("info").textValue());
    assertEquals(6, info.at("/all_seeds/1").intValue());
    JsonNode redrawn =
        studio.post(
            "/sdapi/v1/img2img",
            "{\"prompt\":\"a fox\",\"steps\":4,\"seed\":5,\"width\":64,\"height\":64,"
                + "\"denoising_strength\":0.5,\"init_images\":[\"data:image/png;base64,"
                + png
                + "\"]}",
            200);
    assertEquals(1, redrawn.get("images").size());
    assertEquals("done", studio.draw("/api/draw", EDIT).get("state").textValue());
  }

  @Test
  void startsStopsAndResumesARun() throws Exception {
    JsonNode presets = studio.get("/api/presets");
    assertTrue(presets.toString().contains("\"tiny\""), presets.toString());
    studio.post(
        "/api/runs",
        "{\"preset\":\"tiny\",\"name\":\"first\",\"steps\":1000000,\"fields\":{\"training.batch_size\":2}}",
        201);
    for (int i = 0; i < 600 && studio.get("/api/runs/first").get("step").intValue() == 0; i++) {
      Thread.sleep(100);
    }
    studio.post("/api/runs/first/stop", "", 202);
    String state = "";
    for (int i = 0; i < 600 && !state.equals("stopped"); i++) {
      Thread.sleep(100);
      state = studio.get("/api/runs/first").get("state").textValue();
    }
    JsonNode run = studio.get("/api/runs/first");
    assertEquals("stopped", run.get("state").textValue(), run.toString());
    assertTrue(run.get("step").intValue() > 0, run.toString());
    assertTrue(run.get("curve").size() > 0, run.toString());
    int before = run.get("step").intValue();
    studio.post("/api/runs/first/resume", "", 202);
    for (int i = 0;
        i < 600 && studio.get("/api/runs/first").get("step").intValue() <= before;
        i++) {
      Thread.sleep(100);
    }
    assertTrue(studio.get("/api/runs/first").get("step").intValue() > before);
    studio.post("/api/runs/first/stop", "", 202);
  }

  @Test
  void aRunOfAnotherProcessIsSeenRunning() throws Exception {
    Path run = out.resolve("runs/elsewhere");
    List<String> words = List.of("--preset", "tiny", "--steps", "1000000", "--out", run.toString());
    Training other = Training.start(run, words);
    try (HttpClient client = HttpClient.newHttpClient()) {
      var events =
          client.send(
              studio.request("/api/events").header("Accept", "text/event-stream").build(),
              BodyHandlers.ofLines());
      JsonNode told = null;
      try (Stream<String> lines = events.body()) {
        for (String line : (Iterable<String>) lines::iterator) {
          if (line.startsWith("data: ") && line.contains("\"id\":\"elsewhere\"")) {
            told = Asked.MAPPER.readTree(line.substring(6));
            if (told.get("step").intValue() > 0) {
              break;
            }
          }
        }
      }
      assertEquals("running", told.get("state").textValue());
      assertFalse(told.get("here").booleanValue());
      assertTrue(studio.get("/api/runs/elsewhere").get("curve").size() > 0);
      studio.post("/api/runs/elsewhere/stop", "", 409);
      String error = studio.post("/api/runs/elsewhere/resume", "", 409).get("error").textValue();
      assertTrue(error.contains("another process"), error);
      assertTrue(other.alive(), "looking has not taken its lock");
      client.shutdownNow();
    } finally {
      other.stop();
      other.await();
    }
    JsonNode stopped = studio.get("/api/runs/elsewhere");
    assertTrue(stopped.get("state").textValue().matches("stopped|finished"), stopped.toString());
  }
}
