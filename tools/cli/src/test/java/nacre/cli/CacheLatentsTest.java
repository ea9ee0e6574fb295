package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import nacre.neuralassets.training.Checkpoint;
import nacre.tensor.Memory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code train --cache-latents}. */
class CacheLatentsTest {
  private static final int STEPS = 3;
  private static final int FRAMES = 3 * 12 * 2; // mirrored ones, too

  @TempDir static Path shared;
  @TempDir Path folder;

  private static Path scenes;

  @BeforeAll
  static void render() {
    scenes = shared.resolve("scenes");
    CommandLineRun rendered =
        CommandLineRun.of("data", "render", "--out", scenes, "--size", 16, "--clips", 3);
    assertEquals(0, rendered.status(), rendered::err);
  }

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  private Path begun(String name, String data) throws IOException {
    Path run = folder.resolve(name);
    LatentModel.begin(run, LatentModel.preset(16), data, STEPS);
    return run;
  }

  private static CommandLineRun resume(Path run, Object... more) {
    Object[] all = new Object[more.length + 6];
    Object[] usual = {"train", "--resume", "--out", run, "--eval-pairs", 2};
    System.arraycopy(usual, 0, all, 0, usual.length);
    System.arraycopy(more, 0, all, usual.length, more.length);
    return CommandLineRun.of(all);
  }

  private static byte[] result(Path run) throws IOException {
    Checkpoint newest = Checkpoint.newest(run.resolve("checkpoints")).orElseThrow();
    assertEquals(STEPS, newest.step());
    return Files.readAllBytes(newest.folder().resolve("parameters.safetensors"));
  }

  private static String latents(CommandLineRun run) {
    assertEquals(0, run.status(), run::err);
    return run.out().lines().filter(line -> line.startsWith("latents ")).findFirst().orElseThrow();
  }

  @Test
  void aRunWithACacheHasTheSameBits() throws IOException {
    Path without = begun("without", scenes.toString());
    CommandLineRun plain = resume(without);
    assertEquals(0, plain.status(), plain::err);
    byte[] wanted = result(without);
    Path cache = folder.resolve("cache");

    Path first = begun("first", scenes.toString());
    String told = latents(resume(first, "--cache-latents", cache));
    assertTrue(told.contains("%d frames in %s".formatted(FRAMES, cache)), told);
    assertTrue(told.endsWith("%d of them encoded now".formatted(FRAMES)), told);
    assertArrayEquals(wanted, result(first));

    Path second = begun("second", scenes.toString());
    told = latents(resume(second, "--cache-latents", cache));
    assertTrue(told.endsWith(", 0 of them encoded now"), told);
    assertArrayEquals(wanted, result(second));

    Path shard;
    try (Stream<Path> files = Files.walk(cache)) {
      shard = files.filter(f -> f.toString().endsWith(".safetensors")).findFirst().orElseThrow();
    }
    byte[] content = Files.readAllBytes(shard);
    content[content.length / 2] ^= 4;
    Files.write(shard, content);
    Path third = begun("third", scenes.toString());
    CommandLineRun mended = resume(third, "--cache-latents", cache);
    assertTrue(latents(mended).endsWith("%d of them encoded now".formatted(FRAMES)), mended::out);
    assertEquals(
        1, mended.out().lines().filter(line -> line.startsWith("note    " + shard)).count());
    assertArrayEquals(wanted, result(third));
  }

  @Test
  void whatCannotBeCachedIsRefused() throws IOException {
    Path cache = folder.resolve("cache");
    CommandLineRun rendered = resume(begun("rendered", ""), "--cache-latents", cache);
    assertEquals(1, rendered.status());
    assertEquals(1, rendered.complaints().size(), rendered::err);
    assertTrue(rendered.err().contains("give a data set with --data"), rendered::err);
    CommandLineRun pixels =
        CommandLineRun.of(
            "train",
            "--preset",
            "tiny",
            "--out",
            folder.resolve("pixels"),
            "--data",
            scenes,
            "--cache-latents",
            cache);
    assertEquals(1, pixels.status());
    assertEquals(1, pixels.complaints().size(), pixels::err);
    assertTrue(pixels.err().contains("preset tiny draws no latents"), pixels::err);
    assertTrue(Files.notExists(cache));
    Path file = Files.createFile(folder.resolve("file"));
    CommandLineRun noFolder = resume(begun("last", scenes.toString()), "--cache-latents", file);
    assertEquals(1, noFolder.status());
    assertEquals(1, noFolder.complaints().size(), noFolder::err);
    assertTrue(noFolder.err().contains(file + ": is a file"), noFolder::err);
  }
}
