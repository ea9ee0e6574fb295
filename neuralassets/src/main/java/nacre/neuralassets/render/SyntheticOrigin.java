package nacre.neuralassets.render;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import nacre.neuralassets.scene.SceneFormatException;
import nacre.weights.AtomicFile;
import nacre.weights.JsonFile;

/**
 * The origin of a synthetic clip, kept as {@code synthetic.json} beside scene.json, so that its
 * description can be generated again and the ground truth of an edit rendered.
 *
 * @param generator the generator's version; another version makes other clips from the same numbers
 * @param samples rays a pixel along each side with which the frames were rendered; 0 in files of
 *     earlier versions, which do not say
 */
public record SyntheticOrigin(
    int generator, SceneConfig config, long seed, long index, int samples) {
  private static final String FILE = "synthetic.json";
  private static final JsonMapper MAPPER = new JsonMapper();

  /** The origin of a clip of this version's generator. */
  public static SyntheticOrigin of(SceneConfig config, long seed, long index, int samples) {
    return new SyntheticOrigin(SceneGenerator.VERSION, config, seed, index, samples);
  }

  /** Generates the clip's description again. */
  public SceneDescription describe() {
    if (generator != SceneGenerator.VERSION) {
      throw new IllegalStateException(
          String.format(
              Locale.ROOT,
              "the clip was made by generator %d, this is generator %d",
              generator,
              SceneGenerator.VERSION));
    }
    return new SceneGenerator(config, seed).describe(index);
  }

  /** Writes this beside a scene. */
  public void write(Path folder) throws IOException {
    byte[] json = MAPPER.writerWithDefaultPrettyPrinter().writeValueAsBytes(this);
    AtomicFile.write(folder.resolve(FILE), out -> out.write(json));
  }

  /**
   * Reads the origin of a scene folder; empty if it has none, as scenes of users, or one of another
   * generator version.
   *
   * @throws SceneFormatException if the file exists but cannot be parsed
   */
  public static Optional<SyntheticOrigin> read(Path folder) throws IOException {
    Path file = folder.resolve(FILE);
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try {
      SyntheticOrigin origin = MAPPER.readValue(Files.readAllBytes(file), SyntheticOrigin.class);
      return Optional.of(origin)
          .filter(o -> o.generator == SceneGenerator.VERSION && o.config != null);
    } catch (JsonProcessingException e) {
      String why = JsonFile.reason(e);
      throw new SceneFormatException(
          file, "", "cannot be understood (" + why + ")", "delete it; only ground truth needs it");
    }
  }
}
