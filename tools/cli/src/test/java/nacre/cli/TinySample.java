package nacre.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import nacre.neuralassets.scene.PngFile;

/** {@code sample} with the tiny Stable Diffusion of the tests, into out/ of a test's folder. */
final class TinySample {
  static final Path TINY = Path.of("src/test/resources/tiny-sd");
  static final Path MODEL = TINY.resolve("model");

  private TinySample() {}

  static CommandLineRun run(Path folder, Object... more) {
    List<Object> words =
        new ArrayList<>(List.of("sample", "--model", MODEL, "--out", folder.resolve("out")));
    words.addAll(Arrays.asList(more));
    return CommandLineRun.of(words.toArray());
  }

  /** It ends with one line that has the reason in it. */
  static void assertRefused(Path folder, String reason, Object... words) {
    List<Object> all = new ArrayList<>(List.of("sample", "--out", folder.resolve("out")));
    if (!Arrays.asList(words).contains("--model")) {
      all.addAll(List.of("--model", MODEL));
    }
    all.addAll(Arrays.asList(words));
    CommandLineRun run = CommandLineRun.of(all.toArray());
    assertTrue(run.status() != 0, run::out);
    assertEquals(1, run.complaints().size(), run::err);
    assertTrue(run.err().contains(reason), run::err);
  }

  static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    }
  }

  /** The largest difference of two pictures, of 255. */
  static int difference(File a, File b) throws IOException {
    return difference(PngFile.rgb(ImageIO.read(a)), PngFile.rgb(ImageIO.read(b)));
  }

  /** The largest difference of two pictures' bytes. */
  static int difference(byte[] left, byte[] right) {
    assertEquals(left.length, right.length);
    int largest = 0;
    for (int i = 0; i < left.length; i++) {
      largest = Math.max(largest, Math.abs((left[i] & 0xFF) - (right[i] & 0xFF)));
    }
    return largest;
  }
}
