package nacre.datasets.pack;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import nacre.neuralassets.data.Share;
import nacre.weights.JsonFile;

/**
 * The files of a pack:
 *
 * <pre>
 * pack.json          what was packed, and how
 * clips-00000.zip    a shard: its clips, stored without compression
 *   000000/clip      a PackedClip message, see pack.proto
 *   000000/0000.png  its frames, of one size, without loss
 * clips-00000.json   the shard's clips; written when the shard is complete
 * </pre>
 *
 * @param root the folder
 */
record PackFolder(Path root) {
  private static final String FORMAT = "nacre-pack";
  private static final int VERSION = 1;

  /**
   * What was packed, and how.
   *
   * @param source the data set in words
   * @param size side of the frames in pixels
   * @param share which part of the source is in this folder
   */
  record Settings(String source, int size, Share share) {
    /** Whether two folders hold parts of one pack. */
    boolean isOfPackOf(Settings other) {
      return source.equals(other.source)
          && size == other.size
          && share.ranks() == other.share.ranks();
    }
  }

  /**
   * A clip in a shard.
   *
   * @param id in the source
   * @param frames their number
   */
  record Entry(String id, int frames) {}

  private Path description() {
    return root.resolve("pack.json");
  }

  /** The folder, if it is a pack; else the packs in it, in the order of their names. */
  static List<PackFolder> in(Path folder) {
    PackFolder whole = new PackFolder(folder);
    if (whole.exists()) {
      return List.of(whole);
    }
    try (Stream<Path> parts = Files.list(folder)) {
      return parts.sorted().map(PackFolder::new).filter(PackFolder::exists).toList();
    } catch (IOException | UncheckedIOException e) {
      return List.of();
    }
  }

  /** Whether the folder is a pack. */
  boolean exists() {
    return Files.isRegularFile(description());
  }

  Path shard(int number) {
    return root.resolve(String.format(Locale.ROOT, "clips-%05d.zip", number));
  }

  private Path list(int number) {
    return root.resolve(String.format(Locale.ROOT, "clips-%05d.json", number));
  }

  /** The place of a clip in its shard. */
  static String clip(int number) {
    return String.format(Locale.ROOT, "%06d/clip", number);
  }

  /** The place of a frame in its shard. */
  static String frame(int number, int frame) {
    return String.format(Locale.ROOT, "%06d/%04d.png", number, frame);
  }

  void write(Settings settings) throws IOException {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("format", FORMAT).put("version", VERSION);
    json.put("source", settings.source()).put("image_size", settings.size());
    json.put("part", settings.share().rank() + 1).put("parts", settings.share().ranks());
    JsonFile.write(description(), json);
  }

  Settings settings() throws IOException {
    JsonNode json = JsonFile.read(description());
    if (!json.path("format").asText().equals(FORMAT) || json.path("version").asInt() != VERSION) {
      throw new IOException(
          String.format(
              Locale.ROOT, "%s: is no pack of version %d, which this Nacre reads", root, VERSION));
    }
    int size = json.path("image_size").asInt();
    if (size < 1 || size > 8192) {
      throw new IOException(description() + ": image_size is " + json.path("image_size"));
    }
    int part = json.path("part").asInt(1);
    int parts = json.path("parts").asInt(1);
    if (part < 1 || part > parts) {
      throw new IOException(
          String.format(Locale.ROOT, "%s: is part %d of %d", description(), part, parts));
    }
    return new Settings(json.path("source").asText(), size, new Share(part - 1, parts));
  }

  /** Tells that a shard is complete. */
  void write(int shard, List<Entry> entries) throws IOException {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    ArrayNode clips = json.putArray("clips");
    for (Entry entry : entries) {
      clips.addObject().put("id", entry.id()).put("frames", entry.frames());
    }
    JsonFile.write(list(shard), json);
  }

  /** The clips of all complete shards. */
  List<List<Entry>> shards() throws IOException {
    List<List<Entry>> shards = new ArrayList<>();
    for (int i = 0; Files.isRegularFile(list(i)); i++) {
      List<Entry> entries = new ArrayList<>();
      for (JsonNode clip : JsonFile.read(list(i)).path("clips")) {
        entries.add(new Entry(clip.path("id").asText(), clip.path("frames").asInt()));
      }
      if (!Files.isRegularFile(shard(i))) {
        throw new IOException(shard(i) + ": is missing, although its list is there");
      }
      shards.add(entries);
    }
    return shards;
  }
}
