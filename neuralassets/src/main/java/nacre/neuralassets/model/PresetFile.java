package nacre.neuralassets.model;

import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import nacre.neuralassets.encoder.PretrainedEncoder;
import nacre.weights.JsonFile;
import nacre.weights.TextFile;

/**
 * A preset as its file has it, which need not be complete: a pretrained base gives UNet,
 * autoencoder and scheduler, a pretrained image encoder its own sizes.
 *
 * @param name its name in messages
 * @param root its content
 * @param json its text
 * @param isOpen whether its UNet, autoencoder and scheduler are those of {@value #PAPER}, which are
 *     there to be replaced by a base's
 */
public record PresetFile(String name, ObjectNode root, String json, boolean isOpen) {
  private static final List<String> BUILTIN =
      List.of(
          "3dit-multi",
          "autoencoder",
          "demo",
          "movi-e",
          "movi-e-small",
          "object",
          "object-small",
          "objectron",
          "objectron-small",
          "paper",
          "tiny",
          "waymo",
          "waymo-small");

  /** The keys whose values are places of other models, with dots. */
  private static final List<String> PLACES =
      Stream.concat(
              Stream.of(PretrainedBase.BASE, PretrainedAutoencoder.FROM, PretrainedEncoder.FROM),
              AutoencoderPreset.PLACES.stream())
          .toList();

  private static final String PAPER = "paper";
  private static final String EXTENDS = "extends";
  private static final int MOST_PARENTS = 8;
  private static final List<String> BASE_KEYS = List.of("unet", "vae", "scheduler");

  private static final JsonMapper MAPPER =
      JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  /** The names of the presets that come with the project. */
  public static List<String> builtin() {
    return BUILTIN;
  }

  /**
   * A preset by the name of a built-in one, or from a file.
   *
   * @throws IOException if the file cannot be read
   * @throws IllegalArgumentException in one line, if there is neither, or it is no JSON object
   */
  public static PresetFile named(String name) throws IOException {
    Path file = Path.of(name);
    return !BUILTIN.contains(name) && Files.isRegularFile(file) ? read(file) : builtin(name);
  }

  /**
   * A preset in a file. Where it names another model or preset by a relative path, that starts at
   * the file's folder and is made absolute, so that a run that keeps the preset finds it from
   * anywhere.
   *
   * @throws IOException if the file cannot be read
   * @throws IllegalArgumentException in one line, if it is no JSON object
   */
  static PresetFile read(Path file) throws IOException {
    return own(file).extended(file.toAbsolutePath().getParent(), MOST_PARENTS);
  }

  /** What a file itself says. */
  private static PresetFile own(Path file) throws IOException {
    PresetFile preset = of(file.toString(), TextFile.read(file));
    ObjectNode root = placed(preset.root, file.toAbsolutePath().getParent());
    return root.equals(preset.root)
        ? preset
        : new PresetFile(preset.name, root, root.toPrettyString(), false);
  }

  /** A preset's keys with the places of other models as absolute paths. */
  private static ObjectNode placed(ObjectNode keys, Path folder) {
    ObjectNode placed = keys.deepCopy();
    for (String key : PLACES) {
      JsonPointer pointer = JsonPointer.compile("/" + key.replace('.', '/'));
      String place = placed.at(pointer).textValue();
      if (place != null && !place.equals(PretrainedAutoencoder.SHIPPED)) {
        String absolute = folder.resolve(place).normalize().toString();
        ((ObjectNode) placed.at(pointer.head()))
            .put(pointer.last().getMatchingProperty(), absolute);
      }
    }
    return placed;
  }

