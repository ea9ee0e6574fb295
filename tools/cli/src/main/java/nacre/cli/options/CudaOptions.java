package nacre.cli.options;

import nacre.tensor.Setting;
import nacre.tensor.Settings;
import picocli.CommandLine.Option;

/** The option for the location of NVIDIA's libraries. */
public final class CudaOptions {
  @Option(
      names = "--cuda-libs",
      paramLabel = "FOLDERS",
      description =
          "Folders with NVIDIA's libraries, a CUDA toolkit or a Python environment, to be looked at"
              + " first; separated as in PATH. NACRE_CUDA_LIBS does the same.")
  private String folders;

  /** The settings of the process, with this option. */
  public Settings settings() {
    Settings settings = Settings.ofProcess();
    return folders == null ? settings : settings.with(Setting.CUDA_LIBS, folders);
  }
}
