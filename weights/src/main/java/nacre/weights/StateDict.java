package nacre.weights;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;

/**
 * The tensors of a checkpoint by name, from one file or from several shards, of safetensors or of
 * PyTorch.
 */
public final class StateDict implements AutoCloseable {
  private final Path path;
  private final List<WeightFile> files;
  private final Map<String, SafeTensors.Entry> entries;

  private StateDict(Path path, List<WeightFile> files, Map<String, SafeTensors.Entry> entries) {
    this.path = path;
    this.files = files;
    this.entries = entries;
  }

  /**
   * Opens a file of safetensors or of PyTorch, or all shards of an index ({@code
   * *.safetensors.index.json}, {@code *.bin.index.json}).
   *
   * @throws WeightsException if a file is missing or malformed, in one line
   */
  public static StateDict open(Path path) throws WeightsException {
    return openKey(path, Optional.empty());
  }

  /**
   * As {@link #open(Path)}.
   *
   * @param key of the dictionary to take in a file of PyTorch, as {@link TorchFile#open}
   */
  public static StateDict openKey(Path path, Optional<String> key) throws WeightsException {
    if (path.toString().endsWith(".json")) {
      if (key.isPresent()) {
        throw new WeightsException(path, "is an index, which has no dictionaries to choose from");
      }
      return openShards(path);
    }
    WeightFile file = WeightFile.open(path, key);
    return new StateDict(path, List.of(file), file.entries());
  }

  /**
   * Opens a model in a folder as {@code save_pretrained} leaves it: {@code <stem>.safetensors}, its
   * shards' index, or a half-precision variant such as {@code <stem>.fp16.safetensors}, whichever
   * is found first; where there is none, the same of {@code <stem>.bin}, in which a {@code model}
   * is called {@code pytorch_model}.
   *
   * @param stem such as {@code diffusion_pytorch_model} or {@code model}
   * @throws WeightsException if there is none of them, or a file is malformed, in one line
   */
  public static StateDict open(Path folder, String stem) throws WeightsException {
    return open(new FolderFile(folder, stem).find());
  }

  private static StateDict openShards(Path index) throws WeightsException {
    Map<String, String> shardOf = readIndex(index);
    List<WeightFile> files = new ArrayList<>();
    try {
      Map<String, WeightFile> byName = new LinkedHashMap<>();
      for (String shard : new TreeSet<>(shardOf.values())) {
        WeightFile file = WeightFile.open(index.resolveSibling(shard));
        files.add(file);
        byName.put(shard, file);
      }
      Map<String, SafeTensors.Entry> entries = new LinkedHashMap<>();
      for (Map.Entry<String, String> entry : shardOf.entrySet()) {
        entries.put(entry.getKey(), byName.get(entry.getValue()).entry(entry.getKey()));
      }
      return new StateDict(index, files, entries);
    } catch (WeightsException | RuntimeException | Error e) {
      files.forEach(WeightFile::close);
      throw e;
    }
  }

