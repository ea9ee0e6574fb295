package nacre.cli;

import static nacre.cli.BasedRuns.BASE;
import static nacre.cli.BasedRuns.ENCODER;
import static nacre.cli.BasedRuns.checkpoint;
import static nacre.cli.BasedRuns.weights;
import static nacre.cli.BasedRuns.with;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import nacre.diffusion.checkpoint.Component;
import nacre.weights.AtomicFolder;
import nacre.weights.StateDict;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Runs that train some of the parameters only. */
class FrozenWeightsTest {
  @RegisterExtension static final BasedRuns RUNS = new BasedRuns();
  @TempDir Path folder;

  private Path preset(String name, String changes) throws IOException {
    return BasedRuns.preset(folder.resolve(name + ".json"), changes);
  }

  private static final String SOME = "{'training': {'trainable': ['unet.*attn2*', 'neck.*']}}";

  private static Set<String> names(Path file) throws IOException {
    try (StateDict dict = StateDict.open(file)) {
      return Set.copyOf(dict.entries().keySet());
    }
  }

  private static Object identity(Path file) throws IOException {
    Object key = Files.readAttributes(file, BasicFileAttributes.class).fileKey();
    assertNotNull(key, "the file system has no keys");
    return key;
  }

  /** What is frozen has no state, and lies on disk once; a copied model is whole nevertheless. */
  @Test
  @DisabledOnOs(OS.WINDOWS)
  void frozenWeightsAreKeptOnceAndTheRunGoesOnWithoutTheBase() throws IOException {
    TinyModel base = TinyModel.copyTo(folder.resolve("base"));
    delete(base.root().resolve("text_encoder"));
    delete(base.root().resolve("tokenizer"));
    Path preset = preset("mine", SOME);
    Object[] all = {"--base", base.root(), "--image-encoder", ENCODER};
    Path whole = folder.resolve("whole");
    CommandLineRun uninterrupted = RUNS.train(preset, whole, with(all, "--steps", 3));
    assertEquals(0, uninterrupted.status(), uninterrupted::err);
    Path out = folder.resolve("run");
    CommandLineRun begun = RUNS.train(preset, out, with(all, "--steps", 1));
    assertEquals(0, begun.status(), begun::err);
    assertTrue(
        begun.out().contains("of unet at 0.001")
            && begun.out().contains("of new layers at 0.02; frozen: image encoder, vae"),
        begun::out);
    Path first = checkpoint(out, 1);
    for (String file : List.of("parameters", "optimizer")) {
      Set<String> names = names(first.resolve(file + ".safetensors"));
      assertTrue(
          names.stream().allMatch(name -> name.matches("steps|(m.|v.)?(unet.*attn2.*|neck.*)")),
          names::toString);
    }
    delete(base.root());
    CommandLineRun resumed = RUNS.train(preset, out, with(all, "--resume", "--steps", 3));
    assertEquals(0, resumed.status(), resumed::err);
    Path last = checkpoint(out, 3);
    for (String file :
        List.of(
            "parameters.safetensors",
            "optimizer.safetensors",
            "ema/unet/diffusion_pytorch_model-00002-of-00002.safetensors")) {
      assertArrayEquals(
          Files.readAllBytes(checkpoint(whole, 3).resolve(file)),
          Files.readAllBytes(last.resolve(file)),
          file);
    }
    for (String file :
        List.of(
            "ema/vae/diffusion_pytorch_model.safetensors",
            "ema/image_encoder/model.safetensors",
            "ema/unet/diffusion_pytorch_model-00001-of-00002.safetensors")) {
      assertEquals(identity(first.resolve(file)), identity(last.resolve(file)), file);
    }
    Map<String, float[]> given = weights(BASE, Component.UNET);
    Map<String, float[]> made = weights(last.resolve("ema"), Component.UNET);
    assertEquals(given.keySet(), made.keySet());
    given.forEach(
        (name, values) ->
            assertTrue(
                name.contains("attn2") || Arrays.equals(values, made.get(name)),
                name + " is frozen and moved"));
    CommandLineRun verified = CommandLineRun.of("verify-run", out);
    assertEquals(0, verified.status(), verified::err);
    assertTrue(verified.out().lines().allMatch(line -> line.contains("whole")), verified::out);

    Path handedOn = TinyModel.copy(last.resolve("ema"), folder.resolve("model"));
    delete(out);
    CommandLineRun sampled =
        CommandLineRun.of(
            "sample", "--model", handedOn, "--rows", 1, "--steps", 1, "--out", folder.resolve("s"));
    assertEquals(0, sampled.status(), sampled::err);
  }

  /** Damage to what several checkpoints share is not written off by the next one. */
  @Test
  void damagedFrozenWeightsAreFoundInEveryCheckpoint() throws IOException {
    Path preset = preset("mine", SOME);
    Path out = folder.resolve("run");
    Object[] all = {"--base", BASE, "--image-encoder", ENCODER};
    assertEquals(0, RUNS.train(preset, out, with(all, "--steps", 2)).status());
    Path vae = checkpoint(out, 0).resolve("ema/vae/diffusion_pytorch_model.safetensors");
    byte[] bytes = Files.readAllBytes(vae);
    bytes[bytes.length - 1] ^= 1;
    Files.write(vae, bytes, StandardOpenOption.TRUNCATE_EXISTING); // in place
    CommandLineRun verified = CommandLineRun.of("verify-run", out);
    assertEquals(1, verified.status(), verified::out);
    CommandLineRun resumed = RUNS.train(preset, out, with(all, "--resume", "--steps", 3));
    assertEquals(1, resumed.status());
    assertTrue(resumed.err().contains("is damaged"), resumed::err);
  }

  private static void delete(Path tree) throws IOException {
    AtomicFolder.delete(tree);
  }
}
