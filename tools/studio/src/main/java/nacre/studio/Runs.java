package nacre.studio;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import nacre.cli.RunActivity;
import nacre.cli.output.MetricsLog;
import nacre.neuralassets.model.PresetFile;
import nacre.neuralassets.training.Checkpoint;
import nacre.neuralassets.training.RunState;

/** The training runs in a folder: those started here, and what others left there. */
final class Runs implements AutoCloseable {
  private static final String NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,59}";
  private static final String PRESET = "preset.json";
  private static final String METRICS = "metrics.jsonl";
  private static final int MOST = 500;
  private static final int MOST_POINTS = 2000;
  private static final int LOG_LINES = 40;
  private static final long BETWEEN_LOOKS = 1000;

  private final Path folder;
  private final Events events;
  private final Map<String, Training> trainings = new ConcurrentHashMap<>();
  private final Map<String, String> seen = new ConcurrentHashMap<>();
  private final Map<String, String> told = new ConcurrentHashMap<>();
  private final Thread watch;

  Runs(Path folder, Events events) {
    this.folder = folder;
    this.events = events;
    this.watch = Thread.ofVirtual().name("studio runs").start(this::watch);
  }

  private Path folder(String id) {
    Path run = id.matches(NAME) ? folder.resolve(id) : null;
    if (run == null || !Files.isDirectory(run)) {
      throw Refusal.missing("there is no run " + Asked.brief(id) + "; /api/runs lists them");
    }
    return run;
  }

  /** The runs, by name. */
  ArrayNode list() throws IOException {
    ArrayNode list = Asked.MAPPER.createArrayNode();
    for (String name : names()) {
      list.add(brief(name));
    }
    return list;
  }

  private List<String> names() throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> all = Files.list(folder)) {
      return all.filter(Files::isDirectory)
          .map(path -> path.getFileName().toString())
          .filter(name -> name.matches(NAME))
          .sorted()
          .limit(MOST)
          .toList();
    }
  }

  /** Starts a run; one at a time, since it takes all cores. */
  synchronized ObjectNode start(Asked asked) throws IOException {
    asked.only("preset", "name", "steps", "fields");
    String preset = asked.text("preset", 100);
    Asked fields =
        asked.has("fields")
            ? asked.object("fields")
            : new Asked(Asked.MAPPER.createObjectNode(), "fields");
    ObjectNode changed = PresetForm.changed(preset, fields);
    String name = asked.text("name", 60, preset);
    if (!name.matches(NAME)) {
      throw Refusal.bad("\"name\" has other signs than letters, digits, - _ and .");
    }
    requireIdle();
    Path run = folder.resolve(name);
    if (Files.exists(run)) {
      throw new Refusal(409, "there is a run " + name + " already: give another name");
    }
    if (asked.has("steps")) {
      changed.withObject("/training").put("steps", asked.integer("steps", 1, 1_000_000_000));
    }
    Files.createDirectories(run);
    Path file = run.resolve(PRESET);
    Files.write(file, Asked.MAPPER.writerWithDefaultPrettyPrinter().writeValueAsBytes(changed));
    return begin(name, List.of("--preset", file.toString()));
  }

  private void requireIdle() {
    trainings.forEach(
        (name, training) -> {
          if (training.alive()) {
            throw new Refusal(409, "the run " + name + " is under way: stop it first");
          }
        });
  }

  private ObjectNode begin(String name, List<String> arguments) throws IOException {
    Path run = folder.resolve(name);
    List<String> all = new ArrayList<>(arguments);
    all.addAll(List.of("--out", run.toString()));
    trainings.put(name, Training.start(run, all));
    ObjectNode json = brief(name);
    events.send("run", json);
    return json;
  }

  /** Asks a run to stop at its next step. */
  synchronized ObjectNode stop(String id) throws IOException {
    folder(id);
    Training training = trainings.get(id);
    if (training == null || !training.alive()) {
      throw new Refusal(
          409, "the run " + id + " is not under way here; stop it where it was started");
    }
    training.stop();
    return brief(id);
  }

  /** Resumes a run from its newest checkpoint, or begins it anew where there is none yet. */
  synchronized ObjectNode resume(String id) throws IOException {
    Path run = folder(id);
    requireIdle();
    if (RunActivity.isTrainedElsewhere(run)) {
      throw new Refusal(409, "the run " + id + " is being trained by another process");
    }
    if (Checkpoint.newest(run.resolve("checkpoints")).isPresent()) {
      return begin(id, List.of("--resume"));
    }
    Path preset = run.resolve(PRESET);
    if (!Files.isRegularFile(preset)) {
      throw new Refusal(409, "the run " + id + " has no checkpoint to go on from");
    }
    return begin(id, List.of("--preset", preset.toString(), "--fresh"));
  }

  /** A run without its curve. */
  private ObjectNode brief(String name) throws IOException {
    Path run = folder.resolve(name);
    Training training = trainings.get(name);
    ObjectNode json = Asked.MAPPER.createObjectNode();
    json.put("id", name).put("name", name);
    List<MetricsLog.Entry> metrics = metrics(run);
    Optional<RunState> state = state(run);
    long step = metrics.isEmpty() ? 0 : metrics.getLast().step();
    long done = Math.max(step, state.map(RunState::step).orElse(0L));
    Long total = state.map(RunState::totalSteps).filter(t -> t > 0).orElse(null);
    boolean here = training != null && training.alive();
    String word = total != null && done >= total ? "finished" : "stopped";
    if (here) {
      word = training.state();
    } else if (RunActivity.isTrainedElsewhere(run)) {
      word = "running";
    } else if (training != null) {
      word = training.state();
    }
    json.put("state", word).put("here", here).put("step", done).put("steps", total);
    Optional<MetricsLog.Entry> last = last(metrics, "loss");
    json.put("loss", last.map(e -> finite(e.values().get("loss"))).orElse(null));
    json.put(
        "imagesPerSecond",
        last(metrics, "images_per_second")
            .map(e -> finite(e.values().get("images_per_second")))
            .orElse(null));
    json.put("stepsPerSecond", stepsPerSecond(run, json.path("imagesPerSecond").asDouble(0)));
    json.put(
        "error",
        word.equals("failed") ? Training.reason(run).orElse("it ended without a word") : null);
    return json;
  }

  /** Steps of a run whose batches are known by its preset's file. */
  private static Double stepsPerSecond(Path run, double imagesPerSecond) {
    Path preset = run.resolve(PRESET);
    if (imagesPerSecond <= 0 || !Files.isRegularFile(preset)) {
      return null;
    }
    try {
      int batch = PresetFile.named(preset.toString()).trained().training().batchSize();
      return imagesPerSecond / batch;
    } catch (IOException | IllegalArgumentException e) {
      return null;
    }
  }

  private static Double finite(Double value) {
    return value != null && Double.isFinite(value) ? value : null;
  }

  private static Optional<MetricsLog.Entry> last(List<MetricsLog.Entry> metrics, String name) {
    return metrics.reversed().stream().filter(e -> e.values().containsKey(name)).findFirst();
  }

  private static List<MetricsLog.Entry> metrics(Path run) {
    Path file = run.resolve(METRICS);
    try {
      return Files.isRegularFile(file) ? MetricsLog.read(file) : List.of();
    } catch (IOException e) {
      return List.of(); // it is just being replaced, or damaged; training says so
    }
  }

  private static Optional<RunState> state(Path run) {
    try {
      Optional<Checkpoint> newest = Checkpoint.newest(run.resolve("checkpoints"));
      return newest.isEmpty() ? Optional.empty() : Optional.of(newest.get().state());
    } catch (IOException | IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /** A run with its curve, its sheets and its last words. */
  ObjectNode find(String id) throws IOException {
    Path run = folder(id);
    ObjectNode json = brief(id);
    List<MetricsLog.Entry> metrics = metrics(run);
    json.set("curve", points(metrics, "loss"));
    json.set("speed", points(metrics, "images_per_second"));
    ArrayNode sheets = json.putArray("sheets");
    for (String file : sheets(run)) {
      sheets.add("/api/runs/" + id + "/sheets/" + file);
    }
    Training.log(run, LOG_LINES).forEach(json.putArray("log")::add);
    return json;
  }

  private static List<String> sheets(Path run) throws IOException {
    try (Stream<Path> files = Files.list(run)) {
      return files
          .map(path -> path.getFileName().toString())
          .filter(name -> name.matches("[A-Za-z0-9_-]+\\.png"))
          .sorted()
          .toList();
    }
  }

  /** A picture in a run's folder. */
  byte[] sheet(String id, String file) throws IOException {
    Path run = folder(id);
    if (!sheets(run).contains(file)) {
      throw Refusal.missing("run " + id + " has no picture " + Asked.brief(file));
    }
    return Files.readAllBytes(run.resolve(file));
  }

  /** The values of one name, thinned out evenly. */
  private static ArrayNode points(List<MetricsLog.Entry> metrics, String name) {
    List<MetricsLog.Entry> with =
        metrics.stream().filter(e -> finite(e.values().get(name)) != null).toList();
    ArrayNode points = Asked.MAPPER.createArrayNode();
    int every = Math.max(1, Math.ceilDiv(with.size(), MOST_POINTS));
    for (int i = every - 1; i < with.size(); i += every) {
      points.addArray().add(with.get(i).step()).add(with.get(i).values().get(name));
    }
    return points;
  }

  /** Tells listeners what changed, here or by other processes. */
  private void watch() {
    try {
      while (true) {
        Thread.sleep(BETWEEN_LOOKS);
        if (events.listeners() > 0) {
          look();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void look() {
    try {
      for (String name : names()) {
        String now = activity(folder.resolve(name));
        boolean changed = !now.equals(seen.put(name, now));
        if (changed || trainings.containsKey(name)) {
          tell(name);
        }
      }
    } catch (IOException | RuntimeException e) {
      // The folder is being changed; the next look sees it.
    }
  }

  /** What changes while a run is trained, without reading what it wrote. */
  private static String activity(Path run) throws IOException {
    File metrics = run.resolve(METRICS).toFile();
    boolean elsewhere = RunActivity.isTrainedElsewhere(run);
    return elsewhere + " " + metrics.length() + " " + metrics.lastModified();
  }

  private void tell(String name) {
    try {
      ObjectNode json = brief(name);
      String text = json.toString();
      if (!text.equals(told.put(name, text))) {
        events.send("run", json);
      }
    } catch (IOException | RuntimeException e) {
      told.remove(name); // its folder is gone, or being replaced
    }
  }

  /** Stops what was started here, and waits for it. */
  @Override
  public void close() {
    watch.interrupt();
    trainings.values().stream().filter(Training::alive).forEach(Training::stop);
    trainings.values().forEach(Training::await);
  }
}
