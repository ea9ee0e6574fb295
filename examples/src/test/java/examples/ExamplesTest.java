package examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import nacre.diffusion.LoadOptions;
import nacre.diffusion.StableDiffusion;
import nacre.diffusion.lora.Lora;
import nacre.diffusion.text.ClipTextConfig;
import nacre.diffusion.unet.UNetConfig;
import nacre.diffusion.vae.VaeConfig;
import nacre.evaluation.baseline.ThreeDitMethod;
import nacre.evaluation.threedit.ThreeDit;
import nacre.evaluation.threedit.ThreeDitConfig;
import nacre.evaluation.threedit.ThreeDitFolder;
import nacre.neuralassets.data.ClipSourceProvider;
import nacre.neuralassets.scene.Box3;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;
import nacre.neuralassets.scene.SceneReader;
import nacre.neuralassets.scene.Vec3;
import nacre.nn.Parameters;
import nacre.nn.VitConfig;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.weights.SafeTensors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each example does what it says, and leaves nothing in memory. */
class ExamplesTest {
  private static final String TINY_SD = "../tools/cli/src/test/resources/tiny-sd/model";

  @TempDir private Path folder;

  private interface Main {
    void run(String... args) throws IOException;
  }

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  private static List<String> run(Main main, Object... args) throws IOException {
    PrintStream before = System.out;
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
    try {
      main.run(Stream.of(args).map(Object::toString).toArray(String[]::new));
    } finally {
      System.setOut(before);
    }
    return out.toString(StandardCharsets.UTF_8).lines().toList();
  }

  private static double loss(String line) {
    return Double.parseDouble(line.replaceAll(".*loss ([0-9.]+).*", "$1"));
  }

  @Test
  void textToImage() throws IOException {
    Path picture = folder.resolve("fox.png");
    run(TextToImage::main, TINY_SD, picture);
    assertTrue(ImageIO.read(picture.toFile()).getWidth() > 8);
  }

  @Test
  void newScheduler() throws IOException {
    Path picture = folder.resolve("fox.png");
    run(NewScheduler::main, TINY_SD, picture);
    assertTrue(ImageIO.read(picture.toFile()).getWidth() > 8);
  }

  /** A tiny 3DIT, on made-up pairs of OBJect; in two parts it ends as in one. */
  @Test
  void trainThreeDit() throws IOException {
    JsonMapper json = new JsonMapper();
    ThreeDitConfig config =
        new ThreeDitConfig(
            16,
            UNetConfig.of(
                json.readTree(
                    """
                    {"sample_size": 8, "in_channels": 8, "out_channels": 4,
                     "block_out_channels": [8, 8], "layers_per_block": 1, "attention_head_dim": 2,
                     "cross_attention_dim": 12, "norm_num_groups": 4,
                     "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
                     "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"]}
                    """)),
            VaeConfig.of(
                json.readTree(
                    """
                    {"block_out_channels": [4, 8], "layers_per_block": 1, "norm_num_groups": 2,
                     "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D"],
                     "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D"]}
                    """)),
            Optional.of(new ClipTextConfig(49408, 12, 24, 1, 2, 77, "quick_gelu", 1e-5)),
            VitConfig.of(
                json.readTree(
                    """
                    {"model_type": "clip_vision_model", "hidden_size": 16, "intermediate_size": 24,
                     "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 12,
                     "patch_size": 4}
                    """)),
            ThreeDitConfig.ddim());
    Path model = Files.createDirectories(folder.resolve("model"));
    try (Scope _ = Scope.open()) {
      Parameters p = Parameters.create(Device.of("cpu"), DType.F32, 1);
      new ThreeDit(p, config);
      ThreeDitFolder.save(model, p.all(), config);
    }
    String data = "object:../datasets/src/test/resources/nacre/datasets/object/data";
    Path words = Files.writeString(folder.resolve("words.json"), "{\"a1\": \"blue crate\"}");
    Path whole = folder.resolve("whole");
    List<String> lines = run(TrainThreeDit::main, model, data, words, 2, 6, whole);
    assertEquals(6, lines.size());
    Path parts = folder.resolve("parts");
    run(TrainThreeDit::main, model, data, words, 2, 4, parts);
    assertEquals(lines.subList(4, 6), run(TrainThreeDit::main, model, data, words, 2, 6, parts));
    Path weights = Path.of("unet/diffusion_pytorch_model.safetensors");
    assertEquals(-1, Files.mismatch(whole.resolve(weights), parts.resolve(weights)));
    assertNotEquals(-1, Files.mismatch(whole.resolve(weights), model.resolve(weights)));
    ThreeDitMethod.load(parts, Device.of("cpu")).close();
  }

