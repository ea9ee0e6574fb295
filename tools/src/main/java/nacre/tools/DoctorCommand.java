package nacre.tools;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import nacre.tensor.Device;
import nacre.tensor.Requirement;
import nacre.tensor.SelfCheck;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/**
 * {@code nacre doctor}: which devices can compute here, what the others lack, and how to get it.
 */
@Command(
    name = "doctor",
    description =
        "Look for what each device needs, say what is missing and how to get it, and check one"
            + " operation on each against plain Java.",
    mixinStandardHelpOptions = true)
final class DoctorCommand implements Callable<Integer> {
  @Mixin private CudaOptions cuda;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    List<Device> devices = new ArrayList<>(List.of(Device.cpu()));
    out.println("CUDA libraries");
    boolean complete = true;
    for (Requirement library : Device.cudaRequirements()) {
      complete &= library.met();
      out.printf(
          "  %-8s %-14s %s%n",
          library.met() ? "found" : "missing", library.name(), library.finding());
    }
    if (complete) {
      int cards = Device.cudaCount();
      if (cards == 0) {
        out.println("  no card: the driver finds none; nvidia-smi should list one");
      }
      for (int i = 0; i < cards; i++) {
        devices.add(Device.cuda(i));
      }
    } else {
      out.println("  so --device cuda cannot be used here; all else can");
    }
    out.println("Devices");
    boolean sound = true;
    for (Device device : devices) {
      SelfCheck.Result result = SelfCheck.run(device);
      sound &= result.passed();
      out.println("  " + device + ": " + device.backend().describe());
      out.println("    " + result.line());
    }
    out.flush();
    return sound ? 0 : 1;
  }
}
