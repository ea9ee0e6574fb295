package nacre.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KeyMappingTest {
  private static final KeyMapping LAYER =
      KeyMapping.builder()
          .pair("ln", "norm")
          .stacked("qkv.weight", List.of("q.weight", "k.weight", "v.weight"))
          .pointwise("proj", "to_out.0")
          .build();
  private static final KeyMapping MODEL =
      KeyMapping.builder()
          .below("blocks.1", "layers.0", LAYER)
          .pair("blocks", "rest")
          .pair("position", "embeddings.position.weight")
          .build();

  @TempDir Path folder;

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  @Test
  void theLongestPairHolds() {
    assertEquals(List.of("layers.0.norm.bias"), MODEL.ours("blocks.1.ln.bias"));
    assertEquals(List.of("rest.1.other"), MODEL.ours("blocks.1.other"));
    assertEquals(List.of("rest.10.ln.bias"), MODEL.ours("blocks.10.ln.bias"));
    assertEquals(List.of("embeddings.position.weight"), MODEL.ours("position"));
    assertEquals(List.of(), MODEL.ours("blocksworld"));
    assertEquals(
        Optional.of(new KeyMapping.Place("blocks.1.qkv.weight", 1, 3, false)),
        MODEL.theirs("layers.0.k.weight"));
    assertEquals(
        Optional.of(new KeyMapping.Place("blocks.1.proj.bias", 0, 1, true)),
        MODEL.theirs("layers.0.to_out.0.bias"));
    assertEquals(Optional.empty(), MODEL.theirs("layers.1.k.weight"));
  }

  @Test
  void aPlaceTellsTheShapeOfTheWholeTensorThere() {
    assertEquals(Shape.of(6, 5), new KeyMapping.Place("qkv", 1, 3, false).whole(Shape.of(2, 5)));
    assertEquals(Shape.of(2, 5, 1, 1), new KeyMapping.Place("p", 0, 1, true).whole(Shape.of(2, 5)));
    assertEquals(Shape.of(2), new KeyMapping.Place("p.bias", 0, 1, true).whole(Shape.of(2)));
    assertEquals(Shape.of(2, 5), new KeyMapping.Place("w", 0, 1, false).whole(Shape.of(2, 5)));
  }

  @Test
  void aMappingBelowAnotherKeepsItsPairs() {
    KeyMapping inner =
        KeyMapping.builder()
            .pointwise("in", "proj")
            .stacked("qkv", List.of("q", "k", "v"))
            .pair("ln", "norm")
            .build();
    KeyMapping all = KeyMapping.builder().below("block", "layer", inner).pair("x", "y").build();
    assertEquals(List.of("layer.k.bias"), all.ours("block.qkv.bias").subList(1, 2));
    assertEquals(
        Optional.of(new KeyMapping.Place("block.in.weight", 0, 1, true)),
        all.theirs("layer.proj.weight"));
    assertEquals(
        Optional.of(new KeyMapping.Place("block.qkv.weight", 2, 3, false)),
        all.theirs("layer.v.weight"));
    assertEquals(List.of("y"), all.ours("x"));
  }

  @Test
  void aNameInTwoPairsIsRefused() {
    KeyMapping.Builder builder = KeyMapping.builder().pair("a", "b");
    assertThrows(IllegalArgumentException.class, () -> builder.pair("a", "c"));
    assertThrows(IllegalArgumentException.class, () -> builder.pair("c", "b"));
  }

  @Test
  void tensorsAreCutWithoutACopy() throws IOException {
    Path file = folder.resolve("theirs.safetensors");
    try (Scope _ = Scope.open()) {
      Device cpu = Device.cpu();
      new SafeTensorsWriter()
          .add("blocks.1.qkv.weight", Tensor.of(cpu, Shape.of(3, 2), 1, 2, 3, 4, 5, 6), Layout.SAME)
          .add("blocks.1.proj.weight", Tensor.of(cpu, Shape.of(1, 2, 1, 1), 7, 8), Layout.SAME)
          .add("blocks.1.proj.bias", Tensor.of(cpu, Shape.of(1), 9), Layout.SAME)
          .add("stranger", Tensor.of(cpu, Shape.of(1), 10), Layout.SAME)
          .write(file);
      try (StateDict theirs = StateDict.open(file)) {
        StateDict ours = theirs.translate(MODEL);
        assertEquals(
            Set.of(
                "layers.0.q.weight",
                "layers.0.k.weight",
                "layers.0.v.weight",
                "layers.0.to_out.0.weight",
                "layers.0.to_out.0.bias",
                "stranger"),
            ours.entries().keySet());
        Map<String, Tensor> parameters =
            Map.of(
                "layers.0.q.weight", Tensor.zeros(cpu, DType.F32, Shape.of(1, 2)),
                "layers.0.k.weight", Tensor.zeros(cpu, DType.F32, Shape.of(1, 2)),
                "layers.0.v.weight", Tensor.zeros(cpu, DType.F32, Shape.of(1, 2)),
                "layers.0.to_out.0.weight", Tensor.zeros(cpu, DType.F32, Shape.of(1, 2)),
                "layers.0.to_out.0.bias", Tensor.zeros(cpu, DType.F32, Shape.of(1)));
        ours.loadInto(parameters, "stranger"::equals);
        assertArrayEquals(
            new float[] {1, 2, 3, 4, 5, 6, 7, 8, 9},
            concatenated(
                parameters,
                "layers.0.q.weight",
                "layers.0.k.weight",
                "layers.0.v.weight",
                "layers.0.to_out.0.weight",
                "layers.0.to_out.0.bias"));
      }
    }
  }

  private static float[] concatenated(Map<String, Tensor> tensors, String... names) {
    float[] all = new float[0];
    for (String name : names) {
      float[] values = tensors.get(name).toFloats();
      int length = all.length;
      all = Arrays.copyOf(all, length + values.length);
      System.arraycopy(values, 0, all, length, values.length);
    }
    return all;
  }

  @Test
  void whatCannotBeCutIsRefused() throws IOException {
    Path file = folder.resolve("theirs.safetensors");
    try (Scope _ = Scope.open()) {
      new SafeTensorsWriter()
          .add("blocks.1.qkv.weight", Tensor.of(Device.cpu(), Shape.of(2, 1), 1, 2), Layout.SAME)
          .write(file);
    }
    try (StateDict theirs = StateDict.open(file)) {
      WeightsException e = assertThrows(WeightsException.class, () -> theirs.translate(MODEL));
      assertEquals(
          file + ": tensor blocks.1.qkv.weight is [2, 1], its 3 parts cannot be equal",
          e.getMessage());
      assertTrue(theirs.entries().containsKey("blocks.1.qkv.weight"));
    }
  }
}