  @Test
  void newDataSource() throws IOException {
    assertEquals(4, run(NewDataSource::main).size());
    assertTrue(
        ServiceLoader.load(ClipSourceProvider.class).stream()
            .anyMatch(provider -> provider.type() == NewDataSource.Provider.class));
  }

  @Test
  void kittiToScene() throws IOException {
    Path pictures = Files.createDirectories(folder.resolve("pictures"));
    for (int t = 0; t < 2; t++) {
      BufferedImage picture = new BufferedImage(1200, 360, BufferedImage.TYPE_INT_RGB);
      ImageIO.write(picture, "png", pictures.resolve("00000" + t + ".png").toFile());
    }
    Path labels = folder.resolve("0000.txt");
    Files.writeString(
        labels,
        """
        0 3 Car 0 0 0 1 2 3 4 1.6 1.7 4.0 2.0 1.5 20.0 0.7
        0 4 Pedestrian 0 0 0 1 2 3 4 1.6 1.7 4.0 2.0 1.5 20.0 0.7
        1 3 Car 0 0 0 1 2 3 4 1.6 1.7 4.0 2.0 1.5 -20.0 0.7
        """);
    Path calibration = folder.resolve("calib.txt");
    Files.writeString(calibration, "P0: 1 2\nP2: 720 0 600 45 0 720 180 -0.3 0 0 1 0.005\nP3: 1\n");
    List<String> told =
        run(KittiToScene::main, labels, calibration, pictures, folder.resolve("scene"));
    assertEquals(List.of("2 frames with [car-3]"), told);
    Scene scene = SceneReader.read(folder.resolve("scene"));
    assertFalse(scene.frames().get(1).views().getFirst().isPresent(), "behind the camera");
    // The formulas of KITTI's development kit.
    double[] edges = {9, 9, -9, -9};
    for (int i = 0; i < 8; i++) {
      double along = (i & 4) == 0 ? -2 : 2;
      double across = (i & 2) == 0 ? -0.85 : 0.85;
      double x = Math.cos(0.7) * along + Math.sin(0.7) * across + 2;
      double y = (i & 1) == 0 ? 1.5 : -0.1;
      double z = -Math.sin(0.7) * along + Math.cos(0.7) * across + 20;
      double u = (720 * x + 600 * z + 45) / (z + 0.005) / 1200;
      double v = (720 * y + 180 * z - 0.3) / (z + 0.005) / 360;
      edges =
          new double[] {
            Math.min(edges[0], v),
            Math.min(edges[1], u),
            Math.max(edges[2], v),
            Math.max(edges[3], u)
          };
    }
    float[] box = scene.frames().get(0).views().getFirst().box2().toArray();
    for (int k = 0; k < 4; k++) {
      assertEquals(edges[k], box[k], 1e-6);
    }
    Box3 car = scene.frames().get(0).boxes().getFirst();
    Vec3 ahead = car.corner(4).minus(car.corner(0)).normalized();
    assertEquals(Math.cos(0.7), ahead.x(), 1e-9);
    assertEquals(Math.sin(0.7), ahead.z(), 1e-9);
  }

