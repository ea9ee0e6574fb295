package nacre.cli;

import static nacre.cli.BasedRuns.BASE;
import static nacre.cli.BasedRuns.ENCODER;
import static nacre.cli.BasedRuns.assertSame;
import static nacre.cli.BasedRuns.checkpoint;
import static nacre.cli.BasedRuns.weights;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import nacre.diffusion.checkpoint.Component;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.weights.Layout;
import nacre.weights.StateDict;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Runs of presets that turn the model into an ablation, or into another method. */
class VariantRunsTest {
  private static final String BOXES =
      "{'unet_input': 'source', 'asset_tokens': {'content': 'boxes'}}";
  private static final String FIRST = "conv_in.weight";

  @RegisterExtension static final BasedRuns RUNS = new BasedRuns();
  @TempDir Path folder;

  private Path preset(String name, String changes) throws IOException {
    return BasedRuns.preset(folder.resolve(name + ".json"), changes);
  }

  /** The base's weights for noise are kept, those for the source begin as zeros and are learned. */
  @Test
  void aBaseLearnsToSeeTheSource() throws IOException {
    Path out = folder.resolve("run");
    CommandLineRun trained = RUNS.train(preset("mine", BOXES), out, "--base", BASE, "--steps", 2);
    assertEquals(0, trained.status(), trained::err);
    assertFalse(trained.out().contains("image encoder"), trained::out);
    Map<String, float[]> base = weights(BASE, Component.UNET);
    Map<String, float[]> begun = weights(checkpoint(out, 0).resolve("ema"), Component.UNET);
    float[] narrow = base.remove(FIRST); // [O, 4, 3, 3]
    float[] wide = begun.remove(FIRST); // [O, 8, 3, 3]
    assertSame(base, begun);
    float[] learned = weights(checkpoint(out, 2).resolve("ema"), Component.UNET).get(FIRST);
    assertEquals(2 * narrow.length, wide.length);
    for (int at = 0; at < narrow.length; at += 36) {
      assertArrayEquals(
          Arrays.copyOfRange(narrow, at, at + 36), Arrays.copyOfRange(wide, 2 * at, 2 * at + 36));
      for (int i = 2 * at + 36; i < 2 * at + 72; i++) {
        assertEquals(0, wide[i], 0);
        assertTrue(learned[i] != 0);
      }
    }
    assertFalse(Files.exists(checkpoint(out, 2).resolve("ema/image_encoder")));
    CommandLineRun sampled =
        CommandLineRun.of(
            "sample", "--model", out, "--rows", 1, "--steps", 1, "--out", folder.resolve("s"));
    assertEquals(0, sampled.status(), sampled::err);
    CommandLineRun kept =
        CommandLineRun.of(
            "sample",
            "--model",
            out,
            "--rows",
            1,
            "--steps",
            1,
            "--keep-background",
            "0.1",
            "--invert",
            "--out",
            folder.resolve("k"));
    assertEquals(0, kept.status(), kept::err);
    CommandLineRun replaced =
        CommandLineRun.of(
            "sample", "--model", out, "--edit", "background 1", "--out", folder.resolve("b"));
    assertEquals(1, replaced.status());
    assertEquals(1, replaced.complaints().size(), replaced::err);
    assertTrue(replaced.err().contains("this model sees the source frame"), replaced::err);
    CommandLineRun evaluated =
        CommandLineRun.of(
            "eval", "--model", out, "--data", RUNS.scenes(), "--pairs", 2, "--steps", 1);
    assertEquals(0, evaluated.status(), evaluated::err);
    CommandLineRun encoder =
        RUNS.train(
            preset("mine", BOXES), out, "--base", BASE, "--image-encoder", ENCODER, "--fresh");
    assertEquals(1, encoder.status());
    assertTrue(encoder.err().contains("image_encoder_from does not go with"), encoder::err);
  }

  /** Latents of sources come from the cache, too, and are the same to the bit. */
  @Test
  void sourcesMayBeCached() throws IOException {
    Path preset = preset("mine", BOXES);
    Path plain = folder.resolve("plain");
    Path cached = folder.resolve("cached");
    CommandLineRun first = RUNS.train(preset, plain, "--base", BASE, "--steps", 2);
    assertEquals(0, first.status(), first::err);
    CommandLineRun second =
        RUNS.train(
            preset,
            cached,
            "--base",
            BASE,
            "--steps",
            2,
            "--cache-latents",
            folder.resolve("cache"));
    assertEquals(0, second.status(), second::err);
    assertSame(
        weights(checkpoint(plain, 2).resolve("ema"), Component.UNET),
        weights(checkpoint(cached, 2).resolve("ema"), Component.UNET));
  }

  private static float[] encoder(Path checkpoint, String name) throws IOException {
    try (Scope _ = Scope.open();
        StateDict dict = StateDict.open(checkpoint.resolve("ema/image_encoder"), "model")) {
      return dict.entries().get(name).toTensor(Device.cpu(), DType.F32, Layout.SAME).toFloats();
    }
  }

  @Test
  void aPretrainedEncoderLosesItsPositions() throws IOException {
    Object[] all = {"--base", BASE, "--image-encoder", ENCODER, "--steps", 1};
    Path usual = folder.resolve("usual");
    Path blind = folder.resolve("blind");
    CommandLineRun trained = RUNS.train(preset("usual", "{}"), usual, all);
    assertEquals(0, trained.status(), trained::err);
    Path preset = preset("blind", "{'asset_tokens': {'encoder_positions': false}}");
    trained = RUNS.train(preset, blind, all);
    assertEquals(0, trained.status(), trained::err);
    String positions = "embeddings.position_embeddings";
    float[] loaded = encoder(checkpoint(usual, 0), positions);
    assertFalse(Arrays.equals(loaded, new float[loaded.length]));
    for (int step = 0; step < 2; step++) {
      float[] none = encoder(checkpoint(blind, step), positions);
      assertArrayEquals(new float[loaded.length], none);
    }
    assertArrayEquals(
        encoder(checkpoint(usual, 0), "embeddings.cls_token"),
        encoder(checkpoint(blind, 0), "embeddings.cls_token"));
  }

  /** The sheet of a run leaves out what its model cannot draw; another variant is another run. */
  @Test
  void aRunWithoutABackgroundDrawsTheRestAndGoesOnAsItBegan() throws IOException {
    Path preset = Files.writeString(folder.resolve("none.json"), none("none"));
    Path out = folder.resolve("run");
    Object[] words = {"train", "--preset", preset, "--steps", 1, "--eval-pairs", 0, "--out", out};
    CommandLineRun trained = CommandLineRun.of(words);
    assertEquals(0, trained.status(), trained::err);
    assertTrue(Files.exists(out.resolve("samples.png")));
    Files.writeString(preset, none("no_pose"));
    CommandLineRun other = CommandLineRun.of(BasedRuns.with(words, "--resume"));
    assertEquals(1, other.status());
    assertTrue(
        other.err().contains("asset_tokens.background is \"no_pose\", the run began with \"none\""),
        other::err);
  }

  private static String none(String background) {
    return "{\"extends\": \"tiny\", \"asset_tokens\": {\"background\": \"" + background + "\"}}";
  }
}