  /** This preset over the one that it extends: what it does not have is that one's. */
  private PresetFile extended(Path folder, int parents) throws IOException {
    if (!root.has(EXTENDS)) {
      return this;
    }
    JsonNode name = root.get(EXTENDS);
    if (!name.isTextual() || parents == 0) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "preset %s: \"%s\": %s",
              name(),
              EXTENDS,
              name.isTextual() ? "presets extend each other in a circle" : "must name a preset"));
    }
    PresetFile parent;
    if (BUILTIN.contains(name.textValue())) {
      parent = builtin(name.textValue());
    } else {
      Path file = folder.resolve(name.textValue());
      if (!Files.isRegularFile(file)) {
        throw new IllegalArgumentException(
            String.format(Locale.ROOT, "preset %s: \"%s\": there is no %s", name(), EXTENDS, file));
      }
      parent = own(file).extended(file.getParent(), parents - 1);
    }
    ObjectNode own = root.deepCopy();
    own.remove(EXTENDS);
    ObjectNode merged = merged(own, parent.root);
    boolean open = parent.isOpen && BASE_KEYS.stream().noneMatch(root::has);
    return new PresetFile(name(), merged, merged.toPrettyString(), open);
  }

  /**
   * A preset's keys over those of another. With another encoder to begin with, the sizes and images
   * of the other's are not kept.
   */
  private static ObjectNode merged(ObjectNode own, ObjectNode below) {
    ObjectNode merged = below.deepCopy();
    if (own.hasNonNull(PretrainedEncoder.FROM) && !own.has(PretrainedEncoder.ENCODER)) {
      merged.remove(PretrainedEncoder.ENCODER);
      if (merged.get(PretrainedEncoder.TOKENS) instanceof ObjectNode tokens) {
        tokens.remove(PretrainedEncoder.IMAGES);
      }
    }
    lay(own, merged);
    return merged;
  }

  /** Lays an object over another, objects in it likewise; a null takes a key away. */
  private static void lay(ObjectNode above, ObjectNode below) {
    above
        .properties()
        .forEach(
            entry -> {
              JsonNode value = entry.getValue();
              if (value instanceof ObjectNode object
                  && below.get(entry.getKey()) instanceof ObjectNode covered) {
                lay(object, covered);
              } else if (value.isNull()) {
                below.remove(entry.getKey());
              } else {
                below.set(entry.getKey(), value);
              }
            });
  }

  /**
   * This preset with some of its keys replaced, as by a preset that extends it: objects are merged,
   * and a null takes a key away.
   *
   * @param name of what comes out, in messages
   * @param folder at which relative paths start
   */
  public PresetFile overlaid(String name, ObjectNode keys, Path folder) {
    ObjectNode merged = merged(placed(keys, folder.toAbsolutePath()), root);
    boolean open = isOpen && BASE_KEYS.stream().noneMatch(keys::has);
    return new PresetFile(name, merged, merged.toPrettyString(), open);
  }

  /** As {@link Preset#builtin(String)}. */
  static PresetFile builtin(String name) {
    if (!BUILTIN.contains(name)) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "there is no preset '%s'; there are %s, and any JSON file",
              name,
              String.join(", ", BUILTIN)));
    }
    String resource = "/nacre/neuralassets/presets/" + name + ".json";
    try (InputStream in = Preset.class.getResourceAsStream(resource)) {
      String json = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      PresetFile own = of(name, json).extended(Path.of(""), MOST_PARENTS);
      return name.equals(PAPER) ? new PresetFile(name, own.root, own.json, true) : own;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * A preset in a text.
   *
   * @throws IllegalArgumentException in one line, if it is no JSON object
   */
  static PresetFile of(String name, String json) {
    JsonNode root;
    try {
      root = MAPPER.readTree(json);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "preset %s is not valid JSON: %s", name, JsonFile.reason(e)),
          e);
    }
    if (root instanceof ObjectNode object) {
      return new PresetFile(name, object, json, false);
    }
    throw new IllegalArgumentException(
        String.format(
            Locale.ROOT,
            "preset %s is %s; a JSON object is wanted",
            name,
            root.isMissingNode() ? "empty" : "no JSON object"));
  }

  /**
   * This preset with a pretrained base. Of the built-in {@code paper}, which has the sizes of
   * Stable Diffusion 2.1, and of presets that extend it they are replaced; in others a UNet of
   * their own must be the base's.
   *
   * @throws IllegalArgumentException in one line, if it is not, or the sizes do not fit
   */
  public PresetFile with(PretrainedBase base) {
    return changed(preset -> base.describe(preset, isOpen));
  }

  /** This preset with another image encoder, and the sizes and images of that one. */
  public PresetFile with(PretrainedEncoder encoder) {
    return changed(preset -> encoder.describe(preset, true));
  }

  /**
   * The preset, whatever it trains.
   *
   * @throws IOException if files that it names cannot be read
   * @throws IllegalArgumentException in one line, if its content is wrong
   */
  public TrainingPreset trained() throws IOException {
    return AutoencoderPreset.is(this) ? AutoencoderPreset.of(this) : preset();
  }

  /**
   * This preset with low-rank adapters of a rank for the UNet. Their alpha, which is the rank
   * unless the preset has another, and their targets remain the preset's.
   */
  public PresetFile withLora(int rank) {
    return changed(
        preset -> {
          boolean there = preset.get(Preset.LORA) instanceof ObjectNode;
          (there ? preset.withObject(Preset.LORA) : preset.putObject(Preset.LORA))
              .put("rank", rank);
        });
  }

  private PresetFile changed(java.util.function.Consumer<ObjectNode> change) {
    if (AutoencoderPreset.is(this)) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "preset %s trains an autoencoder, which has no base and no image encoder",
              name));
    }
    ObjectNode copy = root.deepCopy();
    try {
      change.accept(copy);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "preset %s: %s", name, e.getMessage()), e);
    }
    return new PresetFile(name, copy, copy.toPrettyString(), isOpen);
  }

  /**
   * The preset. Where it names a base or an image encoder and leaves out their sizes, these are
   * read from there.
   *
   * @throws IOException if those files cannot be read
   * @throws IllegalArgumentException in one line, if its content is wrong
   */
  public Preset preset() throws IOException {
    PresetFile file = this;
    PresetReader reader = new PresetReader(name, "", root);
    boolean sized = root.has("unet") && root.has("vae") && root.has("scheduler");
    if (!sized && root.hasNonNull(PretrainedBase.BASE)) {
      file = with(PretrainedBase.open(PretrainedBase.Location.of(reader).orElseThrow()));
    }
    if (root.hasNonNull(PretrainedAutoencoder.FROM) && !root.has("vae")) {
      String place = reader.text(PretrainedAutoencoder.FROM).orElseThrow();
      file = file.changed(PretrainedAutoencoder.open(place)::describe);
    }
    if (root.hasNonNull(PretrainedEncoder.FROM) && !root.has("image_encoder")) {
      Path folder = Path.of(reader.text(PretrainedEncoder.FROM).orElseThrow());
      PretrainedEncoder encoder = PretrainedEncoder.open(folder);
      file = file.changed(preset -> encoder.describe(preset, false));
    }
    return Preset.of(file);
  }
}
