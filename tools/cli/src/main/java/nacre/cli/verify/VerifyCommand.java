package nacre.cli.verify;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import nacre.cli.options.Accepts;
import nacre.cli.options.CudaOptions;
import nacre.cli.options.DTypeOption;
import nacre.cli.options.DeviceChoice;
import nacre.cli.options.ExplainOption;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code nacre verify BUNDLE…}: compares the engine with PyTorch. */
@Command(
    name = "verify",
    description = {
      "Compare the engine with tensors that PyTorch computed.",
      "A bundle is a folder with case.json and tensors.safetensors, written by a script like"
          + " tools/lab/reference/export_bundles.py. Exit status: 0 if every tensor is within the"
          + " tolerance, 1 if one is not, 2 if a bundle cannot be read."
    },
    mixinStandardHelpOptions = true)
public final class VerifyCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(names = "--device", paramLabel = "DEVICE", description = "cpu, cuda or reference.")
  private String device = "cpu";

  @Option(
      names = "--dtype",
      paramLabel = "DTYPE",
      converter = DTypeOption.class,
      description =
          "float32 or bfloat16, by default the bundle's. In bfloat16 the tolerance is at least"
              + " 2e-2, and 1e-1 for the gradients of whole models, which is what PyTorch's own"
              + " comes to; samplers and optimizers stay in float32.")
  private DType dtype;

  @Option(
      names = "--tolerance",
      paramLabel = "ERROR",
      description = "Largest relative error that passes, in place of the bundle's.")
  @Accepts(from = 0, to = 1e6)
  private Double tolerance;

  @Mixin private CudaOptions cuda;

  @Mixin private ExplainOption explain;

  @Parameters(arity = "1..*", paramLabel = "BUNDLE", description = "Folders.")
  private List<Path> bundles;

  @Override
  public Integer call() {
    Device on = DeviceChoice.of(device, cuda.settings());
    PrintWriter out = spec.commandLine().getOut();
    int width = bundles.stream().mapToInt(folder -> name(folder).length()).max().orElse(0);
    int status = 0;
    int read = 0;
    long compared = 0;
    long failed = 0;
    for (Path folder : bundles) {
      try (Bundle bundle = Bundle.open(folder)) {
        List<Comparison> results = verify(bundle, on);
        for (Comparison result : results) {
          print(out, name(folder), width, result);
          failed += result.passed() ? 0 : 1;
        }
        compared += results.size();
        read++;
      } catch (IOException | IllegalArgumentException e) {
        String place = e instanceof IOException ? "" : folder + ": ";
        spec.commandLine().getErr().println("nacre: verify: " + place + e.getMessage());
        status = 2;
      } catch (IllegalStateException e) { // what the device says, and it may still compute the next
        out.println("FAIL  " + name(folder) + ": " + e.getMessage());
        failed++;
        read++;
      }
      out.flush();
    }
    explain.tell(on, out::println);
    out.printf(
        Locale.ROOT,
        "%d %s of %d %s compared, %d off; tensors left in memory: %d%n",
        compared,
        compared == 1 ? "tensor" : "tensors",
        read,
        read == 1 ? "bundle" : "bundles",
        failed,
        Memory.liveTensors());
    out.flush();
    return Math.max(status, failed == 0 ? 0 : 1);
  }

  private List<Comparison> verify(Bundle bundle, Device on) throws IOException {
    Case description = bundle.description();
    DType chosen = dtype == null ? description.dtype() : dtype;
    Tolerance allowed =
        tolerance == null
            ? Tolerance.of(description, chosen, ModuleRegistry.isModel(description.module()))
            : Tolerance.of(tolerance);
    return new Verification(bundle, on, chosen, allowed).run();
  }

  private static void print(PrintWriter out, String bundle, int width, Comparison result) {
    out.printf(
        Locale.ROOT,
        "%s  %-" + width + "s  %.2e  %.2e  %s%n",
        result.passed() ? "pass" : "FAIL",
        bundle,
        result.relativeError(),
        result.largestDifference(),
        result.tensor());
  }

  private static String name(Path folder) {
    Path name = folder.toAbsolutePath().normalize().getFileName();
    return name == null ? folder.toString() : name.toString();
  }
}
