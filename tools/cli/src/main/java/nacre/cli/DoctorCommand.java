package nacre.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import nacre.cli.options.CudaOptions;
import nacre.distributed.World;
import nacre.tensor.Device;
import nacre.tensor.Setting;
import nacre.tensor.Settings;
import nacre.tensor.reference.SelfCheck;
import nacre.tensor.spi.BackendProvider;
import nacre.tensor.spi.Requirement;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/**
 * {@code nacre doctor}: the devices that can be used here, what the others lack, and how to get it.
 */
@Command(
    name = "doctor",
    description =
        "Look for what each device needs, say what is missing and how to get it, and check one"
            + " operation on each against plain Java.",
    mixinStandardHelpOptions = true)
final class DoctorCommand implements Callable<Integer>, ManyProcesses {
  @Mixin private CudaOptions cuda;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    Settings settings = cuda.settings();
    settings
        .get(Setting.CUDA_LIBS)
        .ifPresent(folders -> CudaOptions.requireFolders("NACRE_CUDA_LIBS", folders));
    List<Device> devices = new ArrayList<>();
    for (BackendProvider kind : Device.kinds()) {
      List<Requirement> requirements = kind.requirements(settings);
      boolean met = print(out, kind, requirements);
      if (kind.preference(settings) >= 0 || !requirements.isEmpty()) {
        try {
          int count = kind.count(settings);
          if (met && count == 0) {
            out.println("  no GPU: the driver finds none; nvidia-smi should list one");
          }
          for (int i = 0; i < count; i++) {
            devices.add(Device.of(kind.kind() + ":" + i, settings));
          }
        } catch (IllegalStateException e) { // the other devices are worth knowing all the same
          out.println("  cannot be used: " + e.getMessage());
        }
      }
    }
    Requirement mpi = World.library(settings);
    out.println("Several processes (mpirun, srun)");
    out.println(line(mpi));
    out.println("Devices");
    boolean sound = true;
    for (Device device : devices) {
      SelfCheck.Result result = SelfCheck.run(device);
      sound &= result.passed();
      // Most descriptions begin with the name of the device.
      String what = device.backend().describe();
      out.println("  " + device + ": " + what.replaceFirst("^\\Q" + device + "\\E[,:] ", ""));
      out.println("    " + result.line());
    }
    out.flush();
    return sound ? 0 : 1;
  }

  private static String line(Requirement library) {
    return String.format(
        Locale.ROOT,
        "  %-8s %-14s %s",
        library.met() ? "found" : library.optional() ? "absent" : "missing",
        library.name(),
        library.finding());
  }

  /** Prints what a kind needs, and tells whether all of it is there. */
  private static boolean print(
      PrintWriter out, BackendProvider kind, List<Requirement> requirements) {
    if (requirements.isEmpty()) {
      return true;
    }
    out.println(kind.kind().toUpperCase(Locale.ROOT) + " libraries");
    for (Requirement library : requirements) {
      out.println(line(library));
    }
    boolean met = requirements.stream().allMatch(r -> r.met() || r.optional());
    requirements.stream()
        .filter(library -> library.optional() && !library.met())
        .forEach(
            library ->
                out.println("  so without " + library.name() + " several processes cannot train"));
    if (!met) {
      out.println("  so --device " + kind.kind() + " cannot be used here; all else can");
    }
    return met;
  }
}
