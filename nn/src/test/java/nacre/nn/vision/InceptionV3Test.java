package nacre.nn.vision;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.weights.Layout;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Inception v3 against what PyTorch computed: tools/lab/reference/export_metrics.py. */
class InceptionV3Test {
  private static final Device CPU = Device.cpu();
  private static final Path CASES = Path.of("src/test/resources/inception");

  @TempDir Path folder;

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  private static Tensor read(StateDict dict, String name, Layout layout) throws IOException {
    Shape disk = dict.entries().get(name).shape();
    Tensor tensor = Tensor.empty(CPU, DType.F32, layout.memory(disk));
    dict.entries().get(name).copyTo(tensor, layout);
    return tensor;
  }

  @ParameterizedTest
  @EnumSource
  void featuresArePyTorchs(InceptionV3.Tap tap) throws IOException {
    try (Scope _ = Scope.open();
        StateDict expected = StateDict.open(CASES, "expected")) {
      InceptionV3 network = new InceptionFile(CASES).load(CPU, tap);
      Tensor wanted = read(expected, "features." + tap.ordinal(), Layout.SAME);
      float[] got = network.features(read(expected, "x", Layout.CHANNELS)).toFloats();
      assertEquals(wanted.dim(1), network.width());
      double scale = 0;
      for (float v : wanted.toFloats()) {
        scale = Math.max(scale, Math.abs(v));
      }
      assertArrayEquals(wanted.toFloats(), got, (float) (2e-6 * scale));
    }
  }

  @Test
  void whatDoesNotFitIsRefusedInOneLine() throws IOException {
    assertRefused(
        CASES.resolve("expected.safetensors"),
        "has no Conv2d_1a_3x3.conv.weight; wanted is the Inception v3 of pytorch-fid");
    assertRefused(
        without("Mixed_6c.branch_pool.bn.bias", null), "has no Mixed_6c.branch_pool.bn.bias");
    assertRefused(
        without("Mixed_5b.branch5x5_2.conv.weight", Shape.of(2, 2, 3, 3)),
        "Mixed_5b.branch5x5_2.conv.weight is [2, 2, 3, 3], wanted is [2, 2, 5, 5]");
    assertRefused(
        without("Conv2d_2a_3x3.bn.running_var", Shape.of(4)),
        "Conv2d_2a_3x3.bn.running_var is [4], wanted is [2]");
  }

  /** The network without a tensor, or with another in its place, under names with a prefix. */
  private Path without(String left, Shape other) throws IOException {
    Path file = folder.resolve("changed.safetensors");
    try (Scope _ = Scope.open();
        StateDict dict = StateDict.open(CASES, "model")) {
      SafeTensorsWriter writer = new SafeTensorsWriter();
      for (String name : dict.entries().keySet()) {
        if (name.equals(left)) {
          if (other != null) {
            writer.add("net." + name, Tensor.zeros(CPU, DType.F32, other), Layout.SAME);
          }
        } else if (!name.endsWith("num_batches_tracked")) {
          writer.add("net." + name, read(dict, name, Layout.SAME), Layout.SAME);
        }
      }
      writer.write(file);
    }
    return file;
  }

  private static void assertRefused(Path file, String why) {
    try (Scope _ = Scope.open()) {
      var e =
          assertThrows(
              WeightsException.class,
              () -> new InceptionFile(file).load(CPU, InceptionV3.Tap.LAST));
      assertTrue(e.getMessage().contains(why), e.getMessage());
      assertEquals(1, e.getMessage().lines().count());
    }
  }

  /** A shallower network wants less of the file. */
  @Test
  void namesMayHaveAPrefixAndLaterLayersMayBeMissing() throws IOException {
    Path file = without("Mixed_7a.branch3x3_1.conv.weight", null);
    try (Scope _ = Scope.open()) {
      assertEquals(6, new InceptionFile(file).load(CPU, InceptionV3.Tap.SECOND_POOL).width());
    }
  }
}
