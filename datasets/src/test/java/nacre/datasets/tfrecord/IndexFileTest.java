package nacre.datasets.tfrecord;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import nacre.tensor.Setting;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where an index is kept. */
class IndexFileTest {
  private static final ExampleLayout LAYOUT =
      new ExampleLayout("test-1", Set.of(), Set.of("video"), "video");

  @TempDir Path root;

  private Path file;
  private Path cache;
  private String before;

  @BeforeEach
  void write() throws IOException {
    cache = root.resolve("cache");
    before = System.getProperty(Setting.CACHE.property());
    System.setProperty(Setting.CACHE.property(), cache.toString());
    Path data = Files.createDirectories(root.resolve("data"));
    file = data.resolve("some-train.tfrecord");
    Files.write(file, new Records().add(video("one")).add(video("two")).bytes());
  }

  @AfterEach
  void restore() {
    if (before == null) {
      System.clearProperty(Setting.CACHE.property());
    } else {
      System.setProperty(Setting.CACHE.property(), before);
    }
  }

  private static byte[] video(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return Records.example(Records.entry("video", Records.strings(bytes, new byte[100_000])));
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).sorted().toList();
    }
  }

  @Test
  void whereTheFolderTakesNoFileTheCacheDoes() throws IOException {
    // A folder in the way, since a file's owner may be root, who may write everywhere.
    Path beside = file.resolveSibling(file.getFileName() + IndexFile.SUFFIX);
    Files.createDirectories(beside.resolve("full"));
    ShardIndex made = new Shard(file, LAYOUT).index();
    List<Path> kept = files(cache);
    assertEquals(1, kept.size());
    assertTrue(kept.getFirst().getFileName().toString().startsWith("some-train.tfrecord-"));
    assertEquals(List.of(file), files(root.resolve("data")), "and nothing is left half written");
    assertEquals(made, IndexFile.find(new RecordFile(file, OpenFiles.shared()), LAYOUT));

    Files.delete(kept.getFirst());
    Files.delete(cache.resolve("indexes"));
    Files.delete(cache);
    Files.writeString(cache, "a file where the folder should be");
    assertEquals(made, new Shard(file, LAYOUT).index(), "without an index, it is made each time");
  }

  @Test
  void manyMayMakeItAtOnce() throws IOException {
    IntStream.range(0, 24)
        .parallel()
        .forEach(
            _ -> {
              try {
                Shard.Parts record = new Shard(file, LAYOUT).record(1); // each as a process would
                assertArrayEquals("two".getBytes(StandardCharsets.UTF_8), record.read("video", 0));
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    assertEquals(2, files(root.resolve("data")).size(), "the shard and one index");
    assertEquals(
        2, IndexFile.find(new RecordFile(file, OpenFiles.shared()), LAYOUT).entries().size());
  }
}
