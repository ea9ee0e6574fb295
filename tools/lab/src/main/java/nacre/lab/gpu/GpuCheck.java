package nacre.lab.gpu;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import nacre.cli.options.Accepts;
import nacre.cli.options.CudaOptions;
import nacre.cli.options.UsageException;
import nacre.cli.options.UserException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code ./check} of the archive that {@code tools/lab/gpu/bundle} makes: tests and times
 * everything that needs a GPU, part by part.
 */
@Command(
    name = "gpu-check",
    hidden = true,
    description = "Check Nacre on the first NVIDIA GPU of this machine, and time it.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
public final class GpuCheck implements Callable<Integer> {
  /** A part is begun where a fraction of its limit is left, one in so many. */
  private static final int WORTH = 4;

  @Spec private CommandSpec spec;

  @Option(names = "--home", hidden = true)
  private Path home;

  @Option(names = "--list", description = "Print the parts, and do nothing.")
  private boolean list;

  @Option(
      names = "--only",
      paramLabel = "PART",
      split = ",",
      description = "Parts to run, by name, or by the word before the dash: verify, bench.")
  private List<String> only = List.of();

  @Option(
      names = "--out",
      paramLabel = "FOLDER",
      description = "Where results go; results/GPU-DATE unless given.")
  private Path out;

  @Option(names = "--resume", description = "Leave out the parts that have a result in there.")
  private boolean resume;

  @Option(
      names = "--minutes",
      paramLabel = "M",
      description = "Time for everything; what does not fit is left for --resume.")
  @Accepts(above = 0, to = 1e5)
  private Double minutes;

  @Option(
      names = "--cuda-libs",
      paramLabel = "FOLDERS",
      description = "Where NVIDIA's libraries are, as in nacre doctor --help.")
  private String cudaLibs;

  @Option(
      names = "--python",
      paramLabel = "COMMAND",
      description =
          "A Python with torch, diffusers and transformers, to time beside. NVIDIA's libraries"
              + " among its packages are found.")
  private String python;

  @Option(
      names = "--small",
      description = "Try the check itself, with little work; its numbers mean nothing.")
  private boolean small;

  @Override
  public Integer call() throws IOException, InterruptedException {
    PrintWriter console = spec.commandLine().getOut();
    List<Part> parts = chosen();
    if (list) {
      parts.forEach(part -> console.println(line(part)));
      console.flush();
      return 0;
    }
    if (home == null) {
      throw new UsageException(
          "gpu-check runs from the archive that tools/lab/gpu/bundle packs, as"
              + " nacre-gpu-check/check");
    }
    long end = minutes == null ? Long.MAX_VALUE : System.nanoTime() + (long) (minutes * 60e9);
    if (cudaLibs != null) {
      CudaOptions.requireFolders("--cuda-libs", cudaLibs);
    }
    home = home.toAbsolutePath();
    Python interpreter = python == null ? null : Python.ask(command(python));
    Path scratch = Files.createTempDirectory("nacre-check-");
    try {
      return run(parts, interpreter, scratch, end, console);
    } finally {
      delete(scratch);
    }
  }

  /** A name is looked up on the PATH, a path is relative to the working directory. */
  private static String command(String python) {
    return python.contains("/") ? Path.of(python).toAbsolutePath().toString() : python;
  }

  private static String line(Part part) {
    return String.format(
        Locale.ROOT,
        "%-24s %2d min at most   %s",
        part.name(),
        part.limit().toMinutes(),
        part.title());
  }

  private List<Part> chosen() {
    List<Part> all = Parts.all();
    for (String word : only) {
      if (all.stream().noneMatch(part -> part.isMeantBy(word))) {
        throw new UsageException("--only: no part is called " + word + "; --list lists them");
      }
    }
    return all.stream()
        .filter(part -> only.isEmpty() || only.stream().anyMatch(part::isMeantBy))
        .toList();
  }

  private int run(List<Part> parts, Python interpreter, Path scratch, long end, PrintWriter console)
      throws IOException, InterruptedException {
    Path log = scratch.resolve("log.txt");
    Map<String, String> environment = environment(interpreter);
    long soon = Math.min(end, System.nanoTime() + 120_000_000_000L);
    long start = System.nanoTime();
    Workbench.Ran doctor =
        new Workbench(home, scratch, log, interpreter, small, soon, environment).nacre("doctor");
    doctor.lines().forEach(console::println);
    GpuInfo gpu = GpuInfo.of(doctor.lines());
    if (gpu == null) {
      throw new UserException("there is no GPU to check, for what is said above");
    }
    Path folder = folder(gpu);
    if (!resume && Report.isIn(folder)) {
      throw new UserException(
          folder + " holds results already; --resume goes on with them, --out names another");
    }
    ObjectNode circumstances = Circumstances.of(home, small, interpreter);
    Report report =
        resume
            ? Report.resume(folder, gpu, circumstances)
            : Report.begin(folder, gpu, circumstances);
    console.println("results " + folder.toAbsolutePath());
    boolean good = doctor.status() == 0;
    report.add(
        "doctor",
        "one operation on the GPU, and on the CPU",
        Finding.of(good ? Status.PASSED : Status.FAILED, GpuInfo.finding(doctor.lines())),
        (System.nanoTime() - start) / 1e9);
    for (Part part : parts) {
      Optional<Status> known = report.status(part).filter(Status::isFinal);
      if (known.isEmpty()) {
        console.print(String.format(Locale.ROOT, "%-24s ", part.name()));
        console.flush();
        Path place = Files.createDirectory(scratch.resolve(part.name()));
        long begin = System.nanoTime();
        long limit = Math.min(end, begin + part.limit().toNanos());
        Workbench bench = new Workbench(home, place, log, interpreter, small, limit, environment);
        Finding finding = perform(part, bench, limit == end);
        report.add(part, finding, (System.nanoTime() - begin) / 1e9);
        keepLog(log, folder.resolve("check.log"));
        console.println(finding.status() + ": " + finding.sentence());
        known = Optional.of(finding.status());
      }
      good &= known.get().isGood();
    }
    console.println("table   " + folder.resolve("check.md").toAbsolutePath());
    console.flush();
    return good ? 0 : 1;
  }

  /** The folder that {@code --out} names, else the newest of this GPU to resume, or a new one. */
  private Path folder(GpuInfo gpu) throws IOException {
    if (out != null) {
      return out;
    }
    Path results = Path.of("results");
    String today = gpu.slug() + "-" + LocalDate.now(ZoneOffset.UTC);
    if (resume && Files.isDirectory(results)) {
      try (Stream<Path> all = Files.list(results)) {
        return all.filter(Report::isIn)
            .filter(path -> path.getFileName().toString().startsWith(gpu.slug() + "-"))
            .max(Comparator.naturalOrder())
            .orElse(results.resolve(today));
      }
    }
    return results.resolve(today);
  }

  /** Runs a part; any failure is a finding. */
  private static Finding perform(Part part, Workbench bench, boolean last)
      throws InterruptedException {
    if (bench.deadline() - System.nanoTime() < part.limit().toNanos() / WORTH) {
      return Finding.of(Status.NOT_RUN, "too little time was left");
    }
    try {
      return part.job().run(bench);
    } catch (Part.OutOfTime e) {
      return last
          ? Finding.of(Status.NOT_RUN, "the check's time was over")
          : Finding.of(
              Status.TIMED_OUT,
              String.format(Locale.ROOT, "took longer than %d minutes", part.limit().toMinutes()));
    } catch (IOException e) {
      return Finding.of(Status.FAILED, e.getMessage());
    } catch (RuntimeException e) {
      return Finding.of(Status.FAILED, e.toString());
    }
  }

  private Map<String, String> environment(Python interpreter) {
    Map<String, String> environment = new HashMap<>();
    String libraries =
        cudaLibs == null ? System.getenv().getOrDefault("NACRE_CUDA_LIBS", "") : cudaLibs;
    if (interpreter != null && !interpreter.libraries().isEmpty()) {
      libraries += (libraries.isEmpty() ? "" : ":") + interpreter.libraries();
    }
    // Parts run in other folders than this one.
    if (!libraries.isEmpty()) {
      environment.put("NACRE_CUDA_LIBS", absolute(libraries));
    }
    String simulator = System.getenv("NACRE_CUDA_SIM");
    if (simulator != null) {
      environment.put("NACRE_CUDA_SIM", absolute(simulator));
    }
    if (System.getenv("NACRE_ONEDNN") == null) {
      environment.put("NACRE_ONEDNN", "off"); // it is not in the archive, and nobody misses it
    }
    if (System.getenv("NACRE_CACHE") == null) {
      environment.put("NACRE_CACHE", home.resolve("cache").toString());
    }
    return environment;
  }

  private static String absolute(String paths) {
    return Stream.of(paths.split(File.pathSeparator))
        .filter(path -> !path.isEmpty())
        .map(path -> Path.of(path).toAbsolutePath().toString())
        .collect(Collectors.joining(File.pathSeparator));
  }

  private static void keepLog(Path from, Path to) throws IOException {
    if (Files.exists(from)) {
      byte[] text = Files.readAllBytes(from);
      Files.delete(from);
      Files.write(to, text, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }
}
