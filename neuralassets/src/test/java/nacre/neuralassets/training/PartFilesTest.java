package nacre.neuralassets.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import nacre.tensor.Device;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.weights.StateDict;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class PartFilesTest {
  private static final String FIRST = "unet/model-00001-of-00002.safetensors";
  private static final Predicate<String> FROZEN = name -> name.startsWith("still");

  @TempDir Path folder;

  private final PartFiles files = new PartFiles("unet", "model");

  private Path model(String name) throws IOException {
    Path model = folder.resolve(name);
    Files.createDirectories(model.resolve("unet"));
    return model;
  }

  private static Map<String, Tensor> parameters(float moving) {
    Shape two = Shape.of(2);
    return Map.of(
        "still.a", Tensor.of(Device.cpu(), two, 1f, 2f),
        "moving.a", Tensor.of(Device.cpu(), two, moving, 0f));
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void whatIsFrozenIsLinkedToAndTheRestIsWritten() throws IOException {
    try (Scope _ = Scope.open()) {
      Path first = model("first");
      assertEquals(Set.of(), files.write(first, parameters(3), FROZEN, null));
      Path second = model("second");
      assertEquals(Set.of(FIRST), files.write(second, parameters(4), FROZEN, first));
      assertEquals(
          Files.getAttribute(first.resolve(FIRST), "unix:ino"),
          Files.getAttribute(second.resolve(FIRST), "unix:ino"));
      assertHolds(second, 4);
      assertHolds(first, 3);
    }
  }

  /** The earlier model may have been deleted, or lie where nothing can be linked to. */
  @Test
  void withoutALinkItIsWrittenAnew() throws IOException {
    try (Scope _ = Scope.open()) {
      Path model = model("model");
      assertEquals(Set.of(), files.write(model, parameters(5), FROZEN, folder.resolve("gone")));
      assertHolds(model, 5);
    }
  }

  @Test
  void aPartThatIsFrozenOrTrainedAsAWholeIsOneFile() throws IOException {
    try (Scope _ = Scope.open()) {
      for (boolean frozen : new boolean[] {true, false}) {
        Path model = model("whole" + frozen);
        files.write(model, parameters(6), _ -> frozen, null);
        assertTrue(Files.exists(model.resolve("unet/model.safetensors")));
        assertTrue(Files.notExists(model.resolve("unet/model.safetensors.index.json")));
        assertHolds(model, 6);
      }
    }
  }

  private static void assertHolds(Path model, float moving) throws IOException {
    Map<String, Tensor> read = Map.of("still.a", zeros(), "moving.a", zeros());
    try (StateDict dict = StateDict.open(model.resolve("unet"), "model")) {
      dict.loadInto(read);
    }
    assertArrayEquals(new float[] {1, 2}, read.get("still.a").toFloats());
    assertArrayEquals(new float[] {moving, 0}, read.get("moving.a").toFloats());
  }

  private static Tensor zeros() {
    return Tensor.of(Device.cpu(), Shape.of(2), 0f, 0f);
  }
}
