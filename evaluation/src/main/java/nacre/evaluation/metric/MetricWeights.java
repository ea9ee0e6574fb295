package nacre.evaluation.metric;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import nacre.tensor.Device;

/**
 * The weights of the networks that metrics look through, which are the user's to provide, and the
 * device to compute on.
 *
 * @param device where networks compute
 * @param files the files or folders that are at hand
 */
public record MetricWeights(Device device, Map<MetricNetwork, Path> files) {
  /** Copies the map. */
  public MetricWeights {
    files = Map.copyOf(files);
  }

  /** None at hand. */
  public static MetricWeights none(Device device) {
    return new MetricWeights(device, Map.of());
  }

  /** These, and another. */
  public MetricWeights with(MetricNetwork network, Path file) {
    Map<MetricNetwork, Path> all = new TreeMap<>(files);
    all.put(network, file);
    return new MetricWeights(device, all);
  }

  /** The file or folder of a network. */
  public Optional<Path> of(MetricNetwork network) {
    return Optional.ofNullable(files.get(network));
  }
}
