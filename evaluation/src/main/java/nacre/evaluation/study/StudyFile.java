package nacre.evaluation.study;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import nacre.evaluation.benchmark.EditBenchmark;
import nacre.neuralassets.model.Preset;
import nacre.neuralassets.model.PresetFile;
import nacre.neuralassets.training.RunLength;
import nacre.weights.JsonFile;
import nacre.weights.NearName;
import nacre.weights.OneLine;
import nacre.weights.WeightsException;

/**
 * A study as its file has it: variants of a preset, each trained with every seed on the same
 * budget, methods that need no training, and which of them are compared.
 *
 * <pre>{@code
 * {
 *   "title": "Is the background's pose of use?",
 *   "base": "demo",
 *   "budget": {"steps": 8000},
 *   "seeds": [0, 1, 2],
 *   "variants": {"plain": {}, "no-pose": {"asset_tokens": {"background": "no-pose"}}},
 *   "methods": ["copy"],
 *   "comparisons": [["plain", "no-pose"], ["plain", "copy"]]
 * }
 * }</pre>
 *
 * @param title in tables and plots
 * @param length of every run
 * @param seeds of the runs
 * @param variants presets by their names
 * @param methods that need no training, by their names
 * @param comparisons pairs of names: by how much is the first ahead of the second?
 * @param cases of the benchmark of edits, the first of all
 * @param pairs of frames of held-out scenes, which are measured beside the edits
 */
