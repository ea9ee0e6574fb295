package nacre.studio;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import nacre.cli.DataChoice;
import nacre.cli.Scenes;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.edit.SceneLibrary;
import nacre.neuralassets.edit.SceneView;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneReader;

/**
 * The scenes that may be opened, each by an id: held-out ones {@code 0, 1, …}, those saved here
 * {@code own~NAME}, and those of data sets {@code DATA~INDEX}. Nothing else can be named. The last
 * that were used stay in memory.
 */
final class SceneShelf {
  static final String HELD_OUT = Scenes.HELD_OUT;
  static final String OWN = "own";

  private static final int HELD_OUT_OFFERED = 24;
  private static final int MOST_HELD_OUT = 1_000_000;
  private static final int KEPT = 48;
  private static final Pattern ID =
      Pattern.compile("(?:([A-Za-z0-9._-]+)~)?([A-Za-z0-9._-]{1,80})");

  /**
   * A scene in the list.
   *
   * @param reference what edits call it, here and in {@code nacre sample}
   * @param arguments of {@code nacre sample} that choose it
   */
  record Entry(String id, String reference, String name, String group, String arguments) {}

  /**
   * A data set.
   *
   * @param given how the command line named it
   */
  private record DataSet(String given, ClipSource clips) {}

  /** Scenes in one group. */
  record Group(String name, int count) {}

  private record Key(String id, int size, int slots) {}

