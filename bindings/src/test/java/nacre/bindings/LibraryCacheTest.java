package nacre.bindings;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LibraryCacheTest {

  private static final FileTime LONG_AGO = FileTime.from(Instant.now().minus(Duration.ofDays(3)));

  @TempDir Path temp;
  private final byte[] first = new byte[700_001];
  private final byte[] second = new byte[3];
  private List<PackedFile> files;

  @BeforeEach
  void packJar() throws IOException {
    new Random(5).nextBytes(first);
    new Random(6).nextBytes(second);
    Path jar = temp.resolve("packed.jar");
    try (OutputStream out = Files.newOutputStream(jar);
        ZipOutputStream zip = new ZipOutputStream(out)) {
      zip.putNextEntry(new ZipEntry("some/linux-x86_64/liba.so.1"));
      zip.write(first);
      zip.putNextEntry(new ZipEntry("some/linux-x86_64/libb.so"));
      zip.write(second);
    }
    try (URLClassLoader loader = new URLClassLoader(new URL[] {jar.toUri().toURL()}, null)) {
      files =
          List.of(
              PackedFile.find(loader, "some/linux-x86_64/liba.so.1").orElseThrow(),
              PackedFile.find(loader, "some/linux-x86_64/libb.so").orElseThrow());
      assertTrue(PackedFile.find(loader, "some/linux-x86_64/libc.so").isEmpty());
    }
  }

  @Test
  void unpacksIntoAFolderThatDoesNotExistYet() throws IOException {
    Path root = temp.resolve("a").resolve("b");
    List<Path> placed = new LibraryCache(root).place("key", files);
    assertEquals(List.of(root.resolve("key/liba.so.1"), root.resolve("key/libb.so")), placed);
    assertWhole(placed);
    assertNothingElseIn(root.resolve("key"));
  }

  @Test
  void readsAFolderOnTheClassPathLikeAJar() throws IOException {
    Path folder = Files.createDirectories(temp.resolve("exploded/some"));
    Files.write(folder.resolve("liba.so.1"), first);
    URL url = temp.resolve("exploded").toUri().toURL();
    try (URLClassLoader loader = new URLClassLoader(new URL[] {url}, null)) {
      PackedFile found = PackedFile.find(loader, "some/liba.so.1").orElseThrow();
      assertEquals(files.getFirst().crc(), found.crc());
      assertEquals(files.getFirst().size(), found.size());
    }
  }

  @Test
  void keepsWhatIsWhole() throws IOException {
    LibraryCache cache = new LibraryCache(temp);
    List<Path> placed = cache.place("key", files);
    for (Path path : placed) {
      Files.setLastModifiedTime(path, LONG_AGO);
    }
    cache.place("key", files);
    for (Path path : placed) {
      assertEquals(LONG_AGO.toInstant().getEpochSecond(), modified(path).getEpochSecond());
    }
  }

  @Test
  void replacesADamagedFileAndOnlyThat() throws IOException {
    LibraryCache cache = new LibraryCache(temp);
    List<Path> placed = cache.place("key", files);
    byte[] damaged = first.clone();
    damaged[400_000] ^= 1;
    Files.write(placed.getFirst(), damaged);
    Files.setLastModifiedTime(placed.getLast(), LONG_AGO);
    assertWhole(cache.place("key", files));
    assertEquals(
        LONG_AGO.toInstant().getEpochSecond(), modified(placed.getLast()).getEpochSecond());
  }

  @Test
  void replacesAFileCutShort() throws IOException {
    LibraryCache cache = new LibraryCache(temp);
    Path path = cache.place("key", files).getFirst();
    Files.write(path, new byte[17]);
    assertWhole(cache.place("key", files));
  }

  @Test
  void removesWhatKilledProcessesLeftButNotWhatOthersWriteNow() throws IOException {
    Path folder = Files.createDirectories(temp.resolve("key"));
    Path abandoned = Files.write(folder.resolve("liba.so.1-7.part"), new byte[9]);
    Files.setLastModifiedTime(abandoned, LONG_AGO);
    Path current = Files.write(folder.resolve("liba.so.1-8.part"), new byte[9]);
    new LibraryCache(temp).place("key", files);
    assertFalse(Files.exists(abandoned));
    assertTrue(Files.exists(current));
  }

  @Test
  void manyAtATimeAllFindWholeFiles() throws Exception {
    int count = 8;
    CyclicBarrier start = new CyclicBarrier(count);
    try (ExecutorService pool = Executors.newFixedThreadPool(count)) {
      List<Future<?>> results = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        results.add(
            pool.submit(
                () -> {
                  for (int round = 0; round < 10; round++) {
                    start.await();
                    assertWhole(new LibraryCache(temp).place("round" + round, files));
                  }
                  return null;
                }));
      }
      for (Future<?> result : results) {
        result.get();
      }
    }
    for (int round = 0; round < 10; round++) {
      assertNothingElseIn(temp.resolve("round" + round));
    }
  }

  @Test
  void refusesAFolderThatCannotBeMade() throws IOException {
    Path inTheWay = Files.writeString(temp.resolve("file"), "no folder");
    LibraryCache cache = new LibraryCache(inTheWay.resolve("root"));
    assertThrows(IOException.class, () -> cache.place("key", files));
    assertWhole(LibraryCache.placeForThisProcess(files));
  }

  private void assertWhole(List<Path> placed) throws IOException {
    assertArrayEquals(first, Files.readAllBytes(placed.getFirst()));
    assertArrayEquals(second, Files.readAllBytes(placed.getLast()));
  }

  private static void assertNothingElseIn(Path folder) throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      assertEquals(2, entries.count());
    }
  }

  private static Instant modified(Path path) throws IOException {
    return Files.getLastModifiedTime(path).toInstant();
  }
}
