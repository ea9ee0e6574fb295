package nacre.tensor.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("cuda")
class PlanCacheTest {
  private static final byte[] PLAN = "a plan".getBytes(StandardCharsets.UTF_8);

  @TempDir Path folder;

  private PlanCache cache() {
    return PlanCache.of(folder.resolve("plans"), "a GPU", 1 << 20);
  }

  private static void assertNone(Optional<byte[]> found) {
    assertTrue(found.isEmpty(), () -> new String(found.orElseThrow(), StandardCharsets.UTF_8));
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve("plans"))) {
      return files.toList();
    }
  }

  @Test
  void whatIsKeptIsFoundUnderItsNameAndCircumstances() {
    PlanCache cache = cache();
    assertNone(cache.find("a"));
    cache.keep("a", PLAN);
    assertArrayEquals(PLAN, cache().find("a").orElseThrow());
    assertNone(cache.find("b"));
    assertNone(PlanCache.of(folder.resolve("plans"), "another GPU", 1 << 20).find("a"));
    cache.keep("a", new byte[0]);
    assertArrayEquals(new byte[0], cache().find("a").orElseThrow());
    cache.drop("a");
    assertNone(cache.find("a"));
    cache.drop("a");
  }

  @Test
  void whatIsDamagedIsNotFoundAndIsWrittenAnew() throws IOException {
    PlanCache cache = cache();
    cache.keep("a", PLAN);
    Path file = files().getFirst();
    byte[] whole = Files.readAllBytes(file);
    List<byte[]> damaged = new ArrayList<>();
    for (int length = 0; length < whole.length; length++) {
      damaged.add(Arrays.copyOf(whole, length));
      byte[] flipped = whole.clone();
      flipped[length] ^= 0x10;
      damaged.add(flipped);
    }
    damaged.add(Arrays.copyOf(whole, whole.length + 1));
    for (byte[] bytes : damaged) {
      Files.write(file, bytes);
      assertNone(cache.find("a"));
      cache.keep("a", PLAN);
      assertArrayEquals(PLAN, cache.find("a").orElseThrow());
    }
  }

  @Test
  void whatIsOfSomethingElseIsNotFound() throws IOException {
    PlanCache cache = cache();
    cache.keep("a", PLAN);
    Path ofA = files().getFirst();
    cache.keep("b", new byte[] {1});
    Path ofB = files().stream().filter(file -> !file.equals(ofA)).findFirst().orElseThrow();
    Files.copy(ofB, ofA, StandardCopyOption.REPLACE_EXISTING);
    assertNone(cache.find("a"));
    assertArrayEquals(new byte[] {1}, cache.find("b").orElseThrow());
  }

  @Test
  void whatWasNotUsedForLongestGoesWhereThereIsTooMuch() throws IOException {
    PlanCache cache = PlanCache.of(folder.resolve("plans"), "a GPU", 1000);
    for (int i = 0; i < 3; i++) {
      cache.keep("plan " + i, new byte[200]);
      for (Path file : files()) { // as if days had passed
        Instant before = Files.getLastModifiedTime(file).toInstant().minusSeconds(200_000);
        Files.setLastModifiedTime(file, FileTime.from(before));
      }
    }
    cache.find("plan 0").orElseThrow(); // now the last that was used
    cache.keep("plan 3", new byte[200]);
    assertTrue(cache.find("plan 0").isPresent());
    assertNone(cache.find("plan 1"));
    assertTrue(cache.find("plan 3").isPresent());
    cache.keep("plan 4", new byte[2000]);
    assertNone(cache.find("plan 4"));
    assertTrue(cache.find("plan 3").isPresent(), "nothing goes for what is too large anyway");
  }

  @Test
  void severalMayWriteAndReadAtOnce() throws Exception {
    final int times = 200;
    List<byte[]> plans = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      byte[] plan = new byte[1000 + 5000 * i];
      Arrays.fill(plan, (byte) i);
      plans.add(plan);
    }
    cache().keep("a", plans.getFirst());
    try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
      List<Future<?>> all = new ArrayList<>();
      for (byte[] plan : plans) {
        PlanCache own = cache();
        all.add(
            threads.submit(
                () -> {
                  for (int i = 0; i < times; i++) {
                    own.keep("a", plan);
                  }
                }));
        all.add(
            threads.submit(
                () -> {
                  for (int i = 0; i < times; i++) {
                    byte[] found = own.find("a").orElseThrow(); // never half of one, never none
                    assertTrue(plans.stream().anyMatch(one -> Arrays.equals(one, found)));
                  }
                }));
      }
      for (Future<?> one : all) {
        one.get();
      }
    }
    assertEquals(1, files().size(), "what was written aside is gone: " + files());
  }

  @Test
  void aFolderThatCannotBeUsedIsDoneWithout() throws IOException {
    Files.writeString(folder.resolve("plans"), "no folder");
    cache().keep("a", PLAN);
    assertNone(cache().find("a"));
    cache().drop("a");
    PlanCache.none().keep("a", PLAN);
    assertNone(PlanCache.none().find("a"));
  }
}
