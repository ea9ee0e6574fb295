package nacre.tensor.cuda;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import nacre.bindings.CudaLibraries;
import nacre.bindings.CudaLibrary;
import nacre.bindings.NativeLibrary;
import nacre.tensor.Setting;
import nacre.tensor.Settings;
import nacre.tensor.cuda.driver.CudaDevice;
import nacre.tensor.spi.Backend;
import nacre.tensor.spi.BackendProvider;
import nacre.tensor.spi.Requirement;

/** The devices {@code cuda}, {@code cuda:1} and so on: NVIDIA's GPUs. */
public final class CudaProvider implements BackendProvider {
  @Override
  public String kind() {
    return "cuda";
  }

  @Override
  public String deviceName(int ordinal, Settings settings) {
    String name = BackendProvider.super.deviceName(ordinal, settings);
    return settings.cudaSimulator().isPresent() ? name + " (simulated)" : name;
  }

  /** Above the CPU; but the simulated GPU is never chosen, only named. */
  @Override
  public int preference(Settings settings) {
    return settings.cudaSimulator().isPresent() ? -1 : 1;
  }

  @Override
  public List<Requirement> requirements(Settings settings) {
    search(settings);
    return Arrays.stream(CudaLibrary.values())
        .map(
            library ->
                switch (CudaLibraries.find(library)) {
                  case NativeLibrary.Loaded(String name, String version, var file) ->
                      new Requirement(name, true, version + ", " + file, library.isOptional());
                  case NativeLibrary.Unavailable(String name, String reason) ->
                      new Requirement(
                          name, false, reason.substring(name.length() + 2), library.isOptional());
                })
        .toList();
  }

  @Override
  public int count(Settings settings) {
    search(settings);
    return CudaLibraries.missing().isEmpty() ? CudaDevice.count() : 0;
  }

  @Override
  public Set<Setting> settings() {
    return Set.of(Setting.GRAPH, Setting.TF32, Setting.TUNE, Setting.NVTX);
  }

  @Override
  public Backend open(int ordinal, Settings settings) {
    search(settings);
    return new CudaBackend(CudaDevice.open(ordinal), settings);
  }

  private static void search(Settings settings) {
    CudaLibraries.searchIn(
        settings.get(Setting.CUDA_LIBS), settings.cudaSimulator(), settings.environment());
  }
}
