package nacre.lab.bench;

import java.io.PrintStream;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import nacre.cli.options.CudaOptions;
import nacre.cli.options.DTypeOption;
import nacre.cli.options.DeviceChoice;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Profile;
import nacre.tensor.Scope;
import nacre.tensor.Tensor;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code nacre bench launches}: what a step of sampling and a step of training put on a device,
 * counted and not timed, so that it needs no GPU: on the simulated one with {@code
 * NACRE_SIM_COUNT=on} nothing is computed.
 */
@Command(
    name = "launches",
    description = {
      "Count what a step of Stable Diffusion 2.1 puts on a GPU: operations, launches, bytes, FLOP,",
      "and which library's engine serves what.",
      "",
      "Example, without a GPU: NACRE_CUDA_SIM=native/target/sim/libnacre_sim.so \\",
      "           NACRE_SIM_COUNT=on NACRE_SIM_MEMORY=137438953472 \\",
      "           NACRE_SIM_MULTIPROCESSORS=132 nacre bench launches",
      ""
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class LaunchesBench implements Callable<Integer> {
  @Option(
      names = "--work",
      paramLabel = "NAME",
      split = ",",
      defaultValue = "unet-sample-64-b2,unet-averaged-32-b32",
      description = "What to count; unless given a step of sampling and one of training.")
  private List<String> work;

  @Option(
      names = "--dtype",
      paramLabel = "NAME",
      defaultValue = "bfloat16",
      converter = DTypeOption.class,
      description = "float32 or bfloat16; bfloat16 unless given.")
  private DType dtype;

  @Mixin private CudaOptions cuda;

  @Option(
      names = "--device",
      paramLabel = "NAME",
      defaultValue = "cuda",
      description = "Where to count; cuda unless given.")
  private String device;

  @Option(
      names = "--small",
      description = "Count models a thousandth as large, to try the benchmark.")
  private boolean small;

  @Override
  public Integer call() {
    PrintStream out = System.out;
    for (ModelWork one : work.stream().map(ModelWork::of).toList()) {
      // A device of its own, so that what it explains is of this work alone.
      Device on = DeviceChoice.of(device, cuda.settings());
      Profile profile = Profile.of(on);
      try (Scope _ = Scope.open()) {
        Supplier<Tensor> run = one.prepare(profile.device(), dtype, small);
        once(run);
        profile.reset();
        once(run);
        print(out, one, profile.operations());
      }
      on.backend().allocator().trim();
      out.println("Engines, in this work and those before it, with its first run:");
      on.backend().explain().forEach(line -> out.println("  " + line));
      out.println();
    }
    return 0;
  }

  private static void once(Supplier<Tensor> run) {
    try (Scope _ = Scope.open()) {
      run.get();
    }
  }

  private void print(PrintStream out, ModelWork one, List<Profile.Row> rows) {
    out.printf(Locale.ROOT, "%s, %s%n%n", one.title(), dtype);
    out.print("| operation | calls | launches | GB read | GB written | GFLOP |\n");
    out.print("| --- | --: | --: | --: | --: | --: |\n");
    rows.stream()
        .filter(row -> row.launches() > 0)
        .sorted(Comparator.comparingLong(Profile.Row::launches).reversed())
        .forEach(row -> line(out, row.operation(), List.of(row)));
    line(out, "all", rows.stream().filter(row -> row.launches() > 0).toList());
    out.println();
  }

  private static void line(PrintStream out, String name, List<Profile.Row> rows) {
    out.printf(
        Locale.ROOT,
        "| %s | %d | %d | %.2f | %.2f | %.0f |%n",
        name,
        rows.stream().mapToLong(Profile.Row::calls).sum(),
        rows.stream().mapToLong(Profile.Row::launches).sum(),
        rows.stream().mapToLong(Profile.Row::reads).sum() / 1e9,
        rows.stream().mapToLong(Profile.Row::writes).sum() / 1e9,
        rows.stream().mapToLong(Profile.Row::flop).sum() / 1e9);
  }
}
