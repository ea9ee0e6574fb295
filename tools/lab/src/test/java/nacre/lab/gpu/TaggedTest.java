package nacre.lab.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The check runs tests by their tag, and one without it would never run on a GPU. */
class TaggedTest {
  @Test
  void everyTestThatAsksForACardHasTheTag() throws IOException {
    List<String> untagged = new ArrayList<>();
    int tagged = 0;
    try (Stream<Path> files = Files.walk(Path.of("../.."))) {
      for (Path file : files.filter(f -> f.toString().endsWith("Test.java")).toList()) {
        String source = Files.readString(file);
        if (source.contains("TestDevices" + ".gpu()") || source.contains("TestGpu" + ".find()")) {
          if (source.contains("@Tag(\"cuda\")")) {
            tagged++;
          } else {
            untagged.add(file.toString());
          }
        }
      }
    }
    assertEquals(List.of(), untagged);
    assertTrue(tagged > 1);
  }
}
