package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import nacre.tensor.Memory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Training on small made-up files of the data sets that {@code nacre-datasets} reads. */
class PublishedDataTest {
  private static final Path RESOURCES = Path.of("../../datasets/src/test/resources/nacre/datasets");

  @TempDir Path folder;

  @AfterEach
  void nothingIsLeftInMemory() {
    assertEquals(0, Memory.liveTensors());
  }

  private static CommandLineRun run(Object... words) {
    CommandLineRun run = CommandLineRun.of(words);
    assertEquals(0, run.status(), run::err);
    return run;
  }

  /** The index of records is kept beside them, so they are copied. */
  private Path data(String name) throws IOException {
    Path place = RESOURCES.resolve(name);
    if (Files.isRegularFile(place)) {
      return Files.copy(place, folder.resolve("drive.tfrecord"));
    }
    try (Stream<Path> files = Files.list(place)) {
      List<Path> shards = files.filter(file -> file.toString().contains("-of-")).toList();
      if (shards.isEmpty()) {
        return place;
      }
      Path copies = Files.createDirectory(folder.resolve("shards"));
      for (Path shard : shards) {
        Files.copy(shard, copies.resolve(shard.getFileName()));
      }
      return copies;
    }
  }

  @ParameterizedTest
  @CsvSource({
    "waymo/published, waymo-small, Waymo Open 2",
    "waymo/plain, waymo-small, Waymo Open 2",
    "waymo/frames.tfrecord, waymo-small, Waymo Open 1",
    "object/data, object-small, 3D boxes are approximations",
    "movi, movi-e-small, MOVi-E",
    "objectron, objectron-small, Objectron"
  })
  void aStoppedRunGoesOnToTheBit(String name, String small, String kind) throws IOException {
    Path data = data(name);
    // A rate that depends on the run's length would differ.
    Path preset = folder.resolve("constant.json");
    Files.writeString(
        preset,
        String.format(
            Locale.ROOT,
            "{\"extends\": \"%s\", \"training\": {\"learning_rate_schedule\": \"constant\"}}",
            small));
    Path whole = folder.resolve("whole");
    Path stopped = folder.resolve("stopped");
    Object[] train = {"train", "--no-sheet", "--eval-pairs", 0, "--preset", preset, "--data", data};
    CommandLineRun told = run(with(train, "--steps", 4, "--out", whole));
    assertTrue(told.out().contains(kind), told::out);
    run(with(train, "--steps", 2, "--out", stopped));
    run("train", "--no-sheet", "--eval-pairs", 0, "--resume", "--steps", 4, "--out", stopped);
    for (String file : new String[] {"parameters.safetensors", "optimizer.safetensors"}) {
      Path in = Path.of("checkpoints/step-000000004").resolve(file);
      assertArrayEquals(
          Files.readAllBytes(whole.resolve(in)), Files.readAllBytes(stopped.resolve(in)), file);
    }
  }

  private static Object[] with(Object[] words, Object... more) {
    Object[] all = java.util.Arrays.copyOf(words, words.length + more.length);
    System.arraycopy(more, 0, all, words.length, more.length);
    return all;
  }
}
