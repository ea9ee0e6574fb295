package nacre.diffusion.checkpoint;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import nacre.diffusion.lora.Lora;
import nacre.diffusion.lora.LoraMerge;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.weights.Layout;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.WeightsException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** LoRAs of every layer of the published models, under the names that kohya's scripts make. */
class PublishedLorasTest {
  private static final String WEIGHT = ".weight";

  @TempDir Path folder;

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  @ParameterizedTest
  @EnumSource(names = {"SD_1_5", "SD_2_1_BASE"})
  void everyLayerIsFoundUnderAllItsNames(Family family) throws IOException {
    Checkpoint model = model(family);
    assertFits(model, lora(family, row -> "lora_unet_" + flat(row.names().getFirst()), "lora_te_"));
    assertFits(
        model,
        lora(
            family,
            row -> "lora_unet_" + flat(row.original().substring(OriginalNames.UNET.length())),
            "lora_te_"));
  }

  @Test
  void oneOfAnotherVersionIsRefusedWithBothShapes() throws IOException {
    Lora other =
        lora(Family.SD_2_1_BASE, row -> "lora_unet_" + flat(row.names().getFirst()), "lora_te_");
    WeightsException e =
        assertThrows(
            WeightsException.class, () -> LoraMerge.of(model(Family.SD_1_5), List.of(other)));
    assertTrue(
        e.getMessage()
            .contains(
                "lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight is [1, 1024],"
                    + " [1, 768] is wanted for encoder.layers.0.mlp.fc1 [3072, 768]"),
        e.getMessage());
    assertTrue(e.getMessage().contains("66 layers that the model has not, such as"));
    assertTrue(e.getMessage().contains("104 not fitting, such as"), e.getMessage());
    assertTrue(e.getMessage().length() < 1500, e.getMessage());
  }

  private static void assertFits(Checkpoint model, Lora lora) {
    assertDoesNotThrow(() -> LoraMerge.of(model, List.of(lora)));
  }

  private Checkpoint model(Family family) throws IOException {
    Path file = folder.resolve(family + ".safetensors");
    if (!file.toFile().exists()) {
      HollowFile.write(file, Manifest.of(family).original());
    }
    return SingleFile.open(file, new ModelHints(Optional.of(family), Optional.empty()));
  }

  private static String flat(String name) {
    return name.substring(0, name.length() - WEIGHT.length()).replace('.', '_');
  }

  /** A LoRA of rank 1 for every linear layer and convolution. */
  private Lora lora(Family family, Function<Manifest.Row, String> unet, String text)
      throws IOException {
    Path file = folder.resolve("lora.safetensors");
    Manifest manifest = Manifest.of(family);
    SafeTensorsWriter writer = new SafeTensorsWriter();
    int layers = 0;
    try (Scope _ = Scope.open()) {
      for (Manifest.Row row : manifest.rows().get(Component.UNET)) {
        if (row.original().endsWith(WEIGHT) && row.shape().rank() > 1) {
          add(writer, unet.apply(row), row.shape());
          layers++;
        }
      }
      for (Manifest.Row row : manifest.rows().get(Component.TEXT_ENCODER)) {
        for (String name : row.names()) {
          boolean linear = name.endsWith(WEIGHT) && row.partShape().rank() > 1;
          if (linear && !name.contains("embeddings")) {
            add(writer, text + flat(name), row.partShape());
            layers++;
          }
        }
      }
      writer.write(file);
    }
    assertEquals(family == Family.SD_1_5 ? 282 + 12 * 6 : 282 + 23 * 6, layers);
    return new Lora(file);
  }

  private static void add(SafeTensorsWriter writer, String name, Shape weight) {
    int[] down = weight.toArray();
    int[] up = weight.toArray();
    down[0] = 1;
    up[1] = 1;
    for (int axis = 2; axis < up.length; axis++) {
      up[axis] = 1;
    }
    writer.add(name + ".lora_down.weight", zeros(down), Layout.SAME);
    writer.add(name + ".lora_up.weight", zeros(up), Layout.SAME);
  }

  private static Tensor zeros(int[] dims) {
    return Tensor.zeros(Device.cpu(), DType.F32, Shape.of(dims));
  }
}
