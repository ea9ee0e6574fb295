package nacre.nn.vision;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Tensor;
import nacre.weights.SafeTensors;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * The files of an {@link Lpips}: a trunk, as timm and torchvision name its tensors, and linear
 * heads, of which the authors' come with this module.
 *
 * @param net which network
 * @param trunk a safetensors file, or a folder with {@code model.safetensors}; a classifier in it
 *     is ignored
 * @param heads a safetensors file; the authors' heads if empty
 */
public record LpipsFiles(LpipsNet net, Path trunk, Optional<Path> heads) {
  /**
   * Builds the network on a device and fills it, in f32. Its tensors belong to the current scope
   * and are not trained.
   *
   * @throws WeightsException if a file is missing, malformed or does not fit, in one line
   */
  public Lpips load(Device device) throws WeightsException {
    Parameters p = Parameters.unwritten(device, DType.F32).frozen();
    try (StateDict trunk =
        Files.isDirectory(trunk()) ? StateDict.open(trunk(), "model") : StateDict.open(trunk())) {
      Lpips lpips = new Lpips(p, net, widths(trunk));
      trunk.loadInto(of(p, "features."), name -> !name.startsWith("features."));
      readHeads(of(p, "lin"));
      return lpips;
    }
  }

  private static Map<String, Tensor> of(Parameters p, String prefix) {
    Map<String, Tensor> some = new LinkedHashMap<>(p.all());
    some.keySet().removeIf(name -> !name.startsWith(prefix));
    return some;
  }

  /** The channels of the five activations, as the tensors' shapes say. */
  private List<Integer> widths(StateDict dict) throws WeightsException {
    List<Integer> widths = new ArrayList<>();
    for (LpipsNet.Stage stage : net.stages()) {
      String name = "features." + stage.places()[0] + ".weight";
      SafeTensors.Entry entry = dict.entries().get(name);
      if (entry == null || entry.shape().rank() != 4) {
        throw new WeightsException(
            trunk,
            String.format(
                Locale.ROOT,
                "has no convolution %s; wanted is the %s of torchvision or timm",
                name,
                net == LpipsNet.VGG
                    ? "VGG16 (not its variant with batch normalization)"
                    : "AlexNet"));
      }
      widths.add(entry.shape().dim(0));
    }
    return widths;
  }

  private void readHeads(Map<String, Tensor> parameters) throws WeightsException {
    if (heads.isPresent()) {
      read(heads.get(), parameters);
      return;
    }
    String name = "lpips-" + net + ".safetensors";
    try (InputStream in = LpipsFiles.class.getResourceAsStream(name)) {
      Path copy = Files.createTempFile("lpips", ".safetensors");
      try {
        Files.copy(in, copy, StandardCopyOption.REPLACE_EXISTING);
        read(copy, parameters);
      } finally {
        Files.delete(copy);
      }
    } catch (WeightsException e) {
      throw new WeightsException(
          trunk,
          "has other channels than the heads that come with Nacre, which are for the usual "
              + net
              + "; name heads of its own",
          e);
    } catch (IOException e) {
      throw new WeightsException(Path.of(name), "cannot be unpacked: " + e.getMessage(), e);
    }
  }

  private static void read(Path file, Map<String, Tensor> parameters) throws WeightsException {
    try (StateDict heads = StateDict.open(file)) {
      heads.rename(LpipsFiles::current).loadInto(parameters);
    }
  }

  /** The authors' files name a head {@code lin0}, whole models {@code lins.0}. */
  private static String current(String name) {
    return name.replaceFirst("^lins\\.(\\d)\\.", "lin$1.");
  }
}
