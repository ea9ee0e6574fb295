package nacre.neuralassets.training;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import nacre.tensor.Tensor;
import nacre.weights.JsonFile;
import nacre.weights.SafeTensorsWriter;

/**
 * The files that hold the parameters of one part of a model: one file, or, where only some of the
 * parameters are trained, two shards with an index, as diffusers and transformers read them. The
 * first shard has what is frozen.
 *
 * @param folder of the part, below the model's
 * @param stem of the files' names
 */
record PartFiles(String folder, String stem) {
  private static final String ENDING = ".safetensors";

  /**
   * Writes the parameters.
   *
   * @param model the model's folder, in which the part's exists
   * @param parameters by name on disk
   * @param frozen which of them are not trained
   * @param earlier an earlier model's folder that has the same frozen parameters; null for none
   * @return the names of files that were linked to, below the model's folder
   */
  Set<String> write(
      Path model, Map<String, Tensor> parameters, Predicate<String> frozen, Path earlier)
      throws IOException {
    Map<String, Tensor> still = new TreeMap<>(parameters);
    still.keySet().removeIf(frozen.negate());
    Map<String, Tensor> trained = new TreeMap<>(parameters);
    trained.keySet().removeIf(frozen);
    Path inside = model.resolve(folder);
    if (still.isEmpty() || trained.isEmpty()) {
      String name = stem + ENDING;
      if (trained.isEmpty() && link(inside.resolve(name), earlier)) {
        return Set.of(folder + "/" + name);
      }
      new SafeTensorsWriter().addParameters(parameters).write(inside.resolve(name));
      return Set.of();
    }
    String first = stem + "-00001-of-00002" + ENDING;
    String second = stem + "-00002-of-00002" + ENDING;
    JsonFile.write(
        inside.resolve(stem + ENDING + ".index.json"), index(still, first, trained, second));
    Set<String> linked = new TreeSet<>();
    if (link(inside.resolve(first), earlier)) {
      linked.add(folder + "/" + first);
    } else {
      new SafeTensorsWriter().addParameters(still).write(inside.resolve(first));
    }
    new SafeTensorsWriter().addParameters(trained).write(inside.resolve(second));
    return linked;
  }

  /** Makes a file another name of the earlier model's, and says whether that could be done. */
  private boolean link(Path file, Path earlier) {
    if (earlier == null) {
      return false;
    }
    try {
      Files.createLink(file, earlier.resolve(folder).resolve(file.getFileName().toString()));
      return true;
    } catch (IOException | UnsupportedOperationException noLinks) {
      return false; // no links here, no room for one more, or no such file: it is written anew
    }
  }

  private static ObjectNode index(
      Map<String, Tensor> still, String first, Map<String, Tensor> trained, String second) {
    ObjectNode index = new JsonMapper().createObjectNode();
    long bytes =
        still.values().stream().mapToLong(Tensor::bytes).sum()
            + trained.values().stream().mapToLong(Tensor::bytes).sum();
    index.putObject("metadata").put("total_size", bytes);
    ObjectNode map = index.putObject("weight_map");
    still.keySet().forEach(name -> map.put(name, first));
    trained.keySet().forEach(name -> map.put(name, second));
    return index;
  }
}