  @Test
  void cocoToScene() throws IOException {
    BufferedImage picture = new BufferedImage(320, 240, BufferedImage.TYPE_INT_RGB);
    ImageIO.write(picture, "png", folder.resolve("a.png").toFile());
    Path coco = folder.resolve("coco.json");
    Files.writeString(
        coco,
        """
        {"images": [{"id": 7, "file_name": "a.png"}, {"id": 8, "file_name": "a.png"}],
         "annotations": [{"image_id": 7, "track_id": 5, "bbox": [80, 60, 64, 120]},
                         {"image_id": 8, "track_id": 6, "bbox": [100, 60, 64, 120]}]}
        """);
    List<String> told = run(CocoToScene::main, coco, folder, 300, 2, 20, folder.resolve("scene"));
    assertEquals(List.of("2 frames with [thing-5, thing-6]"), told);
    SceneFrame frame = SceneReader.read(folder.resolve("scene")).frames().getFirst();
    assertFalse(frame.views().get(1).isPresent());
    // The front of the box stands on the ground where the rectangle ends.
    Box3 box = frame.boxes().getFirst();
    assertEquals(0, box.corner(0).z(), 1e-9);
    assertEquals(80 / 320.0, frame.camera().project(box.corner(0)).u(), 1e-6);
    assertEquals(144 / 320.0, frame.camera().project(box.corner(4)).u(), 1e-6);
    assertEquals(180 / 240.0, frame.camera().project(box.corner(0)).v(), 1e-6);
    assertEquals(60 / 240.0, frame.camera().project(box.corner(1)).v(), 1e-6);
  }

  @Test
  void trainingLoop() throws IOException {
    List<String> lines = run(TrainingLoop::main);
    assertTrue(loss(lines.getLast()) < loss(lines.getFirst()) / 3, lines.toString());
  }

  @Test
  void classifyWithVit() throws IOException {
    List<String> lines = run(ClassifyWithVit::main, 150);
    assertTrue(loss(lines.getLast()) < 0.5, lines.toString());
  }

  @Test
  void fineTuneLayer() throws IOException {
    Path saved = folder.resolve("layer.safetensors");
    List<String> lines = run(FineTuneLayer::main, "../models/demo/image_encoder", saved);
    assertTrue(loss(lines.getLast()) < loss(lines.getFirst()), lines.toString());
    try (SafeTensors file = SafeTensors.open(saved)) {
      assertTrue(file.entries().keySet().stream().allMatch(n -> n.startsWith("encoder.layer.")));
    }
  }

  /** The picture is the tiny model's own, with another prompt; what is saved changes others. */
  @Test
  void trainLora() throws IOException {
    Path picture = folder.resolve("fox.png");
    run(TextToImage::main, TINY_SD, picture);
    Path saved = folder.resolve("lora.safetensors");
    List<String> lines = run(TrainLora::main, TINY_SD, picture, "a cat", 48, saved);
    double before = lines.subList(0, 8).stream().mapToDouble(ExamplesTest::loss).sum();
    double after = lines.subList(40, 48).stream().mapToDouble(ExamplesTest::loss).sum();
    assertTrue(after < 0.9 * before, lines.toString());
    LoadOptions adapted = LoadOptions.DEFAULT.withLoras(List.of(new Lora(saved)));
    try (var plain = StableDiffusion.load(Path.of(TINY_SD), Device.cpu());
        var changed = StableDiffusion.load(Path.of(TINY_SD), Device.cpu(), adapted)) {
      assertFalse(Arrays.equals(pixels(plain), pixels(changed)));
    }
  }

  private static int[] pixels(StableDiffusion model) throws IOException {
    BufferedImage image = model.prompt("a cat").seed(1).steps(3).draw();
    int width = image.getWidth();
    return image.getRGB(0, 0, width, image.getHeight(), null, 0, width);
  }

  @Test
  void newOperation() throws IOException {
    assertTrue(run(NewOperation::main).getFirst().endsWith("[3, 12, 27]"));
  }

  @Test
  void printSafetensors() throws IOException {
    List<String> lines =
        run(PrintSafetensors::main, "../models/demo/image_encoder/model.safetensors");
    assertTrue(lines.stream().anyMatch(l -> l.startsWith("embeddings.cls_token F32 f32[1, 1, ")));
  }

  /** The README shows two of them, from the first import on. */
  @Test
  void theReadmeShowsWhatRuns() throws IOException {
    String readme = Files.readString(Path.of("../README.md"));
    for (String name : List.of("TextToImage", "TrainingLoop")) {
      String source = Files.readString(Path.of("src/main/java/examples/" + name + ".java"));
      assertTrue(readme.contains(source.substring(source.indexOf("import "))), name);
    }
    assertTrue(readme.split("\\s+").length < 1000, "the README is to have less than 1,000 words");
  }

  @Test
  void eachIsShort() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("src/main/java/examples"))) {
      for (Path file : files.toList()) {
        assertTrue(Files.readAllLines(file).size() < 90, file.toString());
      }
    }
  }
}
