package nacre.studio;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import nacre.weights.AtomicFile;

/**
 * The results that were kept, on disk: for each a picture and its settings. In memory there are
 * their names only.
 */
final class History {
  private static final Pattern ID = Pattern.compile("\\d{8}-\\d{6}-\\d{3}(?:-\\d{1,4})?");
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss-SSS").withZone(ZoneOffset.UTC);

  private final Path folder;
  private final Events events;
  private final ConcurrentSkipListSet<String> ids = new ConcurrentSkipListSet<>();

  History(Path folder, Events events) throws IOException {
    this.folder = folder;
    this.events = events;
    if (Files.isDirectory(folder)) {
      try (Stream<Path> files = Files.list(folder)) {
        files
            .map(file -> file.getFileName().toString())
            .filter(name -> name.endsWith(".json"))
            .map(name -> name.substring(0, name.length() - 5))
            .filter(name -> ID.matcher(name).matches())
            .forEach(ids::add);
      }
    }
  }

  /**
   * Keeps a result.
   *
   * @param result what the API shows of it; gets its id, time and URL here
   * @param ending {@code png} or {@code gif}
   * @return the id
   */
  synchronized String keep(ObjectNode result, byte[] picture, String ending) throws IOException {
    Instant now = Instant.now();
    String id = TIME.format(now);
    for (int i = 2; ids.contains(id); i++) {
      id = TIME.format(now) + "-" + i;
    }
    result.put("id", id).put("time", now.toString());
    result.put("picture", "/api/results/" + id + "/image." + ending);
    Files.createDirectories(folder);
    AtomicFile.write(folder.resolve(id + "." + ending), out -> out.write(picture));
    byte[] json = Asked.MAPPER.writerWithDefaultPrettyPrinter().writeValueAsBytes(result);
    AtomicFile.write(folder.resolve(id + ".json"), out -> out.write(json));
    ids.add(id);
    events.send("history", result);
    return id;
  }

  /** The newest results, those whose files were damaged left out. */
  List<JsonNode> newest(int count) {
    List<JsonNode> newest = new ArrayList<>();
    for (String id : ids.descendingSet()) {
      if (newest.size() == count) {
        break;
      }
      try {
        newest.add(Asked.MAPPER.readTree(Files.readAllBytes(folder.resolve(id + ".json"))));
      } catch (IOException e) {
        ids.remove(id); // removed by hand, or cut off
      }
    }
    return newest;
  }

  /** A result. */
  JsonNode find(String id) throws IOException {
    require(id);
    return Asked.MAPPER.readTree(Files.readAllBytes(folder.resolve(id + ".json")));
  }

  /** The picture of a result. */
  byte[] picture(String id, String ending) throws IOException {
    require(id);
    Path file = folder.resolve(id + "." + ending);
    if (!Files.isRegularFile(file)) {
      throw Refusal.missing("result " + id + " has no image." + ending);
    }
    return Files.readAllBytes(file);
  }

  private void require(String id) {
    if (!ids.contains(id)) {
      throw Refusal.missing("there is no result " + Asked.brief(id) + "; /api/history lists them");
    }
  }

  synchronized void remove(String id) throws IOException {
    require(id);
    ids.remove(id);
    for (String ending : List.of("json", "png", "gif")) {
      Files.deleteIfExists(folder.resolve(id + "." + ending));
    }
  }
}
