package nacre.cli.options;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import nacre.tensor.Setting;
import nacre.tensor.Settings;
import nacre.weights.NearName;
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

  /**
   * The settings of the process, with this option.
   *
   * @throws UserException if the option names a folder that is not there
   */
  public Settings settings() {
    Settings settings = Settings.ofProcess();
    if (folders == null) {
      return settings;
    }
    requireFolders("--cuda-libs", folders);
    return settings.with(Setting.CUDA_LIBS, folders);
  }

  /** Refuses a list of folders of which one is not there: it would be passed over. */
  public static void requireFolders(String name, String folders) {
    for (String folder : folders.split(File.pathSeparator)) {
      if (!folder.isEmpty() && !Files.exists(Path.of(folder))) {
        throw new UserException(
            name + ": " + folder + ": no such folder" + NearName.hint(Path.of(folder)));
      }
    }
  }
}
