package nacre.studio;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import nacre.cli.ModelChoice;
import nacre.cli.options.UserException;
import nacre.diffusion.LoadOptions;
import nacre.diffusion.StableDiffusion;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.training.ModelFolder;
import nacre.tensor.Device;

/** The models that may be drawn with, by name: those of scenes, and those of prompts. */
final class Models {
  private static final int MOST = 200;

  /**
   * A model of scenes.
   *
   * @param folder what holds its weights
   */
  record Assets(String name, Path folder, Preset preset) {}

  private final Map<String, Assets> assets = new LinkedHashMap<>();
  private final Map<String, Path> texts = new LinkedHashMap<>();
  private final Map<String, OptionalInt> textSizes = new ConcurrentHashMap<>();
  private final Map<String, Path> loras = new LinkedHashMap<>();

  /**
   * Finds models.
   *
   * @param given models, runs, or folders of such; the model that comes with Nacre if none
   */
  Models(List<Path> given) throws IOException {
    if (given.isEmpty()) {
      Path shipped =
          ModelChoice.shipped()
              .orElseThrow(() -> new UserException("there is no model: give one with --models"));
      add(shipped);
    }
    for (Path path : given) {
      addLoras(path);
      List<Path> within = within(path);
      if (within.isEmpty()) {
        addAssets(path, ModelChoice.given(path, "--models"));
      }
      for (Path model : within) {
        add(model);
      }
    }
  }

  /** The models in a folder of such, the path itself if it is one; empty if nothing is. */
  private static List<Path> within(Path path) throws IOException {
    List<Path> found = new ArrayList<>();
    if (isModel(path)) {
      found.add(path);
    } else if (Files.isDirectory(path)) {
      try (Stream<Path> children = Files.list(path)) {
        for (Path child : (Iterable<Path>) children.sorted().limit(MOST)::iterator) {
          if (isModel(child)) {
            found.add(child);
          }
        }
      }
    }
    return found;
  }

  private static boolean isModel(Path path) throws IOException {
    return ModelFolder.is(path) || StableDiffusion.is(path);
  }

  private void add(Path path) throws IOException {
    if (ModelFolder.is(path)) {
      addAssets(path, path);
    } else {
      texts.put(free(texts, path), path.toAbsolutePath().normalize());
    }
  }

  private void addAssets(Path named, Path folder) throws IOException {
    String name = free(assets, named);
    assets.put(
        name, new Assets(name, folder.toAbsolutePath().normalize(), ModelFolder.preset(folder)));
  }

  private static String free(Map<String, ?> taken, Path path) {
    String name = path.toAbsolutePath().normalize().getFileName().toString();
    String free = name;
    for (int i = 2; taken.containsKey(free); i++) {
      free = name + "-" + i;
    }
    return free;
  }

  List<Assets> assets() {
    return List.copyOf(assets.values());
  }

  /** A model of scenes; the first if no name is given. */
  Assets assets(String name) {
    if (assets.isEmpty()) {
      throw Refusal.bad("there is no model of scenes: start the studio with --models FOLDER");
    }
    if (name == null) {
      return assets.values().iterator().next();
    }
    Assets found = assets.get(name);
    if (found == null) {
      throw Refusal.bad("there is no model " + Asked.brief(name) + "; there are " + names(assets));
    }
    return found;
  }

  List<String> textNames() {
    return List.copyOf(texts.keySet());
  }

  /** A model of prompts; the first if no name is given. */
  Map.Entry<String, Path> text(String name) {
    if (texts.isEmpty()) {
      throw Refusal.bad(
          "there is no model of prompts: start the studio with --models and a Stable Diffusion"
              + " folder");
    }
    return texts.entrySet().stream()
        .filter(e -> name == null || e.getKey().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                Refusal.bad(
                    "there is no model " + Asked.brief(name) + "; there are " + names(texts)));
  }

  /** The side in pixels of what a model of prompts was trained on; null if it cannot be opened. */
  Integer textSize(String name) {
    OptionalInt size = textSizes.computeIfAbsent(name, n -> sizeOf(text(n).getValue()));
    return size.isPresent() ? size.getAsInt() : null;
  }

  private static OptionalInt sizeOf(Path model) {
    try (StableDiffusion opened = StableDiffusion.open(model, Device.cpu(), LoadOptions.DEFAULT)) {
      return OptionalInt.of(opened.size());
    } catch (IOException | RuntimeException e) {
      return OptionalInt.empty(); // whoever draws with it is told why
    }
  }

  List<String> loras() {
    return List.copyOf(loras.keySet());
  }

  /** The file of a LoRA. */
  Path lora(String name) {
    Path file = loras.get(name);
    if (file == null) {
      throw Refusal.bad("there is no LoRA " + Asked.brief(name) + "; there are " + names(loras));
    }
    return file;
  }

  private void addLoras(Path folder) throws IOException {
    Path within = folder.resolve("loras");
    if (Files.isDirectory(within)) {
      try (Stream<Path> files = Files.list(within)) {
        for (Path file : (Iterable<Path>) files.sorted().limit(MOST)::iterator) {
          String name = file.getFileName().toString();
          if (name.endsWith(".safetensors")) {
            loras.putIfAbsent(name.substring(0, name.length() - 12), file.toAbsolutePath());
          }
        }
      }
    }
  }

  private static String names(Map<String, ?> known) {
    List<String> names = known.keySet().stream().limit(10).toList();
    return names.isEmpty()
        ? "none"
        : String.join(", ", names) + (known.size() > 10 ? " and others" : "");
  }
}
