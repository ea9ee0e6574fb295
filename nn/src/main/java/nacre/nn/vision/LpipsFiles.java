package nacre.nn.vision;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Tensor;
import nacre.weights.SafeTensors;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * The files of an {@link Lpips}: a trunk and linear heads, of which the authors' come with this
 * module. Tensors of the trunk are known by the ends of their names, so that files of torchvision
 * and timm ({@code features.0.weight}) fit as well as whole states of LPIPS ({@code
 * net.slice1.0.weight}).
 *
 * @param net which network
 * @param trunk a file of safetensors or of PyTorch, or a folder with {@code model.safetensors}; a
 *     classifier in it is ignored
 * @param heads a file of either kind; if empty those in the trunk's file, and the authors' if there
 *     are none
 */
public record LpipsFiles(LpipsNet net, Path trunk, Optional<Path> heads) {
  /** A tensor of a convolution: what comes before its place differs from file to file. */
  private static final Pattern CONVOLUTION =
      Pattern.compile("(.*\\.)?(\\d+(?:\\.(?:squeeze|expand1x1|expand3x3))?\\.(?:weight|bias))");

  /** A head, as the authors' files name it, alone or beside a trunk. */
  private static final Pattern HEAD = Pattern.compile("(?:.*\\.)?lin(\\d)\\.model\\.1\\.weight");

  /** Parts of a name that tell of other layers than {@code features}. */
  private static final Pattern OTHER =
      Pattern.compile("(?:^|\\.)(?:classifier|pre_logits|head|lin\\d|lins|scaling_layer)\\.");

  /**
   * Builds the network on a device and fills it, in f32. Its tensors belong to the current scope
   * and are not trained.
   *
   * @throws WeightsException if a file is missing, malformed or does not fit, in one line
   */
  public Lpips load(Device device) throws WeightsException {
    Parameters p = Parameters.unwritten(device, DType.F32).frozen();
    try (StateDict file =
        Files.isDirectory(trunk()) ? StateDict.open(trunk(), "model") : StateDict.open(trunk())) {
      StateDict features = file.rename(LpipsFiles::feature);
      Lpips lpips = new Lpips(p, net, widths(features)::get);
      features.loadInto(p.at("features").relative());
      Map<String, Tensor> linear = new LinkedHashMap<>(p.all());
      linear.keySet().removeIf(name -> name.startsWith("features."));
      StateDict own = file.rename(LpipsFiles::head);
      if (heads.isEmpty() && !own.entries().isEmpty()) {
        own.loadInto(linear);
      } else {
        readHeads(linear);
      }
      return lpips;
    }
  }

  /** The name below {@code features} of a tensor; null for one that is not of these layers. */
  private static String feature(String name) {
    Matcher found = CONVOLUTION.matcher(name);
    return found.matches() && !OTHER.matcher(name).find() ? found.group(2) : null;
  }

  /**
   * The name of a head's tensor; null for another, and for the second of the two names that whole
   * states of LPIPS have for it.
   */
  private static String head(String name) {
    Matcher found = HEAD.matcher(name);
    return found.matches() ? "lin" + found.group(1) + ".model.1.weight" : null;
  }

  /** The channels that come out of each convolution, as the tensors' shapes say. */
  private Map<String, Integer> widths(StateDict features) throws WeightsException {
    Map<String, Integer> widths = new HashMap<>();
    for (LpipsNet.Named named : net.convolutions().toList()) {
      SafeTensors.Entry entry = features.entries().get(named.name() + ".weight");
      if (entry == null || entry.shape().rank() != 4) {
        throw new WeightsException(
            trunk,
            String.format(
                Locale.ROOT,
                "has no convolution features.%s.weight; wanted is the %s of torchvision or timm",
                named.name(),
                net.title()));
      }
      widths.put(named.name(), entry.shape().dim(0));
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

  /** A file may name a head {@code lins.0}, too. */
  private static String current(String name) {
    return name.replaceFirst("^lins\\.(\\d)\\.", "lin$1.");
  }
}
