package nacre.cli;

import static nacre.cli.TinySample.difference;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import nacre.diffusion.schedule.SchedulerName;
import nacre.diffusion.schedule.Schedulers;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * {@code sample --scheduler} from noise, from a picture and of a part of one, also with a UNet that
 * takes the guidance, compared with diffusers by export_tiny_schedulers.py.
 */
class SchedulerPicturesTest {
  private static final Path EXPECTED = TinyModel.RESOURCES.resolve("schedulers");
  private static final String PROMPT = "A painting of a fox, it's highly detailed: 8k!";

  /** Width of the embedded guidance. */
  private static final int WIDTH = 6;

  @TempDir Path folder;

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  static List<JsonNode> cases() throws IOException {
    List<JsonNode> cases = new ArrayList<>();
    new JsonMapper().readTree(EXPECTED.resolve("cases.json").toFile()).forEach(cases::add);
    return cases;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void picturesEqualThoseOfDiffusers(JsonNode wanted) throws IOException {
    TinyModel model = TinyModel.copyTo(folder.resolve("model"));
    if (wanted.has("distilled")) {
      distill(model);
    }
    if (wanted.has("pipeline")) {
      model.patch(
          "model_index.json", "{'_class_name': '%s'}".formatted(wanted.get("pipeline").asText()));
    }
    Path out = folder.resolve("out");
    List<Object> words = new ArrayList<>(List.of("sample", "--model", model.root(), "--out", out));
    words.addAll(List.of("--prompt", PROMPT));
    for (String key : List.of("scheduler", "steps", "guidance", "seed")) {
      words.addAll(List.of("--" + key, wanted.get(key).asText()));
    }
    if (wanted.has("eta")) {
      words.addAll(List.of("--eta", wanted.get("eta").asText()));
    }
    if (wanted.has("strength")) {
      Path picture = TinyModel.RESOURCES.resolve("epsilon/init.png");
      words.addAll(List.of("--init", picture, "--strength", wanted.get("strength").asText()));
    }
    if (wanted.has("mask")) {
      words.addAll(List.of("--mask", TinyModel.RESOURCES.resolve("inpainting/mask.png")));
    }
    words.addAll(List.of("--size", "48x32"));
    CommandLineRun run = CommandLineRun.of(words.toArray());
    assertEquals(0, run.status(), run::err);
    Path drawn = out.toFile().listFiles()[0].toPath();
    Path reference = EXPECTED.resolve(wanted.get("name").asText() + ".png");
    int difference = difference(reference.toFile(), drawn.toFile());
    assertTrue(difference <= 2, reference + " differs by " + difference);
  }

  private static void distill(TinyModel model) throws IOException {
    model.patch("unet/config.json", "{'time_cond_proj_dim': %d}".formatted(WIDTH));
    float[] values = new float[8 * WIDTH];
    for (int i = 0; i < values.length; i++) {
      values[i] = ((7 * i + 3) % 17 - 8) / 4f;
    }
    model.add(
        "unet/diffusion_pytorch_model.safetensors",
        "time_embedding.cond_proj.weight",
        () -> Tensor.of(Device.cpu(), Shape.of(8, WIDTH), values));
  }

  /** Every name of the table draws a picture, by the names of other tools as well. */
  @Test
  void everyNameDraws() throws IOException {
    TinyModel model = TinyModel.copyTo(folder.resolve("model"));
    for (String name :
        Schedulers.builtIn().stream()
            .flatMap(kind -> kind.names().stream())
            .map(SchedulerName::name)
            .toList()) {
      CommandLineRun run = sample(model, name, 2);
      assertEquals(0, run.status(), run::err);
    }
    assertEquals(0, sample(model, "DPM++ 2M Karras", 2).status());
  }

  @Test
  void mistakesNameWhatThereIs() throws IOException {
    TinyModel model = TinyModel.copyTo(folder.resolve("model"));
    assertRefused(sample(model, "eulr", 2), "--scheduler: there is no scheduler 'eulr', did you");
    assertRefused(sample(model, "lcm", 51), "51 steps are asked for");
    Path picture = TinyModel.RESOURCES.resolve("epsilon/init.png");
    model.patch("model_index.json", "{'_class_name': 'LatentConsistencyModelPipeline'}");
    assertRefused(
        sample(model, "lcm", 8, "--init", picture, "--strength", 0.1),
        "there are 1 to 5 at a strength of 0.1");
    model.patch("model_index.json", "{'_class_name': 'StableDiffusionPipeline'}");
    assertRefused(sample(model, "heun", 2, "--eta", 0.5), "HeunDiscreteScheduler has no eta");
    model.patch("scheduler/scheduler_config.json", "{'_class_name': 'IPNDMScheduler'}");
    model.patch("model_index.json", "{'scheduler': ['diffusers', 'IPNDMScheduler']}");
    CommandLineRun run =
        CommandLineRun.of(
            "sample", "--model", model.root(), "--out", folder.resolve("out"), "--prompt", "a");
    assertRefused(run, "'IPNDMScheduler' is not supported; choose another by --scheduler");
    assertEquals(0, sample(model, "unipc", 2).status());
  }

  private CommandLineRun sample(TinyModel model, String scheduler, int steps, Object... more) {
    List<Object> words = new ArrayList<>();
    Collections.addAll(
        words,
        "sample",
        "--model",
        model.root(),
        "--out",
        folder.resolve("out"),
        "--prompt",
        "a fox",
        "--size",
        32,
        "--scheduler",
        scheduler,
        "--steps",
        steps);
    Collections.addAll(words, more);
    return CommandLineRun.of(words.toArray());
  }

  private static void assertRefused(CommandLineRun run, String reason) {
    assertTrue(run.status() != 0, run::out);
    assertEquals(1, run.complaints().size(), run::err);
    assertTrue(run.err().contains(reason), run::err);
  }
}
