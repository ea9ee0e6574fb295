package nacre.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class StateDictTest {
  private static final Device CPU = Device.cpu();

  @TempDir Path folder;

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  private static Tensor counting(Shape shape) {
    float[] values = new float[(int) shape.elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = i + 1;
    }
    return Tensor.of(CPU, shape, values);
  }

  private Path written(String name, Map<String, Tensor> tensors) throws IOException {
    Path file = folder.resolve(name);
    new SafeTensorsWriter().addParameters(tensors).write(file);
    return file;
  }

  @Test
  void whatWasSavedComesBack() throws IOException {
    try (Scope _ = Scope.open()) {
      Map<String, Tensor> saved = new LinkedHashMap<>();
      saved.put("conv.weight", counting(Shape.of(2, 3, 4, 5)));
      saved.put("linear.weight", counting(Shape.of(3, 2)));
      saved.put("half", Tensor.full(CPU, DType.BF16, Shape.of(3), 0.5));
      Map<String, Tensor> loaded = new LinkedHashMap<>();
      saved.forEach((name, t) -> loaded.put(name, Tensor.full(CPU, DType.F32, t.shape(), -1)));
      Path file = written("model.safetensors", saved);
      try (SafeTensors open = SafeTensors.open(file)) {
        assertEquals(Shape.of(2, 5, 3, 4), open.entry("conv.weight").shape());
      }
      try (StateDict dict = StateDict.open(folder, "model")) {
        dict.loadInto(loaded);
      }
      saved.forEach((name, t) -> assertArrayEquals(t.toFloats(), loaded.get(name).toFloats()));
    }
  }

  @Test
  void oneErrorNamesEverythingThatDoesNotFit() throws IOException {
    try (Scope _ = Scope.open()) {
      Map<String, Tensor> saved = new LinkedHashMap<>();
      saved.put("same", counting(Shape.of(2)));
      saved.put("conv", counting(Shape.of(2, 3, 3, 5)));
      saved.put("extra1", counting(Shape.of(1)));
      saved.put("extra2", counting(Shape.of(1)));
      Path file = written("model.safetensors", saved);
      Map<String, Tensor> wanted = new LinkedHashMap<>();
      wanted.put("same", Tensor.zeros(CPU, DType.F32, Shape.of(2)));
      wanted.put("conv", Tensor.zeros(CPU, DType.F32, Shape.of(2, 3, 3, 4)));
      wanted.put("lacking1", Tensor.zeros(CPU, DType.F32, Shape.of(1)));
      wanted.put("lacking2", Tensor.zeros(CPU, DType.F32, Shape.of(1)));
      try (StateDict dict = StateDict.open(file)) {
        WeightsException e =
            assertThrows(WeightsException.class, () -> dict.loadInto(wanted, "extra1"::equals));
        assertEquals(
            file
                + ": does not fit the model: 2 missing: lacking1 [1], lacking2 [1]; 1 unexpected:"
                + " extra2; 1 not fitting: conv is [2, 5, 3, 3], [2, 4, 3, 3] is wanted",
            e.getMessage());
        assertEquals(List.of("extra1", "extra2"), dict.compare(wanted).unexpected());
      }
      assertArrayEquals(new float[2], wanted.get("same").toFloats(), "nothing is written");
    }
  }

  @Test
  void aLongListIsCountedAndCut() {
    List<String> names = IntStream.range(0, 137).mapToObj(i -> "n" + i).toList();
    String first =
        "n0, n1, n2, n3, n4, n5, n6, n7, n8, n9, n10, n11, n12, n13, n14, n15, n16, n17, n18, n19";
    assertEquals(
        "137 missing: %1$s, and 117 more; 21 unexpected: %1$s, and 1 more; 20 not fitting: %1$s"
            .formatted(first),
        new StateDict.Difference(names, names.subList(0, 21), names.subList(0, 20)).toString());
  }

  /** However long the names that a file has, and whatever is in them. */
  @Test
  void aListStaysOnOneLine() throws IOException {
    String hostile = "a\n\u001b[31m" + "x".repeat(10_000);
    try (Scope _ = Scope.open()) {
      Map<String, Tensor> saved = new LinkedHashMap<>();
      for (int i = 0; i < 30; i++) {
        saved.put(hostile + i, counting(Shape.of(1)));
      }
      Path file = written("model.safetensors", saved);
      try (StateDict dict = StateDict.open(file)) {
        WeightsException e = assertThrows(WeightsException.class, () -> dict.loadInto(Map.of()));
        String line = e.getMessage();
        assertTrue(line.length() < file.toString().length() + 20 * 210 + 100, line);
        assertTrue(line.indexOf('\n') < 0 && line.indexOf('\u001b') < 0, line);
        assertTrue(line.endsWith("x…, and 10 more"), line);
      }
    }
  }

  @Test
  void shardsAreOneDictionary() throws IOException {
    try (Scope _ = Scope.open()) {
      written("model-00001-of-00002.safetensors", Map.of("a", counting(Shape.of(2))));
      written("model-00002-of-00002.safetensors", Map.of("b", counting(Shape.of(3))));
      Path index = folder.resolve("model.safetensors.index.json");
      Files.writeString(
          index,
          """
          {"metadata": {"total_size": 20}, "weight_map": {
            "a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
          """);
      Map<String, Tensor> loaded =
          Map.of(
              "a", Tensor.zeros(CPU, DType.F32, Shape.of(2)),
              "b", Tensor.zeros(CPU, DType.F32, Shape.of(3)));
      try (StateDict dict = StateDict.open(folder, "model")) {
        dict.loadInto(loaded);
      }
      assertArrayEquals(new float[] {1, 2, 3}, loaded.get("b").toFloats());

      for (Map.Entry<String, String> bad :
          Map.of(
                  "{", "is not valid JSON",
                  "{}", "has no weight_map",
                  "{\"weight_map\": {\"a\": \"../secret.safetensors\"}}", "names no weight file",
                  "{\"weight_map\": {\"a\": \"other.safetensors\"}}", "no such file",
                  "{\"weight_map\": {\"c\": \"model-00001-of-00002.safetensors\"}}", "no tensor c")
              .entrySet()) {
        Files.writeString(index, bad.getKey());
        WeightsException e = assertThrows(WeightsException.class, () -> StateDict.open(index));
        assertTrue(e.getMessage().contains(bad.getValue()), e.getMessage());
      }
    }
  }

  @Test
  void theMetadataOfAllShardsIsThatOfTheDictionary() throws IOException {
    try (Scope _ = Scope.open()) {
      for (String name : List.of("a", "b")) {
        new SafeTensorsWriter()
            .metadata("from " + name, "writer")
            .add(name, counting(Shape.of(1)), Layout.SAME)
            .write(folder.resolve(name + ".safetensors"));
      }
    }
    Path index = folder.resolve("model.safetensors.index.json");
    Files.writeString(
        index, "{\"weight_map\": {\"a\": \"a.safetensors\", \"b\": \"b.safetensors\"}}");
    try (StateDict dict = StateDict.open(index)) {
      assertEquals(Map.of("format", "pt", "from a", "writer", "from b", "writer"), dict.metadata());
    }
  }

  @Test
  void renamingLeavesOutAndClosingClosesEveryFile() throws IOException {
    SafeTensors.Entry kept;
    try (Scope _ = Scope.open()) {
      Path file =
          written("m.safetensors", Map.of("a", counting(Shape.of(1)), "b", counting(Shape.of(2))));
      try (StateDict dict = StateDict.open(file)) {
        StateDict renamed = dict.rename(name -> name.equals("a") ? "x" : null);
        assertEquals(Set.of("x"), renamed.entries().keySet());
        kept = renamed.entries().get("x");
        assertEquals(Shape.of(1), kept.shape());
      }
    }
    assertThrows(IllegalStateException.class, () -> kept.data().get(ValueLayout.JAVA_BYTE, 0));
  }

  /** As transformers and diffusers have called them, and as people do. */
  @ParameterizedTest
  @CsvSource({
    "model, model.bin, to use model.bin rename it to pytorch_model.bin",
    "model, model.pth, to use model.pth rename it to pytorch_model.bin",
    "model, pytorch_model.ema.bin, to use pytorch_model.ema.bin rename it to pytorch_model.bin",
    "model, pytorch_model-00001-of-00002.bin, "
        + "pytorch_model-00001-of-00002.bin is one of several whose index is missing",
    "model, model-00002-of-00002.safetensors, "
        + "model-00002-of-00002.safetensors is one of several whose index is missing",
    "diffusion_pytorch_model, diffusion_pytorch_model.non_ema.bin, "
        + "to use diffusion_pytorch_model.non_ema.bin rename it to diffusion_pytorch_model.bin",
  })
  void filesOfOtherNamesAreNamed(String stem, String name, String remedy) throws IOException {
    Files.write(folder.resolve("models.bin"), new byte[] {1}); // something else
    WeightsException e = assertThrows(WeightsException.class, () -> StateDict.open(folder, stem));
    assertTrue(e.getMessage().endsWith(" and no .bin"), e.getMessage());
    Files.write(folder.resolve(name), new byte[] {1});
    e = assertThrows(WeightsException.class, () -> StateDict.open(folder, stem));
    assertTrue(e.getMessage().contains("; " + remedy), e.getMessage());
  }

  /** As the hub's client, browsers and download managers leave them. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "model.safetensors.part",
        "5b1a_2c.incomplete",
        "Unconfirmed 12.crdownload",
        "model.safetensors.aria2"
      })
  void downloadsThatHaveNotEndedAreNamed(String name) throws IOException {
    Files.write(folder.resolve(name), new byte[] {1});
    WeightsException e =
        assertThrows(WeightsException.class, () -> StateDict.open(folder, "model"));
    assertTrue(
        e.getMessage().contains("; " + name + " is a download that has not ended"), e.getMessage());
  }

  @Test
  void namesAreMapped() throws IOException {
    try (Scope _ = Scope.open()) {
      Path file =
          written(
              "m.safetensors",
              Map.of("vit.a", counting(Shape.of(1)), "head.a", counting(Shape.of(2))));
      try (StateDict dict = StateDict.open(file)) {
        StateDict vit = dict.under("vit.");
        assertEquals(Set.of("a"), vit.entries().keySet());
        assertEquals(Shape.of(1), vit.entries().get("a").shape());
        WeightsException e =
            assertThrows(WeightsException.class, () -> dict.rename(name -> "same"));
        assertTrue(e.getMessage().endsWith("are both same"), e.getMessage());
      }
    }
  }
}
