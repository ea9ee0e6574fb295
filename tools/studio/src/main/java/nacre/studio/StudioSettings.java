package nacre.studio;

import java.nio.file.Path;
import java.util.List;
import nacre.tensor.Device;

/**
 * What the studio was started with.
 *
 * @param out where pictures, scenes and runs go
 * @param models folders of models; empty for the model that comes with Nacre
 * @param data data sets, {@code [NAME:]PATH}
 * @param limits of what clients may take
 */
record StudioSettings(
    Address address, Path out, List<Path> models, List<String> data, Device device, Limits limits) {
  StudioSettings {
    models = List.copyOf(models);
    data = List.copyOf(data);
  }

  StudioSettings(Address address, Path out, List<Path> models, List<String> data, Device device) {
    this(address, out, models, data, device, Limits.USUAL);
  }
}
