package nacre.evaluation.run;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import javax.imageio.ImageIO;
import nacre.evaluation.EditCases;
import nacre.neuralassets.scene.PngFile;
import nacre.neuralassets.scene.SceneFormatException;
import nacre.weights.AtomicFile;
import nacre.weights.JsonFile;
import nacre.weights.Sha256;
import nacre.weights.WeightsException;

/**
 * The folder of an evaluation. For each method and seed {@code METHOD/seed-0} has a file of values
 * for every {@value #SHARD} cases, and the pictures beside them, in a folder whose name has the
 * digest of what they are pictures of: those of another model are never taken for them. Every file
 * is written whole or not at all.
 */
public record EvaluationFolder(Path root) {
  /** Cases of which the values share a file, and the pictures a folder. */
  static final int SHARD = 100;

  private static final String SETS = "sets.json";

  private Path seed(Shard.Key key) {
    return root.resolve(name(key.method())).resolve("seed-" + key.seed());
  }

  /** A folder's name for a method's: letters, digits and few signs, and no two the same. */
  static String name(String method) {
    String plain = method.replaceAll("[^A-Za-z0-9._-]+", "-").replaceAll("^[.-]+", "");
    boolean same = plain.equals(method) && plain.length() <= 60;
    String start = plain.substring(0, Math.min(plain.length(), 60));
    return same ? plain : start + "-" + Sha256.of(method.getBytes(UTF_8)).substring(0, 8);
  }

  private Path file(Shard.Key key, int number) {
    return seed(key).resolve(numbered("values", number / SHARD * SHARD) + ".json");
  }

  private static String numbered(String stem, int number) {
    return String.format(Locale.ROOT, "%s-%06d", stem, number);
  }

  /** The file of a picture. */
  Path picture(Shard.Key key, int number) {
    return seed(key)
        .resolve(numbered("pictures", number / SHARD * SHARD) + "-" + digest(key))
        .resolve(String.format(Locale.ROOT, "%06d.png", number));
  }

  /**
   * The values of the shard that a case belongs to; none if there is no such file.
   *
   * @throws IOException in one line, if it has values of something else, or is damaged
   */
  Shard read(Shard.Key key, int number) throws IOException {
    Path file = file(key, number);
    if (!Files.exists(file)) {
      return Shard.empty(key);
    }
    Shard shard;
    try {
      shard = JsonFile.read(file, Shard::of);
    } catch (WeightsException e) {
      throw new IOException(e.getMessage() + "; delete it to have it made again", e);
    }
    Shard.Key found = shard.key();
    if (!found.equals(key)) {
      String what =
          !found.methodDigest().equals(key.methodDigest())
              ? "of " + key.method() + " as it was: other weights, settings or version"
              : "of other cases, or of another method or seed";
      throw new IOException(
          String.format(
              Locale.ROOT,
              "%s: has values %s (digest %s, now %s); give another folder, or move this one away",
              file,
              what,
              digest(found),
              digest(key)));
    }
    return shard;
  }

  private static String digest(Shard.Key key) {
    return digest(key.toString()).substring(0, 12);
  }

  private static String digest(String text) {
    return Sha256.of(text.getBytes(UTF_8));
  }

  void write(Shard shard, int number) throws IOException {
    Path file = file(shard.key(), number);
    Files.createDirectories(file.getParent());
    JsonFile.write(file, shard.json());
  }

  /** A picture that was drawn, packed bytes {@code [size, size, 3]}; empty if it is not kept. */
  public Optional<byte[]> picture(
      Contender contender, EditCases cases, long seed, int number, int size) throws IOException {
    return picture(contender.name(), contender.digest(), cases.digest(), seed, number, size);
  }

  /**
   * The same by the digests.
   *
   * @param method its name
   * @param digest of the method
   * @param cases digest of the cases
   */
  public Optional<byte[]> picture(
      String method, String digest, String cases, long seed, int number, int size)
      throws IOException {
    return readPicture(new Shard.Key(method, digest, cases, seed), number, size);
  }

  boolean hasPicture(Shard.Key key, int number) {
    return Files.exists(picture(key, number));
  }

  /** Removes a picture, which is then drawn again. */
  void removePicture(Shard.Key key, int number) throws IOException {
    Files.deleteIfExists(picture(key, number));
  }

  void writePicture(Shard.Key key, int number, byte[] rgb, int size) throws IOException {
    Path file = picture(key, number);
    Files.createDirectories(file.getParent());
    AtomicFile.write(file, out -> ImageIO.write(PngFile.image(rgb, size, size), "png", out));
  }

  /** A picture; empty if it is not there, or damaged, so that it is drawn again. */
  Optional<byte[]> readPicture(Shard.Key key, int number, int size) throws IOException {
    Path file = picture(key, number);
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try {
      return Optional.of(PngFile.readRgb(file, size, size));
    } catch (SceneFormatException damaged) {
      return Optional.empty();
    }
  }

  /** The values of sets of pictures; none where they are of something else, or of fewer. */
  Map<String, SetEvaluator.SetValue> readSets(Shard.Key key, long pictures) throws IOException {
    Path file = seed(key).resolve(SETS);
    Map<String, SetEvaluator.SetValue> values = new LinkedHashMap<>();
    if (!Files.exists(file)) {
      return values;
    }
    JsonNode root = JsonFile.read(file);
    if (root.path("digest").asText().equals(digest(key.toString()))
        && root.path("pictures").asLong() == pictures) {
      for (Map.Entry<String, JsonNode> entry : root.path("values").properties()) {
        JsonNode node = entry.getValue();
        SetEvaluator.SetValue value =
            new SetEvaluator.SetValue(
                node.path("name").asText(),
                node.path("higher_is_better").asBoolean(),
                node.path("value").asDouble(Double.NaN));
        values.put(entry.getKey(), value);
      }
    }
    return values;
  }

  void writeSets(Shard.Key key, long pictures, Map<String, SetEvaluator.SetValue> values)
      throws IOException {
    ObjectNode root = JsonNodeFactory.instance.objectNode();
    root.put("digest", digest(key.toString())).put("pictures", pictures);
    ObjectNode all = root.putObject("values");
    values.forEach(
        (name, value) -> {
          ObjectNode node = all.putObject(name);
          node.put("name", value.metric()).put("higher_is_better", value.higherIsBetter());
          if (Double.isFinite(value.value())) {
            node.put("value", value.value());
          } else {
            node.putNull("value");
          }
        });
    Files.createDirectories(seed(key));
    JsonFile.write(seed(key).resolve(SETS), root);
  }
}
