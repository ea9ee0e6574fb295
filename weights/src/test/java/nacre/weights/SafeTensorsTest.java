package nacre.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Reading and writing whole files, against one that the format's own library wrote. */
class SafeTensorsTest {
  private static final Device CPU = Device.cpu();

  @TempDir Path folder;

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  static Path reference() {
    try {
      return Path.of(SafeTensorsTest.class.getResource("/reference.safetensors").toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private static float[] floats(SafeTensors file, String name) throws WeightsException {
    return file.entry(name).toTensor(CPU, DType.F32, Layout.SAME).toFloats();
  }

  /** A zip file's file system maps nothing, as some over a network do not. */
  @Test
  void aFileThatCannotBeMappedIsRead() throws IOException {
    Path zip = folder.resolve("files.zip");
    Path tensors = folder.resolve("large.safetensors");
    try (Scope _ = Scope.open()) {
      float[] values = new float[(1 << 22) + 3]; // more than is read at a time
      values[values.length - 1] = 2;
      new SafeTensorsWriter()
          .add("values", Tensor.of(CPU, Shape.of(values.length), values), Layout.SAME)
          .write(tensors);
    }
    try (FileSystem files = FileSystems.newFileSystem(zip, Map.of("create", "true"))) {
      Path inside = files.getPath("reference.safetensors");
      Files.copy(reference(), inside);
      Path larger = files.getPath("large.safetensors");
      Files.copy(tensors, larger);
      try (Scope _ = Scope.open();
          SafeTensors mapped = SafeTensors.open(reference());
          SafeTensors read = SafeTensors.open(inside);
          SafeTensors longer = SafeTensors.open(larger)) {
        assertEquals(mapped.entries().keySet(), read.entries().keySet());
        for (String name : List.of("conv.bias", "half", "brain")) {
          assertArrayEquals(floats(mapped, name), floats(read, name));
        }
        float[] last = floats(longer, "values");
        assertEquals(2, last[last.length - 1]);
        assertEquals(0, last[last.length - 2]);
      }
    }
  }

  @Test
  void readsEveryTypeOfTheReferenceFile() throws IOException {
    try (Scope _ = Scope.open();
        SafeTensors file = SafeTensors.open(reference())) {
      assertEquals(Map.of("format", "pt"), file.metadata());
      assertEquals(14, file.entries().size());
      assertArrayEquals(new float[] {0.5f, -1.25f}, floats(file, "conv.bias"));
      assertArrayEquals(new float[] {0, 0.25f, 0.5f, 0.75f, 1, 1.25f}, floats(file, "half"));
      assertArrayEquals(
          new float[] {0, 0.125f, 0.25f, 0.375f, 0.5f, 0.625f}, floats(file, "brain"));
      assertArrayEquals(new float[] {1 / 3f, Float.NEGATIVE_INFINITY}, floats(file, "double"));
      assertArrayEquals(new float[] {-0x1p40f, 7}, floats(file, "long"));
      assertArrayEquals(new float[] {-300, 300}, floats(file, "short"));
      assertArrayEquals(new float[] {-3, 3}, floats(file, "signed"));
      assertArrayEquals(new float[] {0, 255, 3}, floats(file, "byte"));
      assertArrayEquals(new float[] {1, 0}, floats(file, "truth"));
      assertArrayEquals(new float[] {42}, floats(file, "scalar"));
      assertEquals(Shape.of(), file.entry("scalar").shape());
      assertEquals(Shape.of(0, 3), file.entry("nothing").shape());
      assertArrayEquals(new float[] {1}, floats(file, "odd \"name\" \\ ✓"));
    }
  }

  @Test
  void bringsConvolutionWeightsIntoTheEnginesLayout() throws IOException {
    try (Scope _ = Scope.open();
        SafeTensors file = SafeTensors.open(reference())) {
      SafeTensors.Entry entry = file.entry("conv.weight");
      for (DType dtype : List.of(DType.F32, DType.F16)) {
        Tensor weight = entry.toTensor(CPU, dtype, Layout.ofParameter(entry.shape()));
        assertEquals(Shape.of(2, 4, 5, 3), weight.shape());
        float[] values = weight.toFloats();
        for (int o = 0; o < 2; o++) {
          for (int y = 0; y < 4; y++) {
            for (int x = 0; x < 5; x++) {
              for (int i = 0; i < 3; i++) {
                assertEquals(((o * 3 + i) * 4 + y) * 5 + x, values[((o * 4 + y) * 5 + x) * 3 + i]);
              }
            }
          }
        }
      }
    }
  }

  @Test
  void writesWhatItReadInTheSameOrder() throws IOException {
    Path types = folder.resolve("types.safetensors");
    try (Scope _ = Scope.open();
        SafeTensors file = SafeTensors.open(reference())) {
      SafeTensorsWriter writer = new SafeTensorsWriter();
      for (SafeTensors.Entry entry : file.entries().values()) {
        if (entry.type().same().isPresent() && entry.type() != StoredType.BOOL) {
          Layout layout = Layout.ofParameter(entry.shape());
          DType dtype = entry.type().same().get();
          writer.add(entry.name(), entry.toTensor(CPU, dtype, layout), layout);
        }
      }
      writer.write(types);
    }
    try (SafeTensors theirs = SafeTensors.open(reference());
        SafeTensors ours = SafeTensors.open(types)) {
      List<String> kept =
          theirs.entries().keySet().stream().filter(ours.entries()::containsKey).toList();
      assertEquals(10, kept.size());
      assertEquals(kept, List.copyOf(ours.entries().keySet()), "order of the tensors");
      for (String name : kept) {
        assertEquals(theirs.entry(name).type(), ours.entry(name).type());
        assertEquals(theirs.entry(name).shape(), ours.entry(name).shape());
        assertEquals(-1, theirs.entry(name).data().mismatch(ours.entry(name).data()), name);
      }
    }
  }

  /** Another tensor's values fill the memory that the writer's copy is likely to get. */
  @Test
  void writesConvolutionWeightsInTheFilesLayout() throws IOException {
    Path path = folder.resolve("conv.safetensors");
    try (Scope _ = Scope.open()) {
      Tensor weight = Tensor.of(CPU, Shape.of(1, 1, 2, 3), 1, 2, 3, 4, 5, 6); // [O, KH, KW, I]
      Tensor.of(CPU, Shape.of(6), 9, 9, 9, 9, 9, 9).close();
      new SafeTensorsWriter().add("w", weight, Layout.ofParameter(weight.shape())).write(path);
      try (SafeTensors file = SafeTensors.open(path)) {
        assertEquals(Shape.of(1, 3, 1, 2), file.entry("w").shape());
        assertArrayEquals(new float[] {1, 4, 2, 5, 3, 6}, floats(file, "w"));
      }
    }
  }

  /** A mapped file cannot be read once it is closed; nothing may keep it open. */
  @Test
  void closingEndsTheMapping() throws IOException {
    Path copy = folder.resolve("copy.safetensors");
    Files.copy(reference(), copy);
    SafeTensors file = SafeTensors.open(copy);
    assertEquals(copy, file.path());
    SafeTensors.Entry entry = file.entry("scalar");
    assertTrue(entry.data().byteSize() > 0);
    file.close();
    assertThrows(IllegalStateException.class, () -> entry.data().get(ValueLayout.JAVA_BYTE, 0));
  }

  @Test
  void whatCannotBeConvertedLeavesNoTensor() throws IOException {
    Path path = folder.resolve("complex.safetensors");
    String header = "{\"c\":{\"dtype\":\"C64\",\"shape\":[1],\"data_offsets\":[0,8]}}";
    byte[] text = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes = ByteBuffer.allocate(16 + text.length).order(ByteOrder.LITTLE_ENDIAN);
    Files.write(path, bytes.putLong(text.length).put(text).array());
    try (Scope _ = Scope.open();
        SafeTensors file = SafeTensors.open(path)) {
      assertThrows(
          WeightsException.class, () -> file.entry("c").toTensor(CPU, DType.F32, Layout.SAME));
      assertEquals(0, Memory.liveTensors());
    }
  }

  @Test
  void writesThePythonLibrarysFileToTheByte() throws IOException {
    Path file = folder.resolve("tiny.safetensors");
    try (Scope _ = Scope.open()) {
      new SafeTensorsWriter()
          .add("b", Tensor.of(CPU, Shape.of(1, 2), 1, 2), Layout.SAME)
          .add("a", Tensor.of(CPU, Shape.of(1), 3), Layout.SAME)
          .write(file);
    }
    // safetensors.torch.save({"b": tensor([[1., 2.]]), "a": tensor([3.])}, {"format": "pt"})
    String header =
        "{\"__metadata__\":{\"format\":\"pt\"},"
            + "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
            + "\"b\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[4,12]}}   ";
    ByteBuffer expected = ByteBuffer.allocate(8 + 144 + 12).order(ByteOrder.LITTLE_ENDIAN);
    expected.putLong(144).put(header.getBytes(StandardCharsets.UTF_8));
    expected.putFloat(3).putFloat(1).putFloat(2);
    assertArrayEquals(expected.array(), Files.readAllBytes(file));
  }

  /** The format requires no alignment: after one odd byte everything is unaligned. */
  @Test
  void tensorsNeedNotBeAligned() throws IOException {
    String[] types = {"F64", "F32", "BF16", "F16", "I64", "I32", "I16", "U16"};
    for (String type : types) {
      int width = StoredType.valueOf(type).bytes();
      String header =
          "{\"o\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"x\":{\"dtype\":\"%s\",\"shape\":[2],\"data_offsets\":[1,%d]}}"
              .formatted(type, 1 + 2 * width);
      for (String blanks : List.of("", " ")) {
        Path file = folder.resolve(type + blanks.length());
        byte[] text = (header + blanks).getBytes(StandardCharsets.UTF_8);
        ByteBuffer bytes = ByteBuffer.wrap(HeaderFile.bytes(text, 1 + 2 * width));
        bytes.order(ByteOrder.LITTLE_ENDIAN).position(8 + text.length + 1);
        for (int value : new int[] {2, 1}) {
          switch (type) {
            case "F64" -> bytes.putDouble(value);
            case "F32" -> bytes.putFloat(value);
            case "BF16" -> bytes.putShort((short) (Float.floatToIntBits(value) >>> 16));
            case "F16" -> bytes.putShort(Float.floatToFloat16(value));
            case "I64" -> bytes.putLong(value);
            case "I32" -> bytes.putInt(value);
            default -> bytes.putShort((short) value);
          }
        }
        Files.write(file, bytes.array());
        try (Scope _ = Scope.open();
            SafeTensors open = SafeTensors.open(file)) {
          assertArrayEquals(new float[] {2, 1}, floats(open, "x"), type);
        }
      }
    }
  }

  @Test
  void aFileThatHoldsNothingIsAFile() throws IOException {
    Path empty = folder.resolve("empty.safetensors");
    new SafeTensorsWriter().metadata("step", "7").write(empty);
    try (SafeTensors file = SafeTensors.open(empty)) {
      assertEquals(Map.of("format", "pt", "step", "7"), file.metadata());
      assertTrue(file.entries().isEmpty());
      WeightsException e = assertThrows(WeightsException.class, () -> file.entry("w"));
      assertEquals(empty + ": has no tensor w", e.getMessage());
    }
  }

  @Test
  void refusesToWriteANameTwice() {
    try (Scope _ = Scope.open()) {
      Tensor x = Tensor.zeros(CPU, DType.F32, Shape.of(1));
      SafeTensorsWriter writer = new SafeTensorsWriter().add("x", x, Layout.SAME);
      assertThrows(IllegalArgumentException.class, () -> writer.add("x", x, Layout.SAME));
      assertThrows(
          IllegalArgumentException.class, () -> writer.add("__metadata__", x, Layout.SAME));
    }
  }

  @Test
  void namesWhatCannotBeConverted() throws IOException {
    Path file = folder.resolve("c.safetensors");
    HeaderFile.write(file, "{\"z\":{\"dtype\":\"C64\",\"shape\":[1],\"data_offsets\":[0,8]}}", 8);
    try (Scope _ = Scope.open();
        SafeTensors open = SafeTensors.open(file)) {
      WeightsException e =
          assertThrows(
              WeightsException.class, () -> open.entry("z").toTensor(CPU, DType.F32, Layout.SAME));
      assertEquals(file + ": tensor z: dtype C64 cannot be converted", e.getMessage());
    }
  }
}
