package nacre.diffusion.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import nacre.diffusion.text.ClipVocabulary;
import nacre.weights.AtomicFolder;
import nacre.weights.Conversion;
import nacre.weights.JsonFile;
import nacre.weights.KeyMapping;
import nacre.weights.SafeTensors;
import nacre.weights.SafeTensorsWriter;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * The converter of a model to its other form: a single file to a folder, a folder to a single file.
 *
 * @param conversion of the numbers
 */
public record CheckpointWriter(Conversion conversion) {
  /** Files of a folder besides configs and weights. */
  private static final List<String> TOKENIZER = List.of("vocab.json", "merges.txt");

  /**
   * Writes a single file as a folder that diffusers loads.
   *
   * @param tokenizer a folder with {@code vocab.json} and {@code merges.txt}, which single files
   *     lack; without it they are CLIP's own, or missing where the text encoder is of another size
   * @param out must not exist
   * @throws IOException in one sentence; there is then no new folder
   */
  public void folder(SingleFile in, Optional<Path> tokenizer, Path out) throws IOException {
    AtomicFolder.write(
        out,
        staging -> {
          for (Map.Entry<String, JsonNode> config : in.configs().entrySet()) {
            JsonFile.write(staging.resolve(config.getKey()), config.getValue());
          }
          writeVocabulary(in, tokenizer, Files.createDirectories(staging.resolve("tokenizer")));
          for (Component component : Component.values()) {
            Path folder = Files.createDirectories(staging.resolve(component.folder()));
            try (StateDict dict = in.weights(component)) {
              SafeTensorsWriter writer = new SafeTensorsWriter();
              dict.entries()
                  .forEach(
                      (name, entry) ->
                          writer.add(
                              component.hubName(name),
                              List.of(entry),
                              entry.shape(),
                              conversion.of(entry)));
              writer.write(folder.resolve(component.stem() + ".safetensors"));
            }
          }
        });
  }

  private static void writeVocabulary(SingleFile in, Optional<Path> tokenizer, Path folder)
      throws IOException {
    if (tokenizer.isPresent()) {
      for (String name : TOKENIZER) {
        Files.copy(tokenizer.get().resolve(name), folder.resolve(name));
      }
    } else if (hasClipVocabulary(in)) {
      ClipVocabulary.write(folder);
    }
  }

  /** Whether a single file's text encoder has as many tokens as CLIP's own vocabulary. */
  public static boolean hasClipVocabulary(SingleFile file) throws WeightsException {
    return file.textEncoderConfig().vocabSize() == ClipVocabulary.SIZE;
  }

  /**
   * Writes a folder as a single file under the original code's names. Its configs go into the
   * file's metadata, from where {@link SingleFile} takes them.
   *
   * @throws IOException in one sentence; an old file is then as it was
   */
  public void singleFile(DiffusersFolder in, Path out) throws IOException {
    SafeTensorsWriter writer = new SafeTensorsWriter();
    for (String config : configs(in.root())) {
      writer.metadata(config, in.config(config, JsonNode::toString));
    }
    List<StateDict> open = new ArrayList<>();
    try {
      for (Component component : Component.values()) {
        StateDict dict = in.weights(component);
        open.add(dict);
        add(writer, dict, OriginalNames.of(component, in), in.root().resolve(component.folder()));
      }
      writer.write(out);
    } finally {
      open.forEach(StateDict::close);
    }
  }

  private static List<String> configs(Path root) throws IOException {
    try (Stream<Path> files = Files.walk(root, 2)) {
      return files
          .map(file -> root.relativize(file).toString().replace('\\', '/'))
          .filter(
              name ->
                  name.matches(
                      "model_index.json|(.+/)?config.json|scheduler/scheduler_config.json"
                          + "|tokenizer/(tokenizer_config|special_tokens_map).json"))
          .filter(name -> !name.startsWith("safety_checker/"))
          .sorted()
          .toList();
    }
  }

  private void add(SafeTensorsWriter writer, StateDict dict, OriginalNames names, Path source)
      throws WeightsException {
    Map<String, SafeTensors.Entry[]> whole = new LinkedHashMap<>();
    List<String> strangers = new ArrayList<>();
    dict.entries()
        .forEach(
            (name, entry) ->
                names
                    .dialect()
                    .theirs(name)
                    .ifPresentOrElse(
                        place ->
                            whole
                                    .computeIfAbsent(
                                        place.name(), _ -> new SafeTensors.Entry[place.parts()])[
                                    place.part()] =
                                entry,
                        () -> strangers.add(name)));
    List<String> missing = new ArrayList<>();
    whole.forEach(
        (name, parts) -> {
          String first = names.dialect().ours(name).getFirst();
          for (int i = 0; i < parts.length; i++) {
            if (parts[i] == null) {
              missing.add(names.dialect().ours(name).get(i));
            }
          }
          if (missing.isEmpty()) {
            KeyMapping.Place place = names.dialect().theirs(first).orElseThrow();
            writer.add(
                names.prefix() + name,
                List.of(parts),
                place.whole(parts[0].shape()),
                conversion.of(parts[0]));
          }
        });
    StateDict.Difference difference = new StateDict.Difference(missing, strangers, List.of());
    if (!difference.isEmpty()) {
      throw new WeightsException(source, "does not fit a single file: " + difference);
    }
  }
}
