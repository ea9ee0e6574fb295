package nacre.lab.gpu;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * All parts of the check, the most informative first, since time on a GPU may run out at any of
 * them.
 */
final class Parts {
  private static final String SUITE = "nacre.tensor.oracle.OracleTest";
  private static final String FIRST_METHOD =
      String.format(
          Locale.ROOT,
          "[engine:junit-jupiter]/[class:%s]/[test-factory:everyDeviceAgreesWithPlainJava()]/[dynamic-container:#1]",
          SUITE);
  private static final Pattern COUNT = Pattern.compile("\\[ +(\\d+) tests (\\w+) +]");
  private static final Pattern COMPARED =
      Pattern.compile("(\\d+) tensors? of (\\d+) bundles? compared, (\\d+) off;.*");

  /** Number of bundles that one process compares; a fault on the GPU affects only these. */
  private static final int BUNDLES_AT_ONCE = 16;

  private Parts() {}

  static List<Part> all() {
    List<Part> parts = new ArrayList<>();
    parts.add(part("engines", "who serves what in bf16, in a minute", 2, EnginesPart::run));
    parts.add(
        part("operations", "every operation beside plain Java", 8, bench -> tests(bench, true)));
    parts.add(part("verify-f32", "PyTorch's bundles in f32", 4, bench -> verify(bench, "float32")));
    parts.add(
        part("verify-bf16", "PyTorch's bundles in bf16", 4, bench -> verify(bench, "bfloat16")));
    parts.add(part("captured", "steps as a graph, to the bit", 3, LossCurves::captured));
    List<Part> benches = BenchParts.all();
    parts.add(benches.getFirst());
    parts.add(part("training", "the demo's loss beside the CPU's", 6, LossCurves::run));
    for (String checker : List.of("memcheck", "racecheck")) {
      parts.add(
          part(
              checker,
              "compute-sanitizer over a short training",
              6,
              bench -> Sanitizer.run(bench, checker)));
    }
    parts.add(benches.get(1));
    parts.add(part("tests", "all other tests of CUDA", 6, bench -> tests(bench, false)));
    parts.addAll(benches.subList(2, benches.size()));
    return List.copyOf(parts);
  }

  static Part part(String name, String title, int minutes, Part.Job job) {
    return new Part(name, title, Duration.ofMinutes(minutes), job);
  }

  /** Compiled tests that carry the tag {@code cuda}: the suite of operations, or all others. */
  private static Finding tests(Workbench bench, boolean suite)
      throws IOException, InterruptedException {
    Path tests = bench.home().resolve("tests");
    List<Path> modules;
    try (Stream<Path> folders = Files.walk(tests, 2)) {
      modules = folders.filter(f -> Files.isDirectory(f.resolve("classes"))).sorted().toList();
    }
    String shared = tests.resolve("tensor/core/classes").toString(); // the suite of all backends
    Tally all = new Tally();
    for (Path module : modules) {
      boolean backend = module.endsWith("tensor/cuda");
      if (suite && !backend || module.endsWith("tensor/core")) {
        continue;
      }
      String classes = module.resolve("classes").toString();
      List<String> command =
          Workbench.java(
              String.join(
                  File.pathSeparator,
                  classes,
                  shared,
                  tests.resolve("junit.jar").toString(),
                  bench.jars()));
      command.addAll(
          List.of(
              "-ea",
              "-Dnacre.test.gpu=required",
              "org.junit.platform.console.ConsoleLauncher",
              "execute",
              "--disable-banner",
              "--disable-ansi-colors",
              "--details=tree"));
      String simulator = System.getenv("NACRE_CUDA_SIM");
      if (simulator != null) {
        command.add(1, "-Dnacre.cuda.sim=" + simulator); // as the build names it to tests
      }
      if (suite && bench.small()) {
        command.add("--select=uid:" + FIRST_METHOD);
      } else if (suite) {
        command.add("--select-class=" + SUITE);
      } else {
        command.addAll(
            List.of(
                "--scan-classpath=" + (backend ? classes + File.pathSeparator + shared : classes),
                "--include-tag=cuda | backend | oracle",
                "--exclude-classname=" + Pattern.quote(SUITE)));
        if (bench.small()) {
          command.add("--include-classname=.*CapturedStepTest");
        }
      }
      all.add(bench.run(module, command), tests.relativize(module).toString());
    }
    return all.finding();
  }

