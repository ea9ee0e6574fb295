package nacre.neuralassets.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import nacre.neuralassets.model.Preset;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointTest {
  private static final long SEED = 7;

  @TempDir private Path folder;
  private Trainer trainer;

  @BeforeEach
  void begin() {
    trainer = new Trainer(Preset.builtin("tiny"), Device.cpu(), SEED);
  }

  @AfterEach
  void end() {
    trainer.close();
    assertEquals(0, Memory.liveTensors());
  }

  private static RunState state(long step, long total) {
    return new RunState(step, total, 0, SEED, 1.5, "", DType.F32, RunState.LossSum.NONE, List.of());
  }

  private Checkpoint write(long step) throws IOException {
    return Checkpoint.write(folder, trainer, state(step, 12));
  }

  private static List<String> names(Path folder) throws IOException {
    return Checkpoint.list(folder).stream().map(Checkpoint::name).toList();
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      return all.filter(Files::isRegularFile).toList();
    }
  }

  private static void flip(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length - 3] ^= 1; // the last tensor's, or the last number's
    Files.write(file, bytes);
  }

  @Test
  void onlyTheNewestOfOnesOwnAreKept() throws IOException {
    for (int step = 0; step < 5; step++) {
      write(step);
    }
    Files.createDirectory(folder.resolve("step-000000002.aside"));
    Set<String> own =
        Set.of("step-000000000", "step-000000001", "step-000000002", "step-000000003");
    Checkpoint.prune(folder, 2, own);
    assertEquals(List.of("step-000000002", "step-000000003", "step-000000004"), names(folder));
    assertTrue(Files.exists(folder.resolve("step-000000002.aside")));
  }

  @Test
  void theSameStepAgainOnlyChangesTheState() throws IOException {
    write(3);
    RunState longer = state(3, 99);
    Checkpoint.write(folder, trainer, longer);
    Checkpoint newest = Checkpoint.newest(folder).orElseThrow();
    assertEquals(longer, newest.state());
    assertTrue(newest.verify()); // and its digest
  }

  @Test
  void theStateIsReadAsItWasWritten() throws IOException {
    RunState state =
        new RunState(
            3,
            12,
            0.5,
            -SEED,
            1.5,
            "folder:/x",
            DType.BF16,
            new RunState.LossSum(1.0 / 3 + 0.1, 7),
            List.of("scene_1", "scene 2"));
    assertEquals(state, Checkpoint.write(folder, trainer, state).state());
  }

  /** One flipped bit of any file, a cut one, a missing one: each named, and found on resuming. */
  @Test
  void everyFileIsChecked() throws IOException {
    Checkpoint written = write(3);
    assertTrue(written.verify());
    List<Path> files = files(written.folder());
    assertEquals(14, files.size());
    for (Path file : files) {
      if (file.endsWith("SHA256SUMS")) {
        continue;
      }
      byte[] whole = Files.readAllBytes(file);
      flip(file);
      assertNamed(written, file, "damaged");
      Files.write(file, Arrays.copyOf(whole, whole.length / 2));
      assertNamed(written, file, "damaged");
      Files.delete(file);
      assertNamed(written, file, "missing");
      Files.createDirectories(file.getParent());
      Files.write(file, whole);
    }
    assertTrue(written.verify());
    written.restore(trainer);
  }

  private void assertNamed(Checkpoint checkpoint, Path file, String word) {
    for (IOException e :
        List.of(
            assertThrows(IOException.class, checkpoint::verify),
            assertThrows(IOException.class, () -> checkpoint.restore(trainer)))) {
      assertTrue(e.getMessage().startsWith(file.toString()), e::getMessage);
      assertTrue(e.getMessage().contains(word), e::getMessage);
      assertEquals(1, e.getMessage().lines().count());
    }
  }

  @Test
  void theDigestsAreThoseOfSha256sum() throws IOException {
    Files.writeString(folder.resolve("abc"), "abc");
    Checksums.of(folder, java.util.Map.of()).write(folder);
    assertEquals(
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  abc\n", // FIPS 180-2
        Files.readString(folder.resolve("SHA256SUMS")));
    Files.writeString(folder.resolve("SHA256SUMS"), "hello\n");
    IOException e = assertThrows(IOException.class, () -> Checksums.read(folder));
    assertTrue(e.getMessage().contains("SHA256SUMS is damaged"), e::getMessage);
  }

  @Test
  void checkpointsOfEarlierVersionsHaveNoDigestsAndLoad() throws IOException {
    Checkpoint written = write(3);
    Files.delete(written.folder().resolve("SHA256SUMS"));
    assertFalse(written.verify());
    written.restore(trainer);
    assertEquals(3, trainer.steps());
    byte[] before = Files.readAllBytes(written.folder().resolve("parameters.safetensors"));
    Checkpoint.write(folder, trainer, state(3, 20));
    assertEquals(20, written.state().totalSteps());
    assertArrayEquals(
        before, Files.readAllBytes(written.folder().resolve("parameters.safetensors")));
  }

  @Test
  void withoutDigestsDamageIsStillToldInOneLine() throws IOException {
    Checkpoint written = write(3);
    Files.delete(written.folder().resolve("SHA256SUMS"));
    for (String name :
        List.of(
            "parameters.safetensors",
            "optimizer.safetensors",
            "ema/unet/diffusion_pytorch_model.safetensors")) {
      Path file = written.folder().resolve(name);
      byte[] whole = Files.readAllBytes(file);
      Files.write(file, Arrays.copyOf(whole, whole.length / 2));
      assertNamedOnLoading(written, file);
      Files.write(file, whole);
    }
    Files.writeString(written.folder().resolve("state.json"), "{\"step\": 1");
    IOException e = assertThrows(IOException.class, written::state);
    assertTrue(e.getMessage().contains("not valid JSON"), e::getMessage);
    Files.delete(written.folder().resolve("state.json"));
    e = assertThrows(IOException.class, written::state);
    assertTrue(e.getMessage().contains("is missing"), e::getMessage);
  }

  private void assertNamedOnLoading(Checkpoint checkpoint, Path file) {
    IOException e = assertThrows(IOException.class, () -> checkpoint.restore(trainer));
    assertTrue(e.getMessage().startsWith(file.toString()), e::getMessage);
    assertEquals(1, e.getMessage().lines().count());
  }
}
