package nacre.tools.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Profile;
import nacre.tensor.Scope;
import nacre.tools.ComputeType;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code nacre bench models}: whole models beside peers, one table. Each work is built, run, and
 * freed before the peers have their turn, since two models for training do not fit one memory.
 */
@Command(
    name = "models",
    description = {
      "Time Stable Diffusion's UNet and VAE, and DINO's ViT, and beside them the same elsewhere.",
      "",
      "Example: nacre bench models --peer 'python3 tools/bench/torch_models.py' \\",
      "           --peer 'python3 tools/bench/torch_models.py --tuned'",
      ""
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class ModelsBench implements Callable<Integer> {
  @Option(
      names = "--work",
      paramLabel = "NAME",
      split = ",",
      description = "What to time; everything unless given. A wrong name lists what there is.")
  private List<String> work = Arrays.stream(ModelWork.values()).map(ModelWork::id).toList();

  @Option(
      names = "--dtype",
      paramLabel = "NAME",
      split = ",",
      defaultValue = "float32,bfloat16",
      converter = ComputeType.class,
      description = "float32, bfloat16 or both; both unless given.")
  private List<DType> dtypes;

  @Option(names = "--device", paramLabel = "NAME", defaultValue = "auto")
  private String device;

  @Option(
      names = "--seconds",
      paramLabel = "N",
      defaultValue = "5",
      description = "How long each is timed, three runs at least; 5 unless given.")
  private double seconds;

  @Option(
      names = "--peer",
      paramLabel = "COMMAND",
      description =
          "A command, split at blanks, that is given --work NAME --config FILE --dtype NAME "
              + "--threads N --seconds N. May be given more than once.")
  private List<String> peers = List.of();

  @Option(
      names = "--profile",
      description =
          "After each work, list where its time goes: operations, then the longest of them.")
  private boolean profile;

  /** Kinds of operands that a profile lists. */
  private static final int LISTED = 16;

  private record Time(double first, double median, double peakGb) {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    List<ModelWork> works = work.stream().map(ModelWork::of).toList();
    Device on = Device.of(device);
    PrintStream out = System.out;
    out.println("device  " + on.backend().describe());
    out.println("machine " + Peer.machine());
    out.println("table   seconds, medians; first is the first run, with what is prepared in it");
    out.printf("%n| work | dtype | first | nacre |");
    for (int i = 0; i < peers.size(); i++) {
      out.printf(" peer %d | ratio |", i + 1);
    }
    out.printf(
        " memory, GB |%n| --- | --- | --: | --: |%s --: |%n", " --: | --: |".repeat(peers.size()));
    for (ModelWork one : works) {
      for (DType dtype : dtypes) {
        row(out, one, dtype, on);
        if (profile) {
          profile(out, one, dtype, on);
        }
      }
    }
    return 0;
  }

  /** The third run, operation by operation. */
  private static void profile(PrintStream out, ModelWork one, DType dtype, Device on) {
    Profile profile = Profile.of(on);
    try (Scope _ = Scope.open()) {
      Runnable run = one.prepare(profile.device(), dtype);
      time(run);
      time(run);
      profile.reset();
      double all = time(run);
      out.printf(Locale.ROOT, "%n%s, %s: %.3f s in one run%n%n", one.title(), dtype, all);
      out.print("| operation | calls | ms | share | operands |\n| --- | --: | --: | --: | --- |\n");
      List<Profile.Row> rows = new ArrayList<>(profile.operations());
      rows.addAll(profile.signatures().stream().limit(LISTED).toList());
      for (Profile.Row row : rows) {
        out.printf(
            Locale.ROOT,
            "| %s | %d | %.1f | %.1f %% | %s |%n",
            row.operation(),
            row.calls(),
            row.seconds() * 1000,
            row.seconds() / all * 100,
            row.operands());
      }
      out.println();
    }
  }

  private void row(PrintStream out, ModelWork one, DType dtype, Device on)
      throws IOException, InterruptedException {
    Time ours = time(one, dtype, on);
    // What the backend keeps for its next use would be missing to the peers.
    on.backend().allocator().trim();
    List<String> names = new ArrayList<>();
    out.printf(
        Locale.ROOT, "| %s | %s | %.2f | %.3f |", one.title(), dtype, ours.first, ours.median);
    for (String command : peers) {
      Path config = Files.createTempFile("config-", ".json");
      try {
        Files.writeString(config, one.config().toString());
        Peer.Answer answer =
            new Peer(command)
                .ask(
                    List.of(
                        "--work", one.id(),
                        "--config", config.toString(),
                        "--dtype", name(dtype),
                        "--seconds", Double.toString(seconds)));
        double median = answer.number("median_s");
        names.add(answer.text("framework"));
        out.printf(Locale.ROOT, " %.3f | %.2f |", median, median / ours.median);
      } finally {
        Files.deleteIfExists(config);
      }
    }
    out.printf(Locale.ROOT, " %.2f |%s%n", ours.peakGb, names.isEmpty() ? "" : " " + names);
    out.flush();
  }

  private Time time(ModelWork one, DType dtype, Device on) {
    try (Scope _ = Scope.open()) {
      Memory.resetPeak();
      Runnable run = one.prepare(on, dtype);
      double first = time(run);
      List<Double> times = new ArrayList<>();
      for (double spent = 0; times.size() < 3 || spent < seconds && times.size() < 200; ) {
        times.add(time(run));
        spent += times.getLast();
      }
      double[] all = times.stream().mapToDouble(Double::doubleValue).toArray();
      return new Time(first, Peer.median(all), Memory.peakBytes() / 1e9);
    }
  }

  private static double time(Runnable run) {
    try (Scope _ = Scope.open()) {
      long begin = System.nanoTime();
      run.run();
      return (System.nanoTime() - begin) / 1e9;
    }
  }

  private static String name(DType dtype) {
    return dtype == DType.F32 ? "float32" : "bfloat16";
  }
}
