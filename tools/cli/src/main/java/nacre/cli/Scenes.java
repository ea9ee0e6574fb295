package nacre.cli;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import nacre.cli.options.UserException;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.data.DataConfig;
import nacre.neuralassets.data.HeldOut;
import nacre.neuralassets.edit.Edit;
import nacre.neuralassets.edit.EditException;
import nacre.neuralassets.edit.GroundTruth;
import nacre.neuralassets.edit.SceneLibrary;
import nacre.neuralassets.edit.SceneView;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.TrainingPreset;
import nacre.neuralassets.render.SceneDescription;
import nacre.neuralassets.render.SyntheticOrigin;
import nacre.neuralassets.scene.PngFile;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;
import nacre.neuralassets.scene.SceneReader;

/**
 * Scenes by name: a number is a held-out scene, or a clip of a data set if there is one; {@code
 * held-out~NUMBER} and {@code [NAME:]PATH~NUMBER} are these, whatever data set there is; everything
 * else is the identity of such a clip, or a folder. Each is read once.
 */
public final class Scenes implements SceneLibrary {
  /** The held-out scenes where a name says which data set it means. */
  public static final String HELD_OUT = "held-out";

  private static final Pattern OF_DATA = Pattern.compile("(.+)~(\\d{1,9})");

  private final Preset preset;
  private final DataConfig config;
  private final int size;
  private final Map<String, SceneView> views = new HashMap<>();
  private final Map<String, ClipSource> others = new HashMap<>();

  /** The data set whose clips are meant; null for none. */
  private final ClipSource data;

  Scenes(Preset preset) {
    this(preset, null);
  }

  /**
   * Scenes for a model.
   *
   * @param data the data set whose clips are meant by names; null for none
   */
  Scenes(Preset preset, ClipSource data) {
    this.preset = preset;
    this.config = dataOf(preset);
    this.size = preset.imageSize();
    this.data = data;
  }

  /** What edits call a clip of a data set, or a held-out scene. */
  public static String reference(String data, long number) {
    return data + "~" + number;
  }

  /** The data set of a preset. */
  public static DataConfig dataOf(TrainingPreset preset) {
    return DataConfig.of(
        preset
            .data()
            .orElseThrow(
                () ->
                    new UserException(
                        String.format(
                            Locale.ROOT,
                            "preset %s: \"data\" is missing; it says what to train on",
                            preset.name()))));
  }

  /** The number of scenes that have numbers. */
  long count() {
    return data == null ? Long.MAX_VALUE : data.size();
  }

  DataConfig config() {
    return config;
  }

  @Override
  public SceneView view(String name) throws IOException {
    SceneView known = views.get(name);
    if (known == null) {
      known = SceneView.of(name, scene(name), size, config.slots());
      views.put(name, known);
    }
    return known;
  }

  /** Adds a scene of a data set, which edits may then refer to by its name there. */
  SceneView view(ClipSource source, int index) throws IOException {
    String name = source.name(index);
    SceneView known = views.get(name);
    if (known == null) {
      known = SceneView.of(name, source.scene(index), size, config.slots());
      views.put(name, known);
    }
    return known;
  }

  /**
   * The ground truth of a frame after edits.
   *
   * @return empty for scenes that were not rendered here, and for edits that use another scene
   */
  Optional<BufferedImage> truth(SceneView view, List<Edit> edits) throws IOException {
    boolean own =
        edits.stream().noneMatch(e -> e instanceof Edit.Replace || e instanceof Edit.Background);
    Optional<SceneDescription> description = own ? description(view.name()) : Optional.empty();
    if (description.isEmpty()) {
      return Optional.empty();
    }
    SceneFrame frame =
        GroundTruth.render(
            description.get(),
            view.target(),
            edits,
            size,
            size,
            config.rendering().orElseThrow().samplesPerSide());
    return Optional.of(PngFile.image(frame.rgb(), size, size));
  }

  private Optional<SceneDescription> description(String name) throws IOException {
    Matcher reference = OF_DATA.matcher(name);
    if (reference.matches() && reference.group(1).equals(HELD_OUT)) {
      return Optional.of(HeldOut.describe(config.scene(), Long.parseLong(reference.group(2))));
    }
    if (data != null || reference.matches() && !Files.isDirectory(Path.of(name))) {
      return Optional.empty();
    }
    if (name.matches("\\d+")) {
      return Optional.of(HeldOut.describe(config.scene(), Long.parseLong(name)));
    }
    return SyntheticOrigin.read(Path.of(name)).map(SyntheticOrigin::describe);
  }

  private Scene scene(String name) throws IOException {
    Matcher reference = OF_DATA.matcher(name);
    if (reference.matches() && !Files.isDirectory(Path.of(name))) {
      String set = reference.group(1);
      String number = reference.group(2);
      if (set.equals(HELD_OUT)) {
        return HeldOut.scene(config, Long.parseLong(number), size);
      }
      if (!others.containsKey(set)) {
        others.put(set, DataChoice.open(set, preset));
      }
      return others.get(set).scene(DataChoice.index(others.get(set), number));
    }
    if (data != null && !Files.isDirectory(Path.of(name))) {
      return data.scene(DataChoice.index(data, name));
    }
    if (!name.matches("\\d+")) {
      return SceneReader.read(Path.of(name));
    }
    try {
      return HeldOut.scene(config, Long.parseLong(name), size);
    } catch (NumberFormatException e) {
      throw new EditException("scene " + name + ": the number is too large");
    }
  }
}
