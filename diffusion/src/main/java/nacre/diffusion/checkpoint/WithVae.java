package nacre.diffusion.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import nacre.diffusion.vae.VaeConfig;
import nacre.weights.JsonFile;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * A model whose autoencoder is replaced by another one on disk: a folder as diffusers saves it, or
 * a single file under diffusers' names or under those of the original code.
 */
public final class WithVae implements Checkpoint {
  private static final String CONFIG = "config.json";
  private static final List<String> PARTS =
      List.of("encoder.", "decoder.", "quant_conv.", "post_quant_conv.");

  /** What names in single files may begin with; the first that occurs counts. */
  private static final List<String> PREFIXES = List.of(OriginalNames.VAE, "vae.", "");

  private final Checkpoint model;
  private final Path path;
  private final JsonNode config;

  private WithVae(Checkpoint model, Path path, JsonNode config) {
    this.model = model;
    this.path = path;
    this.config = config;
  }

  /**
   * A model with another autoencoder. The configuration is the autoencoder's own where it has one,
   * in its folder or in the metadata of a file that Nacre wrote; a file without is taken for one of
   * the model's shape and of Stable Diffusion's usual scaling, as diffusers does.
   *
   * @param vae a folder, a folder of a whole model, or a single file
   * @throws WeightsException if there is none, or it is malformed, in one line
   */
  public static WithVae of(Checkpoint model, Path vae) throws WeightsException {
    if (!Files.isDirectory(vae)) {
      return new WithVae(model, vae, configOfFile(model, vae));
    }
    Path folder = vae.resolve(Component.VAE.folder());
    Path inner = Files.exists(folder.resolve(CONFIG)) ? folder : vae;
    return new WithVae(model, inner, JsonFile.read(inner.resolve(CONFIG)));
  }

  private static JsonNode configOfFile(Checkpoint model, Path file) throws WeightsException {
    try (StateDict dict = StateDict.open(file)) {
      prefix(file, dict); // before the config of something else is read
      String own = dict.metadata().get(Component.VAE.config());
      if (own != null) {
        return JsonFile.parse(file, own, json -> json);
      }
      Path beside = file.resolveSibling(CONFIG);
      boolean inFolder = file.getFileName().toString().startsWith(Component.VAE.stem());
      if (inFolder && Files.exists(beside)) {
        return JsonFile.read(beside);
      }
    }
    ObjectNode usual = model.config(Component.VAE.config(), json -> (ObjectNode) json.deepCopy());
    usual.remove(List.of("scaling_factor", "shift_factor")); // the defaults are Stable Diffusion's
    return usual;
  }

  @Override
  public Path path() {
    return model.path();
  }

  @Override
  public JsonNode index() throws WeightsException {
    return model.index();
  }

  @Override
  public <T> T config(String name, Function<JsonNode, T> build) throws WeightsException {
    if (!name.equals(Component.VAE.config())) {
      return model.config(name, build);
    }
    try {
      return build.apply(config);
    } catch (IllegalArgumentException e) {
      throw new WeightsException(path, e.getMessage(), e);
    }
  }

  @Override
  public StateDict weights(Component component) throws WeightsException {
    if (component != Component.VAE) {
      return model.weights(component);
    }
    StateDict dict =
        Files.isDirectory(path) ? StateDict.open(path, Component.VAE.stem()) : StateDict.open(path);
    try {
      return named(dict);
    } catch (WeightsException | RuntimeException e) {
      dict.close();
      throw e;
    }
  }

  private StateDict named(StateDict dict) throws WeightsException {
    StateDict own = dict.under(prefix(path, dict)).rename(name -> isPart(name) ? name : null);
    if (!begins(own.entries(), "decoder.up.")) {
      return own.rename(Component.VAE::currentName);
    }
    VaeConfig shape = config(Component.VAE.config(), VaeConfig::of);
    return own.translate(OriginalNames.vae(shape));
  }

  /** What the autoencoder's names begin with in a file. */
  private static String prefix(Path path, StateDict dict) throws WeightsException {
    Map<String, ?> names = dict.entries();
    Optional<String> prefix =
        PREFIXES.stream().filter(start -> begins(names, start + "decoder.up")).findFirst();
    if (prefix.isEmpty()) {
      throw new WeightsException(
          path,
          "is no autoencoder: it has no decoder.up_blocks.* (diffusers' names), no decoder.up.* and"
              + " no first_stage_model.decoder.up.* (the original code's)");
    }
    return prefix.get();
  }

  private static boolean begins(Map<String, ?> names, String start) {
    return names.keySet().stream().anyMatch(name -> name.startsWith(start));
  }

  /** Not the losses, discriminators and averages that were kept in training. */
  private static boolean isPart(String name) {
    return PARTS.stream().anyMatch(name::startsWith);
  }
}
