package nacre.cli;

import static nacre.tensor.ops.Affine.scale;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import nacre.diffusion.StableDiffusion;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.weights.WeightsException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Models that draw what is not numbers: an error that names them, and no picture. */
class DamagedModelsTest {
  @TempDir Path folder;

  private TinyModel model;

  @BeforeEach
  void copy() throws IOException {
    model = TinyModel.copyTo(folder.resolve("model"));
  }

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  private void assertRefused(List<Object> more, String... reasons) {
    List<Object> words =
        new ArrayList<>(List.of("sample", "--model", model.root(), "--out", folder.resolve("out")));
    words.addAll(List.of("--prompt", "a fox", "--steps", 3, "--size", 32));
    words.addAll(more);
    CommandLineRun run = CommandLineRun.of(words.toArray());
    assertEquals(1, run.status(), run::out);
    assertEquals(1, run.complaints().size(), run::err);
    for (String reason : reasons) {
      assertTrue(run.err().contains(reason), run::err);
    }
    assertTrue(run.err().contains(model.root().toString()), run::err);
    assertEquals(List.of(), pictures());
  }

  private List<String> pictures() {
    Path out = folder.resolve("out");
    if (!Files.exists(out)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(out)) {
      return files.map(file -> file.getFileName().toString()).toList();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "text_encoder/model | final_layer_norm.weight | the encoded prompt | of its text_encoder",
        "unet/diffusion_pytorch_model | conv_out.bias | the latents after step 1 | of its unet",
        "vae/diffusion_pytorch_model | decoder.conv_out.bias | the picture: | of its vae",
      })
  void drawNothing(String file, String tensor, String what, String whose) throws IOException {
    model.change(file + ".safetensors", tensor, x -> scale(x, Double.NaN));
    assertRefused(List.of(), what, "are NaN or infinite; the weights " + whose + " are damaged");
    assertRefused(List.of("--dtype", "bf16"), what, "or it needs float32");
  }

  @Test
  void theLibrarySaysSoToo() throws IOException {
    model.change(
        "vae/diffusion_pytorch_model.safetensors",
        "encoder.conv_out.bias",
        x -> scale(x, Double.POSITIVE_INFINITY));
    try (var sd = StableDiffusion.load(model.root(), Device.cpu())) {
      var fox = sd.prompt("a fox").size(32).steps(2).draw();
      var again = sd.prompt("a fox").init(fox);
      String message = assertThrows(WeightsException.class, again::draw).getMessage();
      assertTrue(message.contains("the initial picture's latents: "), message);
    }
  }

  @Test
  void noiseCannotBePredictedFromNoise() throws IOException {
    model.patch("model_index.json", "{'scheduler': ['diffusers', 'DDIMScheduler']}");
    model.patch(
        "scheduler/scheduler_config.json",
        "{'rescale_betas_zero_snr': true, 'timestep_spacing': 'trailing'}");
    assertRefused(List.of(), "a zero terminal SNR");
    model.patch("scheduler/scheduler_config.json", "{'prediction_type': 'v_prediction'}");
    CommandLineRun run =
        CommandLineRun.of(
            "sample", "--model", model.root(), "--out", folder.resolve("out"), "--prompt", "a fox");
    assertEquals(0, run.status(), run::err);
  }

  @Test
  void scenesAndTheirMeasuresAreRefusedToo() throws IOException {
    Path run = folder.resolve("run");
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
    Path sums = run.resolve("checkpoints/step-000000001/SHA256SUMS");
    Files.delete(sums); // damage that digests do not tell: it was saved so
    try (Stream<Path> all = Files.walk(run)) {
      for (Path unet : (Iterable<Path>) all.filter(file -> file.endsWith("unet"))::iterator) {
        new TinyModel(unet)
            .change(
                "diffusion_pytorch_model.safetensors", "conv_out.bias", x -> scale(x, Double.NaN));
      }
    }
    CommandLineRun drawn =
        CommandLineRun.of("sample", "--model", run, "--rows", 1, "--out", folder.resolve("out"));
    assertEquals(1, drawn.status(), drawn::out);
    assertTrue(drawn.err().contains("are NaN or infinite"), drawn::err);
    assertTrue(drawn.err().contains(run.toString()), drawn::err);
    assertEquals(List.of(), pictures());
    CommandLineRun measured = CommandLineRun.of("eval", "--model", run, "--pairs", 2, "--json");
    assertEquals(1, measured.status(), measured::out);
    assertTrue(measured.err().contains("are NaN or infinite"), measured::err);
    assertFalse(measured.out().contains("NaN"), measured::out);
  }
}
