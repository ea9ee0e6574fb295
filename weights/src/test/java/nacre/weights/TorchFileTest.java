package nacre.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that PyTorch wrote, compared with what it reads from them itself. */
class TorchFileTest {
  @TempDir Path folder;

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  static Path file(String name) {
    try {
      return Path.of(TorchFileTest.class.getResource("/torch/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private static float[] floats(StateDict dict, String name) throws WeightsException {
    try (Scope _ = Scope.open()) {
      return dict.entries().get(name).toTensor(Device.cpu(), DType.F32, Layout.SAME).toFloats();
    }
  }

  @ParameterizedTest
  @CsvSource({"types.pth, 38", "types-legacy.pth, 32", "big-endian.pth, 32"})
  void everyTensorIsWhatTorchLoads(String name, int count) throws IOException {
    try (StateDict dict = StateDict.open(file(name));
        SafeTensors expected = SafeTensors.open(file("expected.safetensors"))) {
      assertEquals(count, dict.entries().size());
      for (SafeTensors.Entry entry : dict.entries().values()) {
        SafeTensors.Entry wanted = expected.entry(entry.name());
        assertEquals(wanted.type(), entry.type(), entry.name());
        assertEquals(wanted.shape(), entry.shape(), entry.name());
        assertEquals(wanted.bytes(), entry.bytes(), entry.name());
        assertEquals(-1, wanted.data().mismatch(entry.data()), entry.name());
      }
      Set<String> missing = new HashSet<>(expected.entries().keySet());
      missing.removeAll(dict.entries().keySet());
      if (count < 38) {
        assertEquals(
            Set.of(
                "type.f8_e4m3", "type.f8_e5m2", "type.f8_e8m0", "type.u16", "type.u32", "type.u64"),
            missing);
      }
    }
  }

  @Test
  void runsOfATransposedTensorAreThoseOfTheWhole() throws IOException {
    try (StateDict dict = StateDict.open(file("big-endian.pth"))) {
      for (String name : List.of("transposed", "every second", "channels last", "expanded")) {
        SafeTensors.Entry entry = dict.entries().get(name);
        byte[] all = entry.data().toArray(ValueLayout.JAVA_BYTE);
        for (int from = 0; from < entry.shape().elements(); from++) {
          for (int count = 0; count <= entry.shape().elements() - from; count++) {
            MemorySegment run = entry.run(from, count).data();
            assertEquals(4L * count, run.byteSize());
            assertEquals(
                -1, run.mismatch(MemorySegment.ofArray(all).asSlice(4L * from, 4L * count)), name);
          }
        }
        int half = entry.shape().dim(0) % 2;
        if (half == 0) {
          byte[] second = entry.part(1, 2).data().toArray(ValueLayout.JAVA_BYTE);
          assertEquals(
              -1, MemorySegment.ofArray(second).mismatch(entry.data().asSlice(all.length / 2)));
        }
      }
    }
  }

  @Test
  void aTensorThatLiesInOrderIsNotCopied() throws IOException {
    try (StateDict dict = StateDict.open(file("types.pth"))) {
      assertTrue(dict.entries().get("base").data().isReadOnly());
      assertEquals(
          dict.entries().get("base").data().address() + 80,
          dict.entries().get("from within").data().address());
      assertEquals(
          dict.entries().get("tied.a").data().address(),
          dict.entries().get("tied.b").data().address());
      assertFalse(dict.entries().get("transposed").data().isReadOnly());
    }
  }

  @Test
  void afterItIsClosedNothingIsRead() throws IOException {
    StateDict dict = StateDict.open(file("types.pth"));
    SafeTensors.Entry dense = dict.entries().get("base");
    SafeTensors.Entry transposed = dict.entries().get("transposed");
    dict.close();
    assertThrows(IllegalStateException.class, () -> dense.data().get(ValueLayout.JAVA_BYTE, 0));
    assertThrows(IllegalStateException.class, transposed::data);
  }

  @Test
  void convertedItIsTheSafetensorsFileOfTheSameTensors() throws IOException {
    for (String name : List.of("types.pth", "big-endian.pth", "types-legacy.pth")) {
      Path out = folder.resolve(name + ".safetensors");
      new Conversion(Optional.empty()).file(file(name), out);
      try (SafeTensors written = SafeTensors.open(out);
          SafeTensors expected = SafeTensors.open(file("expected.safetensors"))) {
        assertEquals(name.equals("types.pth") ? 38 : 32, written.entries().size());
        for (SafeTensors.Entry entry : written.entries().values()) {
          SafeTensors.Entry wanted = expected.entry(entry.name());
          assertEquals(wanted.shape(), entry.shape());
          assertEquals(-1, wanted.data().mismatch(entry.data()), entry.name());
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"lightning.ckpt", "lightning-legacy.ckpt"})
  void ofATrainingCheckpointTheModelIsTaken(String name) throws IOException {
    try (StateDict dict = StateDict.open(file(name))) {
      assertEquals(Optional.of("state_dict"), dict.taken());
      assertEquals(List.of("model_ema", "callbacks", "optimizer_states"), dict.leftOut());
      assertEquals(
          List.of(
              "0.weight",
              "0.bias",
              "1.weight",
              "1.bias",
              "1.running_mean",
              "1.running_var",
              "1.num_batches_tracked"),
          List.copyOf(dict.entries().keySet()));
      assertEquals(Shape.of(3, 2), dict.entries().get("0.weight").shape());
      assertEquals(Shape.of(), dict.entries().get("1.num_batches_tracked").shape());
      assertEquals(StoredType.I64, dict.entries().get("1.num_batches_tracked").type());
    }
    try (StateDict model = StateDict.open(file(name));
        StateDict average = StateDict.openKey(file(name), Optional.of("model_ema"))) {
      assertEquals(Optional.of("model_ema"), average.taken());
      float[] weights = floats(model, "0.weight");
      for (int i = 0; i < weights.length; i++) {
        weights[i] += 1;
      }
      assertArrayEquals(weights, floats(average, "0.weight"));
    }
  }

  @Test
  void everyDictionaryCanBeChosen() throws IOException {
    Path file = file("lightning.ckpt");
    try (StateDict state = StateDict.openKey(file, Optional.of("optimizer_states"))) {
      assertTrue(state.entries().containsKey("0.state.0.exp_avg"), state.entries().keySet() + "");
      assertEquals(Shape.of(3, 2), state.entries().get("0.state.0.exp_avg").shape());
    }
    try (StateDict deep = StateDict.openKey(file, Optional.of("optimizer_states.0.state.1"))) {
      assertEquals(Set.of("step", "exp_avg", "exp_avg_sq"), deep.entries().keySet());
    }
    try (StateDict one = StateDict.openKey(file, Optional.of("state_dict.0.weight"))) {
      assertEquals(Set.of("tensor"), one.entries().keySet());
    }
    WeightsException e =
        assertThrows(
            WeightsException.class, () -> StateDict.openKey(file, Optional.of("stat_dict")));
    assertEquals(
        file
            + ": has no tensors under stat_dict; it has some under state_dict, model_ema,"
            + " callbacks, optimizer_states",
        e.getMessage());
    Path safe = file("expected.safetensors");
    e = assertThrows(WeightsException.class, () -> StateDict.openKey(safe, Optional.of("model")));
    assertTrue(e.getMessage().contains("has no dictionaries to choose from"), e.getMessage());
  }

  /** Subclasses of dictionaries and lists, and attributes; a configuration in a circle is none. */
  @Test
  void noTensorIsLeftOutForWhatHoldsIt() throws IOException {
    try (StateDict dict = StateDict.open(file("holders.pt"))) {
      assertEquals(
          List.of("user.w", "attributes.w", "space.w", "queue.0", "list.0"),
          List.copyOf(dict.entries().keySet()));
      int length = 0;
      for (SafeTensors.Entry entry : dict.entries().values()) {
        assertEquals(Shape.of(++length), entry.shape(), entry.name());
      }
      assertArrayEquals(new float[] {1}, floats(dict, "user.w"));
    }
    try (StateDict dict = StateDict.openKey(file("holders.pt"), Optional.of("space"))) {
      assertEquals(Set.of("w"), dict.entries().keySet());
      assertArrayEquals(new float[] {3, 3, 3}, floats(dict, "w"));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5})
  void everyProtocolIsRead(int protocol) throws IOException {
    for (String ending : List.of(".pt", "-legacy.pt")) {
      try (StateDict dict = StateDict.open(file("protocol-" + protocol + ending))) {
        assertEquals(Optional.of("model"), dict.taken());
        assertEquals(List.of(), dict.leftOut());
        assertEquals(Set.of("w", "b.deep"), dict.entries().keySet());
        assertArrayEquals(new float[] {0, 1, 2}, floats(dict, "w"));
        assertArrayEquals(new float[] {1}, floats(dict, "b.deep"));
      }
    }
  }

  /** Protocol 0 writes a storage as a text, from which PyTorch cannot find it again either. */
  @Test
  void protocol0HasNoStorages() {
    for (String name : List.of("protocol-0.pt", "protocol-0-legacy.pt")) {
      WeightsException e = assertThrows(WeightsException.class, () -> StateDict.open(file(name)));
      assertTrue(e.getMessage().contains("by a text, as protocol 0 does"), e.getMessage());
    }
  }

  @Test
  void smallFilesOfOtherShapesAreRead() throws IOException {
    try (StateDict dict = StateDict.open(file("inversion.pt"))) {
      assertEquals(Optional.of("string_to_param"), dict.taken());
      assertEquals(Set.of("*"), dict.entries().keySet());
      assertArrayEquals(new float[] {0, 1, 2, 3, 4, 5, 6, 7}, floats(dict, "*"));
    }
    try (StateDict dict = StateDict.open(file("learned_embeds.bin"))) {
      assertEquals(Set.of("<fox>"), dict.entries().keySet());
    }
    try (StateDict dict = StateDict.open(file("tensor.pt"))) {
      assertArrayEquals(new float[] {0, 1, 2}, floats(dict, "tensor"));
    }
    try (StateDict dict = StateDict.open(file("list.pt"))) {
      assertEquals(Set.of("0", "1.a"), dict.entries().keySet());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "module.pt; torch.nn.modules.container.Sequential, which is refused: whole modules are not",
        "script.pt; is a program of TorchScript, which is not read: save its state_dict()",
        "complex.pt; torch.ComplexFloatStorage, which is refused: complex numbers are not read",
        "complex-half.pt; torch.complex32, which is refused: complex numbers are not read",
        "sparse.pt; _rebuild_sparse_tensor, which is refused: sparse tensors are not read",
        "meta.pt; _rebuild_meta_tensor_no_storage, which is refused: tensors without content",
        "quantized.pt; torch._utils._rebuild_qtensor, which is refused: quantized tensors",
        "nested.pt; torch._utils._rebuild_nested_tensor, which is refused: nested tensors",
        "fnuz.pt; torch.float8_e4m3fnuz, which is refused: 8-bit numbers of this kind",
      })
  void tensorsOfOtherKindsAreRefusedByName(String name, String message) {
    WeightsException e = assertThrows(WeightsException.class, () -> StateDict.open(file(name)));
    assertTrue(e.getMessage().contains(message), e.getMessage());
    assertFalse(e.getMessage().contains("\n"), e.getMessage());
  }

  @Test
  void aFolderOfPyTorchFilesIsReadUnlessThereAreSafetensors() throws IOException {
    Files.copy(file("protocol-2.pt"), folder.resolve("pytorch_model.bin"));
    try (StateDict dict = StateDict.open(folder, "model")) {
      assertEquals(Set.of("w", "b.deep"), dict.entries().keySet());
    }
    Files.copy(file("types.pth"), folder.resolve("diffusion_pytorch_model.fp16.bin"));
    try (StateDict dict = StateDict.open(folder, "diffusion_pytorch_model")) {
      assertEquals(38, dict.entries().size());
    }
    Files.copy(SafeTensorsTest.reference(), folder.resolve("model.fp16.safetensors"));
    try (StateDict dict = StateDict.open(folder, "model")) {
      assertTrue(dict.entries().containsKey("conv.weight"));
    }
  }

  @Test
  void shardsOfPyTorchAreReadByTheirIndex() throws IOException {
    Files.copy(file("learned_embeds.bin"), folder.resolve("pytorch_model-00001-of-00002.bin"));
    Files.copy(file("protocol-4.pt"), folder.resolve("pytorch_model-00002-of-00002.bin"));
    Files.writeString(
        folder.resolve("pytorch_model.bin.index.json"),
        """
        {"weight_map": {"<fox>": "pytorch_model-00001-of-00002.bin",
                        "w": "pytorch_model-00002-of-00002.bin"}}
        """);
    try (StateDict dict = StateDict.open(folder, "model")) {
      assertEquals(Set.of("<fox>", "w"), dict.entries().keySet());
      assertArrayEquals(new float[] {0, 1, 2}, floats(dict, "w"));
    }
  }

  @Test
  void theNameOfAFileSaysNothingOfItsFormat() throws IOException {
    Path file = Files.copy(file("protocol-2.pt"), folder.resolve("model.safetensors"));
    try (StateDict dict = StateDict.open(file)) {
      assertEquals(Set.of("w", "b.deep"), dict.entries().keySet());
    }
    Path other = Files.copy(SafeTensorsTest.reference(), folder.resolve("model.ckpt"));
    try (StateDict dict = StateDict.open(other)) {
      assertTrue(dict.entries().containsKey("conv.weight"));
    }
  }
}
