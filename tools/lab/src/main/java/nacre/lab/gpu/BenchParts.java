package nacre.lab.gpu;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The benchmark parts: one for each work, so that a slow one does not affect the others. */
final class BenchParts {
  /** Works of {@code nacre bench models}, the most telling first. */
  private static final List<String> WORKS =
      List.of(
          "unet-64-b2",
          "unet-train-32-b32",
          "launches",
          "unet-32-b2",
          "vit-b8-256",
          "vae-decode-512",
          "unet-64-b16",
          "unet-32-b16");

  private BenchParts() {}

  static List<Part> all() {
    List<Part> parts = new ArrayList<>();
    for (String work : WORKS) {
      parts.add(Parts.part("bench-" + work, "benchmark " + work, 6, bench -> models(bench, work)));
    }
    parts.add(Parts.part("bench-calls", "FFM beside JNI, for calls of the driver", 4, Calls::run));
    return parts;
  }

  private static Finding models(Workbench bench, String work)
      throws IOException, InterruptedException {
    Path file = bench.scratch().resolve("bench.json");
    List<String> words = new ArrayList<>(List.of("bench", "models", "--device=cuda"));
    words.addAll(List.of("--work=" + work, "--dtype=bfloat16", "--json=" + file));
    if (bench.small()) {
      words.addAll(List.of("--small", "--seconds=0.01"));
    }
    if (bench.python() != null && bench.python().hasTorch()) {
      String peer = bench.python().command() + " tools/lab/bench/torch_models.py --device cuda";
      words.add("--peer=" + peer);
      words.add("--peer=" + peer + " --compile");
    }
    Workbench.Ran ran = bench.nacre(words);
    if (!Files.isRegularFile(file)) {
      return Finding.of(Status.FAILED, "bench models " + ran.failure());
    }
    ObjectNode numbers = (ObjectNode) new JsonMapper().readTree(file.toFile());
    String sentence = sentence(numbers.path("rows").path(0));
    return ran.status() == 0 || numbers.path("rows").size() == 1
        ? Finding.passed(sentence + missing(bench.python()), numbers)
        : Finding.failed(sentence, numbers);
  }

  private static String sentence(JsonNode row) {
    StringBuilder text = new StringBuilder();
    text.append(String.format(Locale.ROOT, "%.3f ms", row.path("median_s").doubleValue() * 1000));
    for (JsonNode peer : row.path("peers")) {
      if (peer.has("median_s")) {
        text.append(", ").append(peer.path("framework").asText());
        double ratio = peer.path("median_s").doubleValue() / row.path("median_s").doubleValue();
        text.append(String.format(Locale.ROOT, " takes %.2f times as long", ratio));
      } else {
        text.append("; ").append(peer.path("error").asText());
      }
    }
    return text.toString();
  }

  private static String missing(Python python) {
    if (python == null) {
      return "; no peer: --python names an interpreter that has torch";
    }
    return python.hasTorch() ? "" : "; no peer: " + python.packages();
  }
}
