package nacre.lab.gpu;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import nacre.cli.options.UserException;
import nacre.weights.AtomicFile;

/**
 * The results so far, in a folder: {@code check.json}, and {@code check.md} made of it. Both are
 * written anew after each part, so that whatever ends the check leaves what was found.
 */
final class Report {
  private final Path folder;
  private final ObjectNode root;

  private Report(Path folder, ObjectNode root) {
    this.folder = folder;
    this.root = root;
  }

  /** A new, empty report. */
  static Report begin(Path folder, GpuInfo gpu, ObjectNode circumstances) {
    ObjectNode root = JsonNodeFactory.instance.objectNode();
    root.set("card", gpu.json());
    root.setAll(circumstances);
    root.putObject("parts");
    return new Report(folder, root);
  }

  /**
   * The report in a folder.
   *
   * @throws UserException if there is none, or it is of another GPU or of other circumstances
   */
  static Report resume(Path folder, GpuInfo gpu, ObjectNode circumstances) throws IOException {
    Path file = folder.resolve("check.json");
    if (!Files.isRegularFile(file)) {
      throw new UserException("--resume: " + folder + " holds no results to go on with");
    }
    ObjectNode root = (ObjectNode) new JsonMapper().readTree(file.toFile());
    for (String key : new String[] {"nacre", "small", "settings", "peer", "java", "processor"}) {
      if (!root.path(key).equals(circumstances.path(key))) {
        throw new UserException(
            String.format(
                Locale.ROOT,
                "--resume: %s was made with %s %s, and this is %s; give another --out",
                file,
                key,
                root.path(key).asText(),
                circumstances.path(key).asText()));
      }
    }
    if (!root.path("card").equals(gpu.json())) {
      throw new UserException(
          String.format(
                  Locale.ROOT,
                  "--resume: %s is of %s with other libraries or another GPU than this, %s; give"
                      + " another",
                  file,
                  root.at("/card/name").asText(),
                  gpu.name())
              + " --out");
    }
    return new Report(folder, root);
  }

  /** Whether a folder holds results already. */
  static boolean isIn(Path folder) {
    return Files.exists(folder.resolve("check.json"));
  }

  /** The result of a part. */
  Optional<Status> status(Part part) {
    JsonNode status = root.path("parts").path(part.name()).path("result");
    return status.isTextual() ? Optional.of(Status.of(status.asText())) : Optional.empty();
  }

  /** Adds what a part found, and writes everything down. */
  void add(Part part, Finding finding, double seconds) throws IOException {
    add(part.name(), part.title(), finding, seconds);
  }

  /** Adds what was found before the first part. */
  void add(String name, String title, Finding finding, double seconds) throws IOException {
    ObjectNode entry = root.withObject("/parts").putObject(name);
    entry.put("title", title);
    entry.put("result", finding.status().toString());
    entry.put("seconds", Math.round(seconds * 10) / 10.0);
    entry.put("finding", finding.sentence());
    entry.setAll(finding.numbers());
    write();
  }

  private void write() throws IOException {
    Files.createDirectories(folder);
    write("check.json", root.toPrettyString() + "\n");
    write("check.md", new Table(root).text());
  }

  private void write(String name, String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    AtomicFile.write(folder.resolve(name), out -> out.write(bytes));
  }
}
