package nacre.diffusion.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import nacre.diffusion.unet.UNetConfig;
import nacre.diffusion.vae.VaeConfig;

/**
 * The mending of outdated configs: what diffusers and transformers change in a folder's JSON files,
 * or read into them, before they build a model. {@code docs/compatibility.md} lists it all.
 *
 * @see <a
 *     href="https://github.com/huggingface/diffusers/blob/main/src/diffusers/pipelines/stable_diffusion/pipeline_stable_diffusion.py">StableDiffusionPipeline's
 *     constructor</a>
 */
final class OldConfigs {
  private static final String CLASS = "_class_name";
  private static final String CLIP_SAMPLE = "clip_sample";
  private static final String SKIP_PRK_STEPS = "skip_prk_steps";
  private static final String STEPS_OFFSET = "steps_offset";
  private static final String SET_ALPHA_TO_ONE = "set_alpha_to_one";
  private static final String SAMPLE_SIZE = "sample_size";
  private static final String TEXT_CONFIG = "text_config";

  /** The side of Stable Diffusion's latents, which old configs leave at a class's default. */
  private static final int LATENT_SIDE = 64;

  /** What the blocks of diffusers 0.1 were called besides. */
  private static final Pattern OLD_BLOCK = Pattern.compile("^UNetRes(?=\\w+Block2D$)");

  private static final Pattern VERSION = Pattern.compile("(\\d+)\\.(\\d{1,9})(\\D.*)?");

  /** What diffusers' moving average of weights leaves in the config of its model. */
  private static final Set<String> OF_TRAINING =
      Set.of(
          "decay",
          "min_decay",
          "inv_gamma",
          "power",
          "optimization_step",
          "update_after_step",
          "use_ema_warmup");

  private OldConfigs() {}

  /**
   * The config of a model's own scheduler. Stable Diffusion's pipelines count timesteps from 1 and
   * do not clip samples, the one for inpainting takes no Runge-Kutta steps instead, whatever the
   * file says or leaves to a class's defaults; those of latent consistency models change nothing.
   *
   * @param index the folder's {@code model_index.json}, or a missing node. The class that it names
   *     goes before the config's
   */
  static JsonNode ownScheduler(JsonNode json, JsonNode index) {
    ObjectNode mended = scheduler(json);
    JsonNode className = index.path("scheduler").path(1);
    if (className.isTextual()) {
      mended.put(CLASS, className.textValue());
    }
    if (isConsistencyModel(index)) {
      return mended;
    }
    mended.put(STEPS_OFFSET, 1);
    return isInpainting(index) ? mended.put(SKIP_PRK_STEPS, true) : mended.put(CLIP_SAMPLE, false);
  }

  /**
   * The config from which another scheduler is made: the pipeline has mended what is in the file,
   * while the defaults of the new class hold for what is not.
   *
   * @param index as in {@link #ownScheduler}
   */
  static JsonNode otherScheduler(JsonNode json, JsonNode index) {
    ObjectNode mended = scheduler(json);
    if (mended.has(STEPS_OFFSET) && !isConsistencyModel(index)) {
      mended.put(STEPS_OFFSET, 1);
    }
    if (mended.has(CLIP_SAMPLE) && !isConsistencyModel(index) && !isInpainting(index)) {
      mended.put(CLIP_SAMPLE, false);
    }
    return mended;
  }

  /** The config of DDIM for latents, from that of whichever scheduler a model comes with. */
  static JsonNode ddim(JsonNode json) {
    ObjectNode mended = scheduler(json).put(STEPS_OFFSET, 1).put(CLIP_SAMPLE, false);
    return mended.has(SET_ALPHA_TO_ONE) ? mended : mended.put(SET_ALPHA_TO_ONE, false);
  }

  private static boolean isConsistencyModel(JsonNode index) {
    return index.path(CLASS).asText("").startsWith("LatentConsistencyModel");
  }

  private static boolean isInpainting(JsonNode index) {
    return index.path(CLASS).asText("").equals("StableDiffusionInpaintPipeline");
  }

  /** Without the keys of early versions, which say what has been so ever since. */
  private static ObjectNode scheduler(JsonNode json) {
    ObjectNode mended = withoutDefaults(json);
    mended.remove("tensor_format");
    if (mended.path("predict_epsilon").asBoolean(false)) {
      mended.remove("predict_epsilon");
    }
    if (mended.path("timestep_values").isNull()) {
      mended.remove("timestep_values");
    }
    return mended;
  }

  /**
   * A UNet's config: names of old blocks, and a sample of 64 where versions before 0.9 say less.
   */
  static JsonNode unet(JsonNode json) {
    ObjectNode mended = known(json, UNetConfig.KEYS);
    for (String key : List.of("down_block_types", "up_block_types")) {
      if (mended.path(key).isArray()) {
        ArrayNode types = mended.arrayNode();
        mended.get(key).forEach(type -> types.add(currentBlock(type)));
        mended.set(key, types);
      }
    }
    JsonNode side = mended.path(SAMPLE_SIZE);
    if (isBefore09(json.path("_diffusers_version").asText(""))
        && side.isInt()
        && side.intValue() < LATENT_SIDE) {
      mended.put(SAMPLE_SIZE, LATENT_SIDE);
    }
    return mended;
  }

  private static JsonNode currentBlock(JsonNode type) {
    return type.isTextual()
        ? TextNode.valueOf(OLD_BLOCK.matcher(type.textValue()).replaceFirst(""))
        : type;
  }

  /** An autoencoder's config. */
  static JsonNode vae(JsonNode json) {
    return known(json, VaeConfig.KEYS);
  }

  /** A text encoder's config: of a whole CLIP's the part of its text encoder. */
  static JsonNode text(JsonNode json) {
    boolean whole = json.path("model_type").asText("").equals("clip");
    return whole && json.path(TEXT_CONFIG).isObject() ? json.get(TEXT_CONFIG) : json;
  }

  private static boolean isBefore09(String version) {
    Matcher matcher = VERSION.matcher(version);
    return matcher.matches()
        && matcher.group(1).matches("0+")
        && Long.parseLong(matcher.group(2)) < 9;
  }

  /** Without the keys of which a config says that they were only defaults when it was saved. */
  private static ObjectNode withoutDefaults(JsonNode json) {
    ObjectNode rest = json.deepCopy();
    json.path("_use_default_values").forEach(key -> rest.remove(key.asText()));
    return rest;
  }

  private static ObjectNode known(JsonNode json, Set<String> keys) {
    ObjectNode known = withoutDefaults(json);
    known.properties().removeIf(entry -> isStrange(entry.getKey(), keys));
    return known;
  }

  /** Whether a key is not the class's, and means something that is not known here. */
  static boolean isStrange(String key, Set<String> keys) {
    return !key.startsWith("_") && !keys.contains(key);
  }

  /** Whether a strange key is known to change nothing. */
  static boolean isHarmless(String key) {
    return OF_TRAINING.contains(key);
  }
}
