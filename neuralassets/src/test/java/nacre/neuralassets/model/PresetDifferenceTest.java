package nacre.neuralassets.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import nacre.neuralassets.encoder.PretrainedEncoder;
import org.junit.jupiter.api.Test;

/** A preset beside that of a run, which may have taken sections from pretrained models. */
class PresetDifferenceTest {
  private static PresetFile file(Consumer<ObjectNode> change) {
    ObjectNode root = PresetFile.builtin("tiny").root().deepCopy();
    change.accept(root);
    return PresetFile.of("mine", root.toPrettyString());
  }

  private static Optional<String> difference(
      Consumer<ObjectNode> wanted, Consumer<ObjectNode> begun, String... named) {
    TrainingPreset run = Preset.of(file(begun));
    return PresetDifference.of(file(wanted), run, Set.of(named)).map(PresetDifference::describe);
  }

  private static ObjectNode training(ObjectNode root) {
    return (ObjectNode) root.get("training");
  }

  @Test
  void onlyWhatItSaysCounts() {
    assertEquals(Optional.empty(), difference(root -> {}, root -> {}));
    assertEquals(
        Optional.empty(),
        difference(
            root -> training(root).put("weight_decay", 0).putNull("optimizer_state"),
            root -> training(root).put("weight_decay", 0.0)));
    assertEquals(
        Optional.of("training.batch_size is 4, the run began with 2"),
        difference(
            root -> training(root).put("batch_size", 4),
            root -> training(root).put("batch_size", 2)));
    assertEquals(
        Optional.of("training.optimizer_state is nothing, the run began with \"int8\""),
        difference(root -> {}, root -> training(root).put("optimizer_state", "int8")));
    assertEquals(
        Optional.of("base is \"there\", the run began with nothing"),
        difference(root -> root.put("base", "there"), root -> {}));
  }

  @Test
  void anotherKindOfModelIsNamedFirst() {
    assertEquals(
        Optional.of("model is nothing, the run began with \"autoencoder\""),
        PresetDifference.of(file(root -> {}), TinyAutoencoder.preset(), Set.of())
            .map(PresetDifference::describe));
  }

  @Test
  void whatABaseGaveIsNotInTheFile() {
    Consumer<ObjectNode> begun = root -> root.put("base", "there").put("base_family", "sd1");
    assertEquals(
        Optional.empty(),
        difference(root -> root.without(java.util.List.of("unet", "vae", "scheduler")), begun));
    assertEquals(
        Optional.of("base is \"here\", the run began with \"there\""),
        difference(root -> root.put("base", "here").put("base_family", "sd1"), begun));
    assertEquals(
        Optional.of("base_family is nothing, the run began with \"sd1\""),
        difference(root -> root.put("base", "there"), begun));
    assertEquals(Optional.empty(), difference(root -> root.put("base", "here"), begun, "base"));
    assertEquals(
        Optional.of("fold is 4, the run began with 2"),
        difference(root -> root.put("fold", 4), begun));
  }

  @Test
  void whatAnImageEncoderGaveIsNotInTheFile() {
    Consumer<ObjectNode> begun =
        root -> {
          root.put(PretrainedEncoder.FROM, "there");
          ((ObjectNode) root.get("asset_tokens")).putArray("image_mean").add(0.1).add(0.2).add(0.3);
        };
    assertEquals(Optional.empty(), difference(root -> root.remove("image_encoder"), begun));
    assertEquals(
        Optional.of("image_encoder_from is \"here\", the run began with \"there\""),
        difference(root -> root.put(PretrainedEncoder.FROM, "here"), begun));
    assertEquals(
        Optional.empty(),
        difference(
            root -> root.put(PretrainedEncoder.FROM, "here"), begun, PretrainedEncoder.FROM));
  }

  @Test
  void theRankMayBeSaidBeside() {
    Consumer<ObjectNode> begun = root -> root.putObject("lora").put("rank", 4);
    Consumer<ObjectNode> alpha = root -> root.withObject("/lora").put("alpha", 8);
    assertEquals(Optional.empty(), difference(root -> {}, begun));
    assertEquals(
        Optional.of("lora.rank is 2, the run began with 4"),
        difference(root -> root.putObject("lora").put("rank", 2), begun));
    assertEquals(
        Optional.empty(), difference(root -> root.putObject("lora").put("rank", 2), begun, "lora"));
    assertEquals(
        Optional.of("lora.alpha is 8, the run began with nothing"),
        difference(alpha, begun, "lora"));
    assertEquals(
        Optional.of("lora is nothing, the run began with {\"alpha\":8}"),
        difference(root -> {}, begun.andThen(alpha)));
  }
}
