package nacre.evaluation.threedit;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import nacre.weights.JsonFile;

/**
 * The sentences of OBJect, as 3DIT's loader makes them: an object that is turned or moved is called
 * by its category, one that is removed by its description.
 *
 * @param descriptions by the objects' uid, {@code objaverse_cat_descriptions_64k.json}
 */
public record ObjectWords(Path descriptions, JsonNode words) implements EditPairBatches.Words {
  /**
   * Reads the descriptions.
   *
   * @throws IOException in one line, if the file cannot be read
   */
  public static ObjectWords read(Path descriptions) throws IOException {
    return new ObjectWords(descriptions, JsonFile.read(descriptions));
  }

  @Override
  public String sentence(String clip, ObjectEdit edit) throws IOException {
    Path file = Path.of(clip, "metadata.json");
    JsonNode metadata = JsonFile.read(file);
    for (String key : List.of("rotation_category", "translation_category")) {
      if (metadata.path(key).isTextual()) {
        return edit.sentence(metadata.get(key).textValue());
      }
    }
    String uid = metadata.path("removed_object_uid").asText();
    if (!words.path(uid).isTextual()) {
      throw new IOException(
          String.format(
              Locale.ROOT, "%s: its object \"%s\" is not in %s", file, uid, descriptions));
    }
    return edit.sentence(words.get(uid).textValue());
  }
}
