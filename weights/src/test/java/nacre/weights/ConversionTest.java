package nacre.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConversionTest {
  private static final Conversion AS_IT_IS = new Conversion(Optional.empty());
  private static final Conversion TO_HALF = new Conversion(Optional.of(StoredType.F16));

  @TempDir Path folder;

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  private static float[] floats(SafeTensors file, String name) throws WeightsException {
    try (Scope _ = Scope.open()) {
      return file.entry(name).toTensor(Device.cpu(), DType.F32, Layout.SAME).toFloats();
    }
  }

  @Test
  void aFileIsWrittenAsItWas() throws IOException {
    Path copy = folder.resolve("copy.safetensors");
    AS_IT_IS.file(SafeTensorsTest.reference(), copy);
    try (SafeTensors before = SafeTensors.open(SafeTensorsTest.reference());
        SafeTensors after = SafeTensors.open(copy)) {
      assertEquals(before.metadata(), after.metadata());
      assertEquals(List.copyOf(before.entries().keySet()), List.copyOf(after.entries().keySet()));
      for (SafeTensors.Entry entry : before.entries().values()) {
        SafeTensors.Entry same = after.entry(entry.name());
        assertEquals(entry.type(), same.type());
        assertEquals(entry.shape(), same.shape());
        assertEquals(-1, entry.data().mismatch(same.data()), entry.name());
      }
    }
  }

  @Test
  void theMetadataGoesAlong() throws IOException {
    Path file = folder.resolve("in.safetensors");
    try (Scope _ = Scope.open()) {
      new SafeTensorsWriter()
          .metadata("modelspec.prediction_type", "v")
          .add("a", Tensor.of(Device.cpu(), Shape.of(1), 1), Layout.SAME)
          .write(file);
    }
    Path copy = folder.resolve("out.safetensors");
    AS_IT_IS.file(file, copy);
    try (SafeTensors after = SafeTensors.open(copy)) {
      assertEquals(Map.of("format", "pt", "modelspec.prediction_type", "v"), after.metadata());
    }
  }

  @Test
  void onlyFloatingPointNumbersAreConverted() throws IOException {
    Path half = folder.resolve("half.safetensors");
    TO_HALF.file(SafeTensorsTest.reference(), half);
    try (SafeTensors before = SafeTensors.open(SafeTensorsTest.reference());
        SafeTensors after = SafeTensors.open(half)) {
      for (SafeTensors.Entry entry : before.entries().values()) {
        StoredType type = after.entry(entry.name()).type();
        assertEquals(entry.type().isFloat() ? StoredType.F16 : entry.type(), type, entry.name());
        assertEquals(entry.shape(), after.entry(entry.name()).shape());
      }
      assertArrayEquals(floats(before, "conv.weight"), floats(after, "conv.weight"));
      assertArrayEquals(floats(before, "brain"), floats(after, "brain"));
      assertArrayEquals(floats(before, "long"), floats(after, "long"));
      assertEquals(1 / 3f, floats(after, "double")[0], 1e-4);
    }
  }

  /** More elements than are converted at once, in parts that are concatenated. */
  @Test
  void longTensorsPassInPieces() throws IOException {
    int length = (1 << 22) + 12_345;
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = i % 2039 - 1000;
    }
    Path file = folder.resolve("long.safetensors");
    try (Scope _ = Scope.open()) {
      new SafeTensorsWriter()
          .add("a", Tensor.of(Device.cpu(), Shape.of(length), values), Layout.SAME)
          .add("b", Tensor.of(Device.cpu(), Shape.of(2), -5, 6), Layout.SAME)
          .write(file);
    }
    Path joined = folder.resolve("joined.safetensors");
    try (SafeTensors open = SafeTensors.open(file)) {
      List<SafeTensors.Entry> parts = List.of(open.entry("b"), open.entry("a"));
      new SafeTensorsWriter().add("ba", parts, Shape.of(length + 2), StoredType.BF16).write(joined);
      SafeTensorsWriter wrong =
          new SafeTensorsWriter().add("ba", parts, Shape.of(length), StoredType.F32);
      assertThrows(IllegalArgumentException.class, () -> wrong.write(folder.resolve("wrong")));
      assertFalse(Files.exists(folder.resolve("wrong")));
    }
    try (SafeTensors open = SafeTensors.open(joined);
        Scope _ = Scope.open()) {
      float[] read = floats(open, "ba");
      assertEquals(-5, read[0]);
      assertEquals(6, read[1]);
      Tensor exact = Tensor.empty(Device.cpu(), DType.BF16, Shape.of(length));
      exact.backend().cast(Tensor.of(Device.cpu(), Shape.of(length), values), exact);
      float[] expected = exact.toFloats();
      for (int i = 0; i < length; i++) {
        assertEquals(expected[i], read[i + 2]);
      }
    }
  }

  @Test
  void aFolderKeepsWhatIsNoWeightAndDropsPickles() throws IOException {
    Path in = folder.resolve("in");
    Path vae = Files.createDirectories(in.resolve("vae"));
    Files.writeString(vae.resolve("config.json"), "{\"a\": 1}");
    Files.writeString(vae.resolve("model.bin"), "pickle");
    Files.writeString(in.resolve("README.md"), "about");
    try (Scope _ = Scope.open()) {
      new SafeTensorsWriter()
          .add("w", Tensor.of(Device.cpu(), Shape.of(1), 1), Layout.SAME)
          .write(vae.resolve("model.fp16.safetensors"));
      for (String shard : List.of("unet-00001-of-00002", "unet-00002-of-00002")) {
        new SafeTensorsWriter()
            .add(shard, Tensor.of(Device.cpu(), Shape.of(1), 2), Layout.SAME)
            .write(in.resolve(shard + ".safetensors"));
      }
    }
    Files.writeString(
        in.resolve("unet.safetensors.index.json"),
        "{\"weight_map\": {\"unet-00001-of-00002\": \"unet-00001-of-00002.safetensors\","
            + " \"unet-00002-of-00002\": \"unet-00002-of-00002.safetensors\"}}");
    Path out = folder.resolve("out");
    TO_HALF.folder(in, out);
    Set<String> files = new TreeSet<>();
    try (var walk = Files.walk(out)) {
      walk.filter(Files::isRegularFile).forEach(f -> files.add(out.relativize(f).toString()));
    }
    assertEquals(
        Set.of(
            "README.md",
            "unet.safetensors",
            Path.of("vae", "config.json").toString(),
            Path.of("vae", "model.safetensors").toString()),
        files);
    try (SafeTensors unet = SafeTensors.open(out.resolve("unet.safetensors"))) {
      assertEquals(
          Map.of("unet-00001-of-00002", StoredType.F16, "unet-00002-of-00002", StoredType.F16),
          Map.of(
              "unet-00001-of-00002", unet.entry("unet-00001-of-00002").type(),
              "unet-00002-of-00002", unet.entry("unet-00002-of-00002").type()));
    }
    Files.writeString(in.resolve("vae/model.fp16.safetensors"), "broken");
    Path other = folder.resolve("other");
    IOException e = assertThrows(IOException.class, () -> TO_HALF.folder(in, other));
    assertTrue(e.getMessage().contains("model.fp16.safetensors"), e.getMessage());
    assertFalse(Files.exists(other));
  }
}
