package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code nacre data inspect, stats, pack} on any kind of data set. */
class DataCommandsTest {
  @TempDir static Path shared;
  @TempDir Path folder;
  private static Path scenes;

  @BeforeAll
  static void render() {
    scenes = shared.resolve("scenes");
    CommandLineRun run =
        CommandLineRun.of(
            "data", "render", "--out", scenes, "--clips", 3, "--size", 16, "--max-objects", 3);
    assertEquals(0, run.status(), run::err);
  }

  private CommandLineRun packed(Object... more) {
    return packedInto(folder.resolve("pack"), more);
  }

  private static CommandLineRun packedInto(Path place, Object... more) {
    Object[] words = {"data", "pack", scenes, "--out", place, "--size", 8};
    Object[] all = Arrays.copyOf(words, words.length + more.length);
    System.arraycopy(more, 0, all, words.length, more.length);
    return CommandLineRun.of(all);
  }

  @Test
  void aPackIsADataSetOfItsOwn() {
    CommandLineRun pack = packed();
    assertEquals(0, pack.status(), pack::err);
    assertEquals(0, packed().status()); // nothing is left to do
    CommandLineRun inspected =
        CommandLineRun.of(
            "data",
            "inspect",
            folder.resolve("pack"),
            "--clip",
            "scene_00001",
            "--out",
            folder.resolve("i.png"));
    assertEquals(0, inspected.status(), inspected::err);
    assertTrue(inspected.out().contains("3 clips; drawn is scene_00001"), inspected::out);
    assertTrue(inspected.out().contains("frames of 8×8"), inspected::out);
    assertTrue(Files.isRegularFile(folder.resolve("i.png")));
  }

  @Test
  void packsOfSharesAreADataSet() {
    for (int part = 1; part <= 2; part++) {
      CommandLineRun pack = packedInto(folder.resolve("parts/" + part), "--share", part + "/2");
      assertEquals(0, pack.status(), pack::err);
    }
    CommandLineRun inspected =
        CommandLineRun.of(
            "data", "inspect", folder.resolve("parts"), "--out", folder.resolve("i.png"));
    assertTrue(inspected.out().contains("3 clips"), inspected::out);
    for (String wrong : new String[] {"0/2", "3/2", "1", "1/0", "a/b", "-1/2"}) {
      CommandLineRun refused = packed("--share=" + wrong);
      assertEquals(2, refused.status(), wrong);
      assertTrue(refused.err().contains("say which of how many parts"), refused::err);
    }
  }

  @Test
  void aClipThatIsNotThereIsToldOf() {
    for (String clip : new String[] {"3", "scene_7"}) {
      CommandLineRun run = CommandLineRun.of("data", "inspect", scenes, "--clip", clip);
      assertEquals(1, run.status());
      assertTrue(run.err().contains("holds no clip " + clip + "; it holds 3"), run::err);
    }
    assertEquals(2, CommandLineRun.of("data", "inspect", "--clip", "1").status());
  }

  @Test
  void statisticsAreOfPairs() throws IOException {
    Path picture = folder.resolve("s.png");
    CommandLineRun run =
        CommandLineRun.of(
            "data", "stats", scenes, "--pairs", 40, "--preset", "tiny", "--out", picture);
    assertEquals(0, run.status(), run::err);
    String frames = run.out().lines().filter(l -> l.contains("frames of a clip")).findAny().get();
    assertTrue(frames.matches("\\s+frames of a clip\\s+40(\\s+12\\.00){5}"), frames);
    assertTrue(Files.size(picture) > 1000);
    CommandLineRun none = CommandLineRun.of("data", "stats", scenes, "--preset", "autoencoder");
    assertEquals(2, none.status());
  }
}