  /** Counts of tests, over the modules. */
  private static final class Tally {
    private final List<String> broken = new ArrayList<>();
    private long successful;
    private long failed;
    private long skipped;

    void add(Workbench.Ran ran, String module) {
      boolean counted = false;
      for (String line : ran.lines()) {
        Matcher count = COUNT.matcher(line);
        if (count.find()) {
          long n = Long.parseLong(count.group(1));
          switch (count.group(2)) {
            case "successful" -> {
              successful += n;
              counted = true;
            }
            case "failed" -> failed += n;
            case "skipped", "aborted" -> skipped += n;
            default -> {}
          }
        }
      }
      if (!counted || ran.status() > 1) {
        broken.add(module + " " + ran.failure());
      }
    }

    Finding finding() {
      ObjectNode numbers = JsonNodeFactory.instance.objectNode();
      numbers.put("successful", successful).put("failed", failed).put("skipped", skipped);
      String counts =
          String.format(
              Locale.ROOT, "%d tests passed, %d failed, %d skipped", successful, failed, skipped);
      if (!broken.isEmpty()) {
        return Finding.failed(counts + "; " + String.join("; ", broken), numbers);
      }
      return failed == 0 && successful > 0
          ? Finding.passed(counts, numbers)
          : Finding.failed(counts, numbers);
    }
  }

  private static Finding verify(Workbench bench, String dtype)
      throws IOException, InterruptedException {
    List<Path> bundles = bundles(bench);
    ObjectNode numbers = JsonNodeFactory.instance.objectNode();
    List<String> wrong = new ArrayList<>();
    long tensors = 0;
    long off = 0;
    for (int from = 0; from < bundles.size(); from += BUNDLES_AT_ONCE) {
      List<Path> some = bundles.subList(from, Math.min(bundles.size(), from + BUNDLES_AT_ONCE));
      List<String> words = new ArrayList<>(List.of("verify", "--device", "cuda", "--dtype", dtype));
      some.forEach(folder -> words.add(folder.toString()));
      Workbench.Ran ran = bench.nacre(words);
      Matcher compared = COMPARED.matcher(ran.last());
      if (compared.matches()) {
        tensors += Long.parseLong(compared.group(1));
        off += Long.parseLong(compared.group(3));
      }
      ran.lines().stream()
          .filter(line -> line.startsWith("FAIL") || line.startsWith("nacre:"))
          .forEach(wrong::add);
      if (!compared.matches()) {
        wrong.add("from " + some.getFirst().getFileName() + " on: " + ran.failure());
      }
    }
    numbers.put("bundles", bundles.size()).put("tensors", tensors).put("off", off);
    wrong.forEach(numbers.putArray("wrong")::add);
    String counts =
        String.format(
            Locale.ROOT, "%d tensors of %d bundles, %d off", tensors, bundles.size(), off);
    return wrong.isEmpty() && tensors > 0
        ? Finding.passed(counts, numbers)
        : Finding.failed(counts + "; " + wrong.getFirst(), numbers);
  }

  /** The bundles of the archive; a few of them with {@code --small}. */
  private static List<Path> bundles(Workbench bench) throws IOException {
    Path folder = bench.home().resolve("tests/tools/cli/src/test/resources/bundles");
    try (Stream<Path> all = Files.list(folder)) {
      return all.filter(Files::isDirectory)
          .filter(path -> !bench.small() || path.getFileName().toString().startsWith("conv2d-1"))
          .sorted()
          .toList();
    }
  }
}
