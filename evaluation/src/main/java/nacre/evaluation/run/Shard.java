package nacre.evaluation.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A file's worth of values: those of some cases that follow each other, drawn by one method with
 * one seed.
 *
 * @param key what they are values of
 * @param values by the cases' numbers, of the cases that were measured so far
 * @param work what that took
 */
record Shard(Key key, SortedMap<Integer, CaseValues> values, Work work) {
  private static final int FORMAT = 1;

  /**
   * What values are of.
   *
   * @param method its name
   * @param methodDigest of it
   * @param casesDigest of the cases
   * @param seed of what was drawn
   */
  record Key(String method, String methodDigest, String casesDigest, long seed) {}

  /** Copies the map. */
  Shard {
    values = new TreeMap<>(values);
  }

  static Shard empty(Key key) {
    return new Shard(key, new TreeMap<>(), Work.NONE);
  }

  ObjectNode json() {
    ObjectNode root = JsonNodeFactory.instance.objectNode();
    root.put("format", FORMAT).put("method", key.method).put("method_digest", key.methodDigest);
    root.put("cases_digest", key.casesDigest).put("seed", key.seed);
    root.set("work", work.json());
    ArrayNode pictures = root.putArray("pictures");
    values.values().forEach(one -> pictures.add(one.json()));
    return root;
  }

  /**
   * Reads what {@link #json} wrote.
   *
   * @throws IllegalArgumentException if it is of another format, or something is missing
   */
  static Shard of(JsonNode root) {
    if (root.path("format").asInt() != FORMAT) {
      throw new IllegalArgumentException(
          "is of format " + root.path("format") + ", this version of Nacre reads " + FORMAT);
    }
    SortedMap<Integer, CaseValues> values = new TreeMap<>();
    for (JsonNode node : root.path("pictures")) {
      CaseValues one = CaseValues.of(node);
      values.put(one.number(), one);
    }
    Key key =
        new Key(
            root.path("method").asText(),
            root.path("method_digest").asText(),
            root.path("cases_digest").asText(),
            root.path("seed").asLong());
    return new Shard(key, values, Work.of(root.path("work")));
  }
}
