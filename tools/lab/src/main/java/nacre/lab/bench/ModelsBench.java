package nacre.lab.bench;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.function.Supplier;
import nacre.cli.options.Accepts;
import nacre.cli.options.CudaOptions;
import nacre.cli.options.DTypeOption;
import nacre.cli.options.DeviceChoice;
import nacre.tensor.CapturedStep;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Profile;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import nacre.tensor.spi.Allocator;
import nacre.weights.AtomicFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code nacre bench models}: whole models beside peers, one table. Each work is built, run, and
 * freed before the peers have their turn, since two models for training do not fit one memory.
 */
@Command(
    name = "models",
    description = {
      "Time Stable Diffusion's UNet and VAE, and DINO's ViT, and beside them other programs.",
      "",
      "Example: nacre bench models --peer 'python3 tools/lab/bench/torch_models.py' \\",
      "           --peer 'python3 tools/lab/bench/torch_models.py --tuned'",
      "         nacre bench models --device cuda --dtype bfloat16 \\",
      "           --peer 'python3 tools/lab/bench/torch_models.py --device cuda --compile'",
      ""
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class ModelsBench implements Callable<Integer> {
  @Option(
      names = "--work",
      paramLabel = "NAME",
      split = ",",
      description =
          "What to time; unless given, all works for the device. A wrong name lists what there"
              + " is.")
  private List<String> work;

  @Option(
      names = "--dtype",
      paramLabel = "NAME",
      split = ",",
      defaultValue = "float32,bfloat16",
      converter = DTypeOption.class,
      description = "float32, bfloat16 or both; both unless given.")
  private List<DType> dtypes;

  @Mixin private CudaOptions cuda;

  @Option(
      names = "--device",
      paramLabel = "NAME",
      defaultValue = "cpu",
      description = "Where to compute; cpu unless given. The peers are to be told by themselves.")
  private String device;

  @Option(
      names = "--seconds",
      paramLabel = "N",
      defaultValue = "5",
      description = "How long each is timed, three runs at least; 5 unless given.")
  @Accepts(above = 0, to = 3600)
  private double seconds;

  @Option(
      names = "--peer",
      paramLabel = "COMMAND",
      description =
          "A command, split at blanks, that is given --work NAME --config FILE --dtype NAME "
              + "--threads N --seconds N. May be given more than once.")
  private List<String> peers = List.of();

  @Option(
      names = "--small",
      description =
          "Time models a thousandth as large, to try the benchmark; the peers get --small as well.")
  private boolean small;

  @Option(names = "--json", paramLabel = "FILE", description = "Write what was measured there too.")
  private Path json;

  @Option(
      names = "--profile",
      description =
          "After each work, list where its time goes: operations, then the longest of them.")
  private boolean profile;

  /** Kinds of operands that a profile lists. */
  private static final int LISTED = 16;

  /** Number of warm-up runs on a GPU: the first, the one that is captured, and some more. */
  private static final int WARM_UP = 5;

  /**
   * Times of a work.
   *
   * @param runs how many were timed
   * @param peakGb memory in use at most while it was timed
   */
  private record Time(double first, double median, int runs, double peakGb) {}

  /**
   * The times of a work as the commands run it, and on a GPU also with each operation launched by
   * itself.
   *
   * @param eager null on the host, where the two are the same
   */
  private record Times(Time usual, Time eager) {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    return run(ModelWork::all);
  }

  /**
   * Times what was asked for, or else what there is.
   *
   * @param others for a GPU, or for the host
   */
  int run(Function<Boolean, List<ModelWork>> others) throws IOException, InterruptedException {
    Device on = DeviceChoice.of(device, cuda.settings());
    List<ModelWork> works =
        work == null ? others.apply(!on.isHost()) : work.stream().map(ModelWork::of).toList();
    PrintStream out = System.out;
    out.println("device  " + on.backend().describe());
    out.println("machine " + Peer.machine());
    out.println("table   seconds, medians; first is the first run, with what is prepared in it");
    boolean gpu = !on.isHost();
    if (gpu) {
      out.println("        nacre is captured once and replayed, eager launches each operation");
    }
    out.printf(Locale.ROOT, "%n| work | dtype | first | nacre |%s", gpu ? " eager |" : "");
    for (int i = 0; i < peers.size(); i++) {
      out.printf(Locale.ROOT, " peer %d | ratio |", i + 1);
    }
    out.printf(
        Locale.ROOT,
        " memory, GB |%n| --- | --- | --: | --: |%s%s --: |%n",
        gpu ? " --: |" : "",
        " --: | --: |".repeat(peers.size()));
    ObjectNode report = JsonNodeFactory.instance.objectNode();
    report.put("device", on.backend().describe()).put("machine", Peer.machine());
    ArrayNode rows = report.put("small", small).putArray("rows");
    boolean complete = true;
    for (ModelWork one : works) {
      for (DType dtype : dtypes) {
        complete &= row(out, one, dtype, on, rows.addObject());
        if (json != null) {
          byte[] text = report.toPrettyString().getBytes(StandardCharsets.UTF_8);
          AtomicFile.write(json, file -> file.write(text));
        }
        if (profile) {
          profile(out, one, dtype, on);
        }
      }
    }
    return complete ? 0 : 1;
  }

  /** The third run, operation by operation. */
  private void profile(PrintStream out, ModelWork one, DType dtype, Device on) {
    Profile profile = Profile.of(on);
    try (Scope _ = Scope.open()) {
      Supplier<Tensor> run = one.prepare(profile.device(), dtype, small);
      time(run, on);
      time(run, on);
      profile.reset();
      double all = time(run, on);
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

  /** Whether all peers succeeded. */
  private boolean row(PrintStream out, ModelWork one, DType dtype, Device on, ObjectNode entry)
      throws IOException, InterruptedException {
    Times times = time(one, dtype, on);
    Time ours = times.usual;
    // Memory that the backend caches would be missing for the peers.
    on.backend().allocator().trim();
    entry.put("work", one.id()).put("title", one.title()).put("dtype", dtype.toString());
    entry.put("first_s", ours.first).put("median_s", ours.median).put("runs", ours.runs);
    entry.put("peak_gb", ours.peakGb);
    if (times.eager != null) {
      entry.put("eager_s", times.eager.median).put("eager_peak_gb", times.eager.peakGb);
    }
    ArrayNode others = entry.putArray("peers");
    out.printf(
        Locale.ROOT, "| %s | %s | %s | %s |", one.title(), dtype, s(ours.first), s(ours.median));
    if (times.eager != null) {
      out.printf(Locale.ROOT, " %s |", s(times.eager.median));
    }
    List<String> notes = new ArrayList<>();
    boolean complete = true;
    for (String command : peers) {
      try {
        Peer.Answer answer = ask(new Peer(command), one, dtype);
        double median = answer.number("median_s");
        notes.add(answer.text("framework"));
        others.add(answer.json());
        out.printf(Locale.ROOT, " %s | %.2f |", s(median), median / ours.median);
      } catch (IllegalArgumentException e) {
        complete = false;
        notes.add(e.getMessage());
        others.addObject().put("framework", new Peer(command).name()).put("error", e.getMessage());
        out.print(" failed | |");
      }
    }
    out.printf(Locale.ROOT, " %.2f |%s%n", ours.peakGb, notes.isEmpty() ? "" : " " + notes);
    out.flush();
    return complete;
  }

  private Peer.Answer ask(Peer peer, ModelWork one, DType dtype)
      throws IOException, InterruptedException {
    Path config = Files.createTempFile("config-", ".json");
    try {
      Files.writeString(config, one.config(small).toString());
      List<String> words = new ArrayList<>(List.of("--work", one.id()));
      words.addAll(List.of("--config", config.toString(), "--dtype", name(dtype)));
      words.addAll(List.of("--seconds", Double.toString(seconds)));
      if (small) {
        words.add("--small");
      }
      return peer.ask(words);
    } finally {
      Files.deleteIfExists(config);
    }
  }

  private Times time(ModelWork one, DType dtype, Device on) {
    try (Scope _ = Scope.open()) {
      on.backend().allocator().resetPeak();
      Supplier<Tensor> run = one.prepare(on, dtype, small);
      Time plain = time(run, on, on.isHost() ? 1 : WARM_UP);
      if (on.isHost()) {
        return new Times(plain, null);
      }
      try (CapturedStep step = CapturedStep.of(on, run)) {
        return new Times(time(step::run, on, WARM_UP), plain);
      }
    }
  }

  /** The median after some runs to warm up. */
  private Time time(Supplier<Tensor> run, Device on, int warmUp) {
    Allocator memory = on.backend().allocator();
    double first = time(run, on);
    for (int i = 1; i < warmUp; i++) {
      time(run, on);
    }
    if (warmUp > 1) {
      memory.resetPeak(); // libraries try algorithms in the first runs; the peers' do, too
    }
    List<Double> times = new ArrayList<>();
    for (double spent = 0; times.size() < 3 || spent < seconds && times.size() < 200; ) {
      times.add(time(run, on));
      spent += times.getLast();
    }
    double[] all = times.stream().mapToDouble(Double::doubleValue).toArray();
    return new Time(first, Peer.median(all), all.length, memory.peakBytes() / 1e9);
  }

  /** Waits until everything is computed: a GPU runs asynchronously. */
  private static double time(Supplier<Tensor> run, Device on) {
    try (Scope _ = Scope.open()) {
      Tensor marker = Tensor.zeros(on, DType.F32, Shape.of());
      marker.item();
      long begin = System.nanoTime();
      run.get();
      marker.item();
      return (System.nanoTime() - begin) / 1e9;
    }
  }

  /** Seconds, with three digits at least. */
  private static String s(double seconds) {
    return String.format(Locale.ROOT, seconds < 0.1 ? "%.6f" : "%.3f", seconds);
  }

  private static String name(DType dtype) {
    return dtype == DType.F32 ? "float32" : "bfloat16";
  }
}
