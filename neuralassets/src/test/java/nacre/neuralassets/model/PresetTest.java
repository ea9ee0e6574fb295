package nacre.neuralassets.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import nacre.diffusion.schedule.PredictionType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PresetTest {
  @TempDir private Path folder;

  @Test
  void allThatComeWithTheProjectAreRead() {
    for (String name : Preset.builtin()) {
      Preset preset = Preset.builtin(name);
      assertEquals(name, preset.name());
      assertTrue(preset.training().learningRate() > 0, name);
    }
  }

  @Test
  void theDemoIsWhatItsFileSays() {
    Preset demo = Preset.builtin("demo");
    assertEquals(64, demo.imageSize());
    assertEquals(16, demo.sampleSize());
    assertEquals(4, demo.sampleChannels());
    assertEquals(Optional.of(PretrainedAutoencoder.SHIPPED), demo.vaeFrom());
    assertEquals(PredictionType.SAMPLE, demo.scheduler().predictionType());
    assertEquals(TrainingConfig.RateSchedule.COSINE, demo.training().rateSchedule());
    assertEquals(95, demo.assetTokens().poseFeatures().width());
  }

  @Test
  void filesAreReadAsTheyAre() throws IOException {
    String json = Preset.builtin("tiny").json().replace("\"fold\": 2", "\"fold\":  2");
    Path file = Files.writeString(folder.resolve("mine.json"), json);
    Preset preset = Preset.read(file);
    assertEquals(json, preset.json());
    assertFalse(preset.json().equals(Preset.builtin("tiny").json()));
  }

  /** A place of another model is one from the file's folder, whatever the command's own folder. */
  @ParameterizedTest
  @CsvSource({"base", "vae_from", "image_encoder_from"})
  void relativePlacesStartAtTheFileAndAreKeptAbsolute(String key) throws IOException {
    String name = key.substring(0, 3);
    Path presets = Files.createDirectories(folder.resolve("presets"));
    Path file = presets.resolve("mine.json");
    for (String place : List.of("../models/" + name, folder + "/models/" + name)) {
      String entry = "{\"%s\": \"%s\",".formatted(key, place);
      String json = TinyLatent.preset().json().replaceFirst("\\{", entry);
      Files.writeString(file, json);
      Preset preset = Preset.read(file);
      Path wanted = folder.resolve("models").resolve(name);
      Optional<Path> read =
          switch (key) {
            case "base" -> preset.base().map(PretrainedBase.Location::path);
            case "vae_from" -> preset.vaeFrom().map(Path::of);
            default -> preset.imageEncoderFrom();
          };
      assertEquals(Optional.of(wanted), read);
      assertEquals(preset, Preset.of(file.toString(), preset.json()));
      assertEquals(place.startsWith(".."), !preset.json().equals(json));
    }
  }

  @Test
  void theShippedAutoencoderIsNoPath() throws IOException {
    String demo = Preset.builtin("demo").json();
    Preset preset = Preset.read(Files.writeString(folder.resolve("mine.json"), demo));
    assertEquals(Optional.of(PretrainedAutoencoder.SHIPPED), preset.vaeFrom());
  }

  @Test
  void aPresetHasWhatItDoesNotSayFromTheOneItExtends() throws IOException {
    Files.writeString(
        folder.resolve("one.json"),
        "{\"extends\": \"demo\", \"training\": {\"batch_size\": 3}, \"vae_from\": null, \"fold\":"
            + " 4, \"unet\": {\"in_channels\": 52, \"out_channels\": 48}}");
    Path file = folder.resolve("two.json");
    Files.writeString(file, "{\"extends\": \"one.json\", \"training\": {\"weight_decay\": 0.5}}");
    Preset two = Preset.read(file);
    Preset demo = Preset.builtin("demo");
    assertEquals(3, two.training().batchSize());
    assertEquals(0.5, two.training().weightDecay());
    assertEquals(demo.training().learningRate(), two.training().learningRate());
    assertEquals(demo.imageEncoder(), two.imageEncoder());
    assertTrue(two.vae().isEmpty() && two.vaeFrom().isEmpty());
    assertEquals(48, two.sampleChannels());
    assertEquals(two, Preset.of(two.name(), two.json())); // the text is complete by itself
    assertFalse(PresetFile.named(file.toString()).isOpen());

    Files.writeString(file, "{\"extends\": \"two.json\"}");
    String circle = refused(() -> Preset.read(file));
    assertTrue(circle.contains("extend each other in a circle"), circle);
    Files.writeString(file, "{\"extends\": \"three.json\"}");
    String missing = refused(() -> Preset.read(file));
    assertTrue(missing.contains("three.json"), missing);
    Files.writeString(file, "{\"extends\": 3}");
    String number = refused(() -> Preset.read(file));
    assertTrue(number.contains("must name a preset"), number);
  }

  @Test
  void presetsOfDataSetsTakeTheSizesOfABase() throws IOException {
    for (String name : List.of("paper", "movi-e", "objectron", "waymo", "object")) {
      assertTrue(PresetFile.named(name).isOpen(), name);
    }
    assertFalse(PresetFile.named("movi-e-small").isOpen());
    Path own = folder.resolve("own.json");
    Files.writeString(own, "{\"extends\": \"paper\", \"unet\": {\"layers_per_block\": 1}}");
    assertFalse(PresetFile.named(own.toString()).isOpen());
  }

  @Test
  void unknownNamesAreToldTheKnown() {
    String message = refused(() -> Preset.builtin("dmo"));
    assertTrue(message.contains("'dmo'") && message.contains("demo"), message);
  }

  /** Each a slip in the file of the preset `tiny`, and what the message must name. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"fold\"             | \"flod\"                  | fold is missing",
        "\"fold\": 2          | \"fold\": 2, \"flod\": 2  | flod is not known; known here are",
        "\"roi_size\": 2      | \"roi_size\": \"2\"       | asset_tokens.roi_size must be a whole",
        "\"roi_size\": 2      | \"roi_size\": 0           | asset_tokens.roi_size must be a whole",
        "\"roi_size\": 2      | \"roi_size\": 2, \"image_size\": 18 | multiple of the encoder's"
            + " patch_size",
        "\"fold\": 2          | \"fold\": 2, \"image_encoder_from\": 3 | image_encoder_from must be"
            + " a text",
        "\"training\": {      | \"training\": {\"encoder_learning_rate_factor\": -1, |"
            + " encoder_learning_rate",
        "\"training\": {      | \"training\": {\"gradient_checkpointing\": 1, |"
            + " training.gradient_checkpointing must be true or false",
        "\"learning_rate\":   | \"rate\":                 | training.learning_rate is missing",
        "\"cosine\"           | \"linear\"                | one of constant, cosine",
        "\"norm_eps\"         | \"norm_epsilon\"          | unet.norm_epsilon is not known",
        "\"silu\"             | \"relu\"                  | act_fn",
        "\"hidden_size\": 32  | \"hidden_size\": 33       | hidden_size",
        "\"v_prediction\"     | \"v\"                     | prediction_type",
        "\"derived_box\": true| \"derived_box\": 1        | asset_tokens.derived_box must be true",
        "\"in_channels\": 16  | \"in_channels\": 12       | unet.in_channels",
        "\"image_size\": 16   | \"image_size\": 32        | unet.sample_size",
        "\"beta_end\": 0.012  | \"beta_end\": 12          | beta_end",
        "\"drop_probability\": 0.1 | \"drop_probability\": 2 | training.drop_probability",
      })
  void slipsAreNamed(String right, String wrong, String told) {
    String json = Preset.builtin("tiny").json();
    assertTrue(json.contains(right), right);
    String broken = json.replaceFirst(java.util.regex.Pattern.quote(right), wrong);
    String message = refused(() -> Preset.of("mine", broken));
    assertTrue(message.contains(told), message);
    assertTrue(message.startsWith("preset mine"), message);
    assertEquals(1, message.lines().count(), message);
  }

  @Test
  void brokenFilesAreToldWhere() {
    for (String text :
        List.of("", "[]", "{\"fold\": 2,\n}", "{\"fold\": 2, \"fold\": 1}", "null")) {
      String message = refused(() -> Preset.of("mine", text));
      assertTrue(message.startsWith("preset mine"), message);
      assertEquals(1, message.lines().count(), message);
    }
  }

  private static String refused(Executable task) {
    return assertThrows(IllegalArgumentException.class, task).getMessage();
  }
}