public record StudyFile(
    String title,
    RunLength length,
    List<Long> seeds,
    Map<String, Variant> variants,
    List<String> methods,
    List<Comparison> comparisons,
    int cases,
    int pairs) {
  private static final Set<String> KEYS =
      new LinkedHashSet<>(
          List.of(
              "title",
              "base",
              "budget",
              "seeds",
              "variants",
              "methods",
              "comparisons",
              "cases",
              "pairs"));

  /** Variants and seeds that a file may have; more are a mistake. */
  private static final int MOST = 100;

  private static final int MOST_PAIRS = 10_000;

  /**
   * A variant of the base.
   *
   * @param file the base with the variant's keys
   */
  public record Variant(PresetFile file, Preset preset) {}

  /** The number of all that is drawn: of edits, then of pairs. */
  public int drawn() {
    return cases + pairs;
  }

  /** A comparison: by how much the first is ahead of the second. */
  public record Comparison(String first, String second) {}

  /**
   * Reads a study, and every preset that it asks for.
   *
   * @param known the methods that need no training
   * @throws IOException if a file cannot be read, or holds no study, in one line
   * @throws IllegalArgumentException in one line, if a variant is no preset
   */
  public static StudyFile read(Path file, Set<String> known) throws IOException {
    return new Reader(file, known).read();
  }

  private record Reader(Path file, Set<String> known) {
    StudyFile read() throws IOException {
      JsonNode root = JsonFile.read(file);
      for (Map.Entry<String, JsonNode> entry : root.properties()) {
        if (!KEYS.contains(entry.getKey())) {
          throw wrong(
              "\"%s\" is no key of a study%s", entry.getKey(), NearName.hint(entry.getKey(), KEYS));
        }
      }
      Map<String, Variant> variants = variants(root);
      List<String> methods = methods(root, variants.keySet());
      if (variants.isEmpty() && methods.isEmpty()) {
        throw wrong("there are neither \"variants\" nor \"methods\"");
      }
      return new StudyFile(
          root.hasNonNull("title") ? text(root.get("title"), "title") : stem(),
          length(root.path("budget")),
          seeds(root),
          variants,
          methods,
          comparisons(root, variants.keySet(), methods),
          root.has("cases")
              ? (int) whole(root.get("cases"), "cases", 2, EditBenchmark.COUNT)
              : EditBenchmark.COUNT,
          root.has("pairs") ? (int) whole(root.get("pairs"), "pairs", 0, MOST_PAIRS) : 0);
    }

    private String stem() {
      return file.getFileName().toString().replaceFirst("\\.json$", "");
    }

    private RunLength length(JsonNode budget) throws WeightsException {
      if (budget.size() == 1 && budget.has("steps")) {
        return new RunLength.Steps(whole(budget.get("steps"), "budget.steps", 1, 1_000_000_000));
      }
      if (budget.size() == 1 && budget.path("minutes").isNumber()) {
        double minutes = budget.get("minutes").doubleValue();
        if (minutes > 0 && minutes <= 1e7) {
          return new RunLength.Minutes(minutes);
        }
      }
      throw wrong("\"budget\" must be {\"steps\": N} or {\"minutes\": M}, the same for every run");
    }

    private List<Long> seeds(JsonNode root) throws WeightsException {
      Set<Long> seeds = new LinkedHashSet<>();
      for (JsonNode seed : list(root, "seeds")) {
        if (!seeds.add(whole(seed, "seeds", 0, Long.MAX_VALUE))) {
          throw wrong("\"seeds\" has %s twice", seed);
        }
      }
      return seeds.isEmpty() ? List.of(0L) : List.copyOf(seeds);
    }

    private Map<String, Variant> variants(JsonNode root) throws IOException {
      JsonNode given = root.path("variants");
      if (!given.isMissingNode() && !given.isObject() || given.size() > MOST) {
        throw wrong("\"variants\" must be an object, a name and a preset's keys each, at most 100");
      }
      Map<String, Variant> variants = new LinkedHashMap<>();
      if (given.isEmpty()) {
        return variants;
      }
      PresetFile base = base(root);
      for (Map.Entry<String, JsonNode> entry : given.properties()) {
        String name = name(entry.getKey());
        if (!(entry.getValue() instanceof ObjectNode keys)) {
          throw wrong("variant %s must be an object of a preset's keys", name);
        }
        try {
          PresetFile merged = base.overlaid(name, keys, file.toAbsolutePath().getParent());
          variants.put(name, new Variant(merged, merged.preset()));
        } catch (IllegalArgumentException e) {
          throw wrong("variant %s: %s", name, e.getMessage());
        }
      }
      requireSame(variants);
      return variants;
    }

    /** A preset's name, or its file, which lies beside the study. */
    private PresetFile base(JsonNode root) throws IOException {
      String base = text(root.path("base"), "base");
      String place =
          PresetFile.builtin().contains(base)
              ? base
              : file.toAbsolutePath().resolveSibling(base).toString();
      try {
        return PresetFile.named(place);
      } catch (IllegalArgumentException e) {
        throw wrong("\"base\": %s", e.getMessage());
      }
    }

    /** All are measured on the same pictures. */
    private void requireSame(Map<String, Variant> variants) throws WeightsException {
      Set<Integer> sizes = new TreeSet<>();
      variants.values().forEach(variant -> sizes.add(variant.preset().imageSize()));
      if (sizes.size() > 1) {
        throw wrong("variants draw pictures of different sizes: %s", sizes);
      }
    }

    private List<String> methods(JsonNode root, Set<String> variants) throws WeightsException {
      Set<String> methods = new LinkedHashSet<>();
      for (JsonNode entry : list(root, "methods")) {
        String method = text(entry, "methods");
        if (!known.contains(method)) {
          throw wrong(
              "method \"%s\" is not known; known are %s%s",
              OneLine.clip(method), String.join(", ", known), NearName.hint(method, known));
        }
        if (variants.contains(method)) {
          throw wrong("%s is the name of a variant and of a method", method);
        }
        if (!methods.add(method)) {
          throw wrong("\"methods\" has %s twice", method);
        }
      }
      return List.copyOf(methods);
    }

    private List<Comparison> comparisons(JsonNode root, Set<String> variants, List<String> methods)
        throws WeightsException {
      Set<String> names = new LinkedHashSet<>(variants);
      names.addAll(methods);
      List<Comparison> comparisons = new ArrayList<>();
      for (JsonNode pair : list(root, "comparisons")) {
        if (!pair.isArray() || pair.size() != 2) {
          throw wrong("\"comparisons\" are pairs of names, such as [\"plain\", \"copy\"]");
        }
        String[] both = new String[2];
        for (int i = 0; i < 2; i++) {
          both[i] = text(pair.get(i), "comparisons");
          if (!names.contains(both[i])) {
            throw wrong(
                "\"comparisons\": the study has no %s; it has %s%s",
                OneLine.clip(both[i]), OneLine.list(names), NearName.hint(both[i], names));
          }
        }
        if (both[0].equals(both[1])) {
          throw wrong("\"comparisons\": %s is compared with itself", both[0]);
        }
        comparisons.add(new Comparison(both[0], both[1]));
      }
      return List.copyOf(comparisons);
    }

    private JsonNode list(JsonNode root, String key) throws WeightsException {
      JsonNode list = root.path(key);
      if (!list.isMissingNode() && !list.isArray() || list.size() > MOST) {
        throw wrong("\"%s\" must be an array of at most %d", key, MOST);
      }
      return list;
    }

    private String name(String name) throws WeightsException {
      if (!name.matches("[a-z0-9][a-z0-9-]{0,59}")) {
        throw wrong(
            "a variant is named \"%s\"; names are small letters, digits and hyphens, as they are"
                + " folders' names, too",
            OneLine.clip(name));
      }
      return name;
    }

    private String text(JsonNode node, String key) throws WeightsException {
      if (!node.isTextual() || node.textValue().isBlank()) {
        throw wrong("\"%s\" is missing, or no text", key);
      }
      return node.textValue();
    }

    private long whole(JsonNode node, String key, long least, long most) throws WeightsException {
      if (!node.isIntegralNumber()
          || !node.canConvertToLong()
          || node.longValue() < least
          || node.longValue() > most) {
        throw wrong(
            "\"%s\" is %s, must be a whole number from %d to %d",
            key, OneLine.clip(node.toString()), least, most);
      }
      return node.longValue();
    }

    private WeightsException wrong(String format, Object... values) {
      return new WeightsException(file, String.format(Locale.ROOT, format, values));
    }
  }
}
