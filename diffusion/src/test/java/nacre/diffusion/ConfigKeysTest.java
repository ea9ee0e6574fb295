package nacre.diffusion;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import nacre.diffusion.unet.UNetConfig;
import nacre.diffusion.vae.VaeConfig;
import org.junit.jupiter.api.Test;

/**
 * No key of a config is passed over. The bundles hold every argument of diffusers' constructors: a
 * value that is not the bundle's must change what is built, or be refused.
 */
class ConfigKeysTest {
  private static final Path BUNDLES = Path.of("../tools/cli/src/test/resources/bundles");

  /** Sizes of parts that other keys, which are refused, would add. */
  private static final Set<String> OF_PARTS_NOT_BUILT =
      Set.of(
          "addition_embed_type_num_heads",
          "addition_time_embed_dim",
          "mid_block_only_cross_attention",
          "projection_class_embeddings_input_dim");

  private static ObjectNode config(String bundle) throws IOException {
    Path file = BUNDLES.resolve(bundle).resolve("case.json");
    return (ObjectNode) new JsonMapper().readTree(file.toFile()).get("config");
  }

  /** Another value of the same kind. */
  private static JsonNode other(JsonNode value) {
    JsonNodeFactory f = JsonNodeFactory.instance;
    if (value.isBoolean()) {
      return f.booleanNode(!value.booleanValue());
    }
    if (value.isNumber()) {
      return value.isIntegralNumber()
          ? f.numberNode(2 * value.intValue() + 2)
          : f.numberNode(2 * value.doubleValue() + 0.25);
    }
    if (value.isArray()) {
      return f.arrayNode().addAll(value.valueStream().map(ConfigKeysTest::other).toList());
    }
    return f.textNode("other");
  }

  private static void assertNoneIsPassedOver(ObjectNode json, Function<JsonNode, Object> read) {
    Object original = read.apply(json);
    Set<String> passedOver = new TreeSet<>();
    for (String key : json.properties().stream().map(p -> p.getKey()).toList()) {
      ObjectNode changed = json.deepCopy();
      changed.set(key, other(json.get(key)));
      try {
        if (read.apply(changed).equals(original)) {
          passedOver.add(key);
        }
      } catch (IllegalArgumentException e) {
        assertTrue(e.getMessage().contains(key), e.getMessage());
      }
    }
    passedOver.removeAll(OF_PARTS_NOT_BUILT);
    assertEquals(Set.of(), passedOver);
  }

  @Test
  void ofUNets() throws IOException {
    ObjectNode json = config("unet-two-levels");
    assertTrue(json.size() > 40, "all arguments, not those that differ from their defaults");
    assertNoneIsPassedOver(json, UNetConfig::of);
  }

  @Test
  void ofAutoencoders() throws IOException {
    ObjectNode json = config("vae-encode");
    assertTrue(json.size() > 15, "all arguments, not those that differ from their defaults");
    assertNoneIsPassedOver(json, VaeConfig::of);
  }
}