  private static Map<String, String> readIndex(Path index) throws WeightsException {
    JsonNode map = JsonFile.read(index).path("weight_map");
    if (!map.isObject()) {
      throw new WeightsException(index, "has no weight_map");
    }
    Map<String, String> shardOf = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : map.properties()) {
      String shard = entry.getValue().asText();
      if (!shard.matches("[^/\\\\\\p{Cntrl}]+\\.(safetensors|bin|pth?)")) {
        throw new WeightsException(
            index, "weight_map names no weight file beside it for " + OneLine.clip(entry.getKey()));
      }
      shardOf.put(entry.getKey(), shard);
    }
    return shardOf;
  }

  /** The tensors by name. */
  public Map<String, SafeTensors.Entry> entries() {
    return Collections.unmodifiableMap(entries);
  }

  /** The metadata of the file, or of all shards together. */
  public Map<String, String> metadata() {
    Map<String, String> all = new LinkedHashMap<>();
    files.forEach(file -> all.putAll(file.metadata()));
    return all;
  }

  /** The keys of dictionaries with tensors in a file of PyTorch that were not taken. */
  public List<String> leftOut() {
    return files.stream().flatMap(file -> file.leftOut().stream()).toList();
  }

  /**
   * The key of the dictionary in a file of PyTorch that was taken, if it was not the whole file.
   */
  public Optional<String> taken() {
    return files.stream().flatMap(file -> file.taken().stream()).findFirst();
  }

  /** The tensors whose names begin with {@code prefix}, without it. Close only one of the two. */
  public StateDict under(String prefix) {
    Map<String, SafeTensors.Entry> below = new LinkedHashMap<>();
    entries.forEach(
        (name, entry) -> {
          if (name.startsWith(prefix)) {
            below.put(name.substring(prefix.length()), entry);
          }
        });
    return new StateDict(path, files, below);
  }

  /**
   * The same tensors under other names. Close only one of the two: the files are shared.
   *
   * @param names from the file's name to the wanted one, or to null for tensors to be left out
   * @throws WeightsException if two tensors come to have the same name
   */
  public StateDict rename(UnaryOperator<String> names) throws WeightsException {
    Map<String, SafeTensors.Entry> renamed = new LinkedHashMap<>();
    for (Map.Entry<String, SafeTensors.Entry> entry : entries.entrySet()) {
      String wanted = names.apply(entry.getKey());
      if (wanted != null) {
        put(renamed, wanted, entry.getValue());
      }
    }
    return new StateDict(path, files, renamed);
  }

  /**
   * The tensors of another code base's file, renamed and split by a mapping; nothing is read.
   * Tensors that the mapping does not know keep their names. Close only one of the two.
   *
   * @throws WeightsException if a tensor cannot be cut, or two come to have the same name
   */
  public StateDict translate(KeyMapping dialect) throws WeightsException {
    Map<String, SafeTensors.Entry> translated = new LinkedHashMap<>();
    for (Map.Entry<String, SafeTensors.Entry> entry : entries.entrySet()) {
      List<String> names = dialect.ours(entry.getKey());
      if (names.isEmpty()) {
        put(translated, entry.getKey(), entry.getValue());
      }
      for (String name : names) {
        KeyMapping.Place place = dialect.theirs(name).orElseThrow();
        SafeTensors.Entry part = entry.getValue().part(place.part(), place.parts());
        put(translated, name, place.pointwise() ? part.linear() : part);
      }
    }
    return new StateDict(path, files, translated);
  }

  private void put(Map<String, SafeTensors.Entry> all, String name, SafeTensors.Entry entry)
      throws WeightsException {
    SafeTensors.Entry other = all.putIfAbsent(name, entry);
    if (other != null) {
      throw new WeightsException(
          path,
          String.format(
              Locale.ROOT,
              "tensors %s and %s are both %s",
              OneLine.clip(other.name()),
              OneLine.clip(entry.name()),
              OneLine.clip(name)));
    }
  }

  /**
   * The differences between a file's tensors and a model's parameters.
   *
   * @param missing parameters that the file lacks, each with its shape
   * @param unexpected tensors of the file that are not parameters
   * @param misfits tensors of another shape, or of a type that cannot be converted, each with the
   *     reason
   */
  public record Difference(List<String> missing, List<String> unexpected, List<String> misfits) {
    /** Whether there is none. */
    public boolean isEmpty() {
      return missing.isEmpty() && unexpected.isEmpty() && misfits.isEmpty();
    }

    /** One line that counts each kind and names its first twenty. */
    @Override
    public String toString() {
      List<String> kinds = new ArrayList<>();
      describe(kinds, "missing", missing);
      describe(kinds, "unexpected", unexpected);
      describe(kinds, "not fitting", misfits);
      return String.join("; ", kinds);
    }

    private static void describe(List<String> kinds, String kind, List<String> names) {
      if (!names.isEmpty()) {
        kinds.add(names.size() + " " + kind + ": " + OneLine.list(names));
      }
    }
  }

  /** Compares names and shapes with parameters; nothing is read. */
  public Difference compare(Map<String, Tensor> parameters) {
    List<String> missing = new ArrayList<>();
    List<String> misfits = new ArrayList<>();
    parameters.forEach(
        (name, tensor) -> {
          SafeTensors.Entry entry = entries.get(name);
          Shape wanted = Layout.ofParameter(tensor.shape()).disk(tensor.shape());
          if (entry == null) {
            missing.add(name + " " + wanted);
            return;
          }
          if (!entry.shape().equals(wanted)) {
            misfits.add(name + " is " + entry.shape() + ", " + wanted + " is wanted");
          } else if (!EntryReader.converts(entry.type())) {
            misfits.add(name + " is of type " + entry.type() + ", which cannot be converted");
          }
        });
    List<String> unexpected =
        entries.keySet().stream().filter(name -> !parameters.containsKey(name)).toList();
    return new Difference(missing, unexpected, misfits);
  }

  /**
   * Requires names and shapes to agree one to one with parameters; nothing is read.
   *
   * @throws WeightsException naming everything that is missing, unexpected or does not fit
   */
  public void requireFits(Map<String, Tensor> parameters) throws WeightsException {
    requireFits(parameters, name -> false);
  }

  private void requireFits(Map<String, Tensor> parameters, Predicate<String> ignorable)
      throws WeightsException {
    Difference all = compare(parameters);
    List<String> unexpected = all.unexpected.stream().filter(ignorable.negate()).toList();
    Difference difference = new Difference(all.missing, unexpected, all.misfits);
    if (!difference.isEmpty()) {
      throw new WeightsException(path, "does not fit the model: " + difference);
    }
  }

  /**
   * Writes the tensors over parameters of the same names, converting dtype and layout. Names and
   * shapes must agree one to one; otherwise nothing is written.
   *
   * @throws WeightsException naming everything that is missing, unexpected or does not fit
   */
  public void loadInto(Map<String, Tensor> parameters) throws WeightsException {
    loadInto(parameters, name -> false);
  }

  /**
   * As {@link #loadInto(Map)}.
   *
   * @param ignorable names of tensors that the file may have and the model need not, such as {@code
   *     pooler.*}
   */
  public void loadInto(Map<String, Tensor> parameters, Predicate<String> ignorable)
      throws WeightsException {
    loadInto(parameters, ignorable, ReadListener.NONE);
  }

  /**
   * As {@link #loadInto(Map)}.
   *
   * @param listener is told after each tensor how much has been read
   */
  public void loadInto(Map<String, Tensor> parameters, ReadListener listener)
      throws WeightsException {
    loadInto(parameters, name -> false, listener);
  }

  private void loadInto(
      Map<String, Tensor> parameters, Predicate<String> ignorable, ReadListener listener)
      throws WeightsException {
    requireFits(parameters, ignorable);
    long total = bytes();
    long done = 0;
    for (Map.Entry<String, Tensor> parameter : parameters.entrySet()) {
      Tensor tensor = parameter.getValue();
      SafeTensors.Entry entry = entries.get(parameter.getKey());
      entry.copyTo(tensor, Layout.ofParameter(tensor.shape()));
      done += entry.bytes();
      listener.read(done, total);
    }
  }

  /** Bytes of all tensors. */
  public long bytes() {
    return entries.values().stream().mapToLong(entry -> entry.bytes()).sum();
  }

  /** Closes the files. */
  @Override
  public void close() {
    files.forEach(WeightFile::close);
  }
}