  private final DiskSpace space;
  private final Path own;
  private final DataConfig rendering;
  private final int renderedSize;
  private final Map<String, DataSet> data = new LinkedHashMap<>();
  private final Map<Key, SceneView> views =
      new LinkedHashMap<>(64, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, SceneView> eldest) {
          return size() > KEPT;
        }
      };

  /**
   * A shelf.
   *
   * @param space the folder of scenes that are saved here
   * @param model whose held-out scenes are shown
   */
  SceneShelf(DiskSpace space, List<String> dataSets, Models.Assets model) throws IOException {
    this.space = space;
    this.own = space.folder();
    this.rendering = Scenes.dataOf(model.preset());
    this.renderedSize = model.preset().imageSize();
    for (String set : dataSets) {
      String name = set.substring(set.lastIndexOf('/') + 1).replaceAll("[^A-Za-z0-9._-]+", "-");
      String base = name.isEmpty() || name.equals(OWN) ? "data" : name;
      String free = base;
      for (int i = 2; data.containsKey(free); i++) {
        free = base + "-" + i;
      }
      data.put(free, new DataSet(set, DataChoice.open(set, model.preset())));
    }
  }

  /** Where scenes are saved. */
  DiskSpace space() {
    return space;
  }

  /** The folder of a scene saved here. */
  Path folder(String name) {
    return own.resolve(name);
  }

  List<Group> groups() throws IOException {
    List<Group> groups = new ArrayList<>();
    groups.add(new Group(HELD_OUT, HELD_OUT_OFFERED));
    groups.add(new Group(OWN, ownNames().size()));
    data.forEach((name, set) -> groups.add(new Group(name, set.clips.size())));
    return groups;
  }

  private List<String> ownNames() throws IOException {
    if (!Files.isDirectory(own)) {
      return List.of();
    }
    Predicate<Path> whole = folder -> Files.isRegularFile(folder.resolve("scene.json"));
    try (Stream<Path> folders = Files.list(own)) {
      return folders.filter(whole).map(p -> p.getFileName().toString()).sorted().toList();
    }
  }

  /** Some scenes of a group, or of the first ones of each if it is null. */
  List<Entry> entries(String group, int from, int count) throws IOException {
    List<Entry> entries = new ArrayList<>();
    for (Group each : groups()) {
      if (group == null || group.equals(each.name())) {
        List<String> names = each.name().equals(OWN) ? ownNames() : null;
        long end = Math.min(each.count(), (long) from + count);
        for (int i = from; i < end; i++) {
          entries.add(entry(each.name(), i, names));
        }
      }
    }
    if (group != null && groups().stream().noneMatch(g -> g.name().equals(group))) {
      throw Refusal.missing(
          "there is no group "
              + Asked.brief(group)
              + "; there are "
              + String.join(", ", groups().stream().map(Group::name).toList()));
    }
    return entries;
  }

  private Entry entry(String group, int index, List<String> names) {
    return switch (group) {
      case HELD_OUT ->
          new Entry(
              "" + index,
              Scenes.reference(HELD_OUT, index),
              "scene " + index,
              group,
              "--scene-seed " + index);
      case OWN -> {
        String name = names.get(index);
        String folder = folder(name).toString();
        yield new Entry(OWN + "~" + name, folder, name, group, "--scene " + quoted(folder));
      }
      default -> {
        DataSet set = data.get(group);
        yield new Entry(
            group + "~" + index,
            Scenes.reference(set.given, index),
            set.clips.name(index),
            group,
            "--data " + quoted(set.given) + " --scene " + index);
      }
    };
  }

  /** A word as a shell takes it. */
  private static String quoted(String word) {
    return word.matches("[A-Za-z0-9_./:=@%+-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
  }

  /** A scene of the list by its id or by what edits call it. */
  Entry find(String idOrReference) throws IOException {
    Matcher id = ID.matcher(idOrReference);
    if (id.matches()) {
      String group = id.group(1);
      String name = id.group(2);
      boolean number = name.matches("\\d{1,9}");
      boolean heldOut = group == null || group.equals(HELD_OUT);
      if (heldOut && number && Integer.parseInt(name) < MOST_HELD_OUT) {
        return entry(HELD_OUT, Integer.parseInt(name), null);
      }
      if (OWN.equals(group) && ownNames().contains(name)) {
        return entry(OWN, 0, List.of(name));
      }
    }
    for (String group : data.keySet()) {
      DataSet set = data.get(group);
      for (String called : List.of(group + "~", set.given + "~")) {
        String number =
            idOrReference.startsWith(called) ? idOrReference.substring(called.length()) : "";
        if (number.matches("\\d{1,9}") && Integer.parseInt(number) < set.clips.size()) {
          return entry(group, Integer.parseInt(number), null);
        }
      }
    }
    for (String name : ownNames()) {
      if (folder(name).toString().equals(idOrReference)) {
        return entry(OWN, 0, List.of(name));
      }
    }
    throw Refusal.missing(
        "there is no scene " + Asked.brief(idOrReference) + "; /api/scenes lists them");
  }

  /** A scene as a model sees it. */
  SceneView view(String idOrReference, Models.Assets model) throws IOException {
    return view(find(idOrReference), model.preset().imageSize(), slots(model));
  }

  /** The number of objects that a model has room for. */
  static int slots(Models.Assets model) {
    return Scenes.dataOf(model.preset()).slots();
  }

  private SceneView view(Entry entry, int size, int slots) throws IOException {
    Key key = new Key(entry.id(), size, slots);
    synchronized (views) {
      SceneView known = views.get(key);
      if (known != null) {
        return known;
      }
    }
    SceneView made = SceneView.of(entry.reference(), read(entry), size, slots);
    synchronized (views) {
      views.put(key, made);
    }
    return made;
  }

  private Scene read(Entry entry) throws IOException {
    String name = entry.id().substring(entry.id().indexOf('~') + 1);
    return switch (entry.group()) {
      case HELD_OUT -> HeldOut.scene(rendering, Long.parseLong(name), renderedSize);
      case OWN -> SceneReader.read(folder(name));
      default -> data.get(entry.group()).clips.scene(Integer.parseInt(name));
    };
  }

  /** The scenes that edits may refer to, as a model sees them. */
  SceneLibrary library(Models.Assets model) {
    return name -> view(name, model);
  }

  /** A name for a scene that is to be saved, which no other has. */
  String free(String wanted) throws IOException {
    String base =
        wanted.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-").replaceAll("^-+|-+$", "");
    base = base.isEmpty() ? "scene" : base.substring(0, Math.min(base.length(), 40));
    String free = base;
    for (int i = 2; Files.exists(folder(free)); i++) {
      free = base + "-" + i;
    }
    return free;
  }
}
