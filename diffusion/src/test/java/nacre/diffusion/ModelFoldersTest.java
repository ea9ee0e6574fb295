package nacre.diffusion;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelFoldersTest {
  @TempDir Path folder;

  private Path write(String name, String text) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.writeString(file, text);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"StableDiffusionPipeline\" | true | false",
        "\"LatentConsistencyModelPipeline\" | true | true",
        "[\"mine.py\", \"MyPipeline\"] | true | false",
        "\"NeuralAssets\" | false | false",
        "null | false | false",
      })
  void anIndexNamesAPipeline(String name, boolean is, boolean consistent) throws IOException {
    write("model_index.json", "{\"_class_name\": %s}".formatted(name));
    assertEquals(is, StableDiffusion.is(folder));
    assertEquals(consistent, ModelFolders.isLatentConsistency(folder));
  }

  @Test
  void withoutAnIndexPartsAreRecognized() throws IOException {
    assertEquals(false, StableDiffusion.is(folder));
    assertEquals(false, ModelFolders.isLatentConsistency(folder));
    assertEquals(false, StableDiffusion.is(folder.resolve("missing")));
    assertEquals(true, StableDiffusion.is(write("vae/model.safetensors", "")));
    assertEquals(false, StableDiffusion.is(folder.resolve("vae")));
    write("unet/config.json", "{}");
    assertEquals(true, StableDiffusion.is(folder));
    assertEquals(true, StableDiffusion.is(folder.resolve("vae")));
    // A run of Nacre's own has a UNet, too.
    write("preset.json", "{}");
    assertEquals(false, StableDiffusion.is(folder));
    assertEquals(false, StableDiffusion.is(folder.resolve("vae")));
  }
}
