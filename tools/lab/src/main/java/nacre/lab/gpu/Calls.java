package nacre.lab.gpu;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** The benchmark of driver calls through FFM, and through JCuda's JNI. */
final class Calls {
  private Calls() {}

  static Finding run(Workbench bench) throws IOException, InterruptedException {
    if (!Files.isDirectory(bench.home().resolve("calls"))) {
      return Finding.of(
          Status.SKIPPED,
          "the archive has no JCuda; tools/lab/calls times calls where it is built");
    }
    Path file = bench.scratch().resolve("jmh.json");
    String classPath = bench.home().resolve("calls") + "/*" + File.pathSeparator + bench.jars();
    List<String> command = Workbench.java(classPath);
    command.addAll(List.of("nacre.lab.calls.Main", "-rff", file.toString()));
    if (bench.small()) {
      command.addAll(List.of("-f", "1", "-wi", "1", "-i", "1", "-w", "100ms", "-r", "100ms"));
    }
    Workbench.Ran ran = bench.run(bench.home(), command);
    if (ran.status() != 0 || !Files.isRegularFile(file)) {
      return Finding.of(Status.FAILED, "the benchmark of calls " + ran.failure());
    }
    ObjectNode numbers = JsonNodeFactory.instance.objectNode();
    ObjectNode calls = numbers.putObject("calls");
    for (JsonNode one : new JsonMapper().readTree(file.toFile())) {
      // nacre.lab.calls.Ffm.cuEventRecord
      String[] name = one.path("benchmark").asText().split("\\.");
      String call = name[name.length - 1];
      String side = name[name.length - 2].toLowerCase(Locale.ROOT) + "_ns";
      JsonNode score = one.path("primaryMetric").path("score");
      (calls.has(call) ? (ObjectNode) calls.get(call) : calls.putObject(call)).set(side, score);
    }
    String alone =
        ran.lines().stream().filter(line -> line.startsWith("calls: ")).findFirst().orElse("");
    String sentence = calls.size() + " calls timed" + (alone.isEmpty() ? "" : "; " + alone);
    return Finding.passed(sentence, numbers);
  }
}
