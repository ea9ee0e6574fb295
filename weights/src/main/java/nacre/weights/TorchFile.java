package nacre.weights;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import nacre.tensor.Shape;
import nacre.weights.PickleValue.Storage;
import nacre.weights.PickleValue.Strided;

/**
 * A memory-mapped file that {@code torch.save} wrote, {@code .pt}, {@code .pth}, {@code .bin} or
 * {@code .ckpt}: a zip archive, or what PyTorch wrote before 1.6. Its pickle is read by a reader
 * that knows tensors, dictionaries and a closed list of names and runs nothing; everything else is
 * refused by its name. The tensors' bytes are not read before they are used.
 *
 * <p>Checkpoints hold dictionaries within dictionaries; of those with tensors one is taken, {@code
 * state_dict} for instance, unless a key says which.
 */
public final class TorchFile implements WeightFile {
  /**
   * How much tensors may repeat what the file holds, tied weights for instance, so that no file of
   * a few bytes fills a disk when it is converted.
   */
  private static final long MOST_REPEATED = 16;

  /** Files in a model's folder: the stem, and whether they are indexes. */
  static final Pattern FOLDERS =
      Pattern.compile(
          "(pytorch_model|diffusion_pytorch_model|adapter_model|pytorch_lora_weights"
              + "|learned_embeds)(\\.fp16|\\.bf16)?\\.bin(\\.index(\\.fp16)?\\.json)?");

  private static final Pattern ALONE = Pattern.compile("[^.].*\\.(ckpt|pth?)");

  private static final long ALWAYS_ALLOWED = 1 << 24;

  private final Path path;
  private final Arena arena;
  private final Map<String, SafeTensors.Entry> entries;
  private final Optional<String> taken;
  private final List<String> leftOut;

  /** What either kind of file comes to: its objects, and the bytes of its storages. */
  record Contents(Object root, Map<String, MemorySegment> storages, boolean bigEndian) {}

  private TorchFile(
      Path path, Arena arena, Map<String, SafeTensors.Entry> entries, TensorTree tree) {
    this.path = path;
    this.arena = arena;
    this.entries = entries;
    this.taken = tree.taken();
    this.leftOut = tree.leftOut();
  }

  /**
   * Maps a file and reads its pickle.
   *
   * @param key of the dictionary to take, with dots between keys where it lies within others; empty
   *     for the one that holds a model, or the whole file where none is known to
   * @throws WeightsException if there is no such file, it is malformed, has no tensors there, or
   *     names something that is not read, in one line
   */
  public static TorchFile open(Path path, Optional<String> key) throws WeightsException {
    return MappedFile.open(path, (bytes, arena) -> parse(path, bytes, arena, key));
  }

  /**
   * Whether a file is called as PyTorch's are that hold weights, and not the state of an optimizer
   * for instance: {@code .ckpt}, {@code .pth}, {@code .pt}, or {@code .bin} after the names that
   * transformers and diffusers give, or the index of such shards.
   */
  public static boolean isNamed(String name) {
    return FOLDERS.matcher(name).matches() || ALONE.matcher(name).matches();
  }

  /** Whether a file begins as those of {@code torch.save} do. */
  static boolean recognizes(MemorySegment file) {
    byte[] start = ForeignFormat.start(file);
    Optional<ForeignFormat> format = ForeignFormat.of(start);
    return format.filter(f -> f == ForeignFormat.ZIP || f == ForeignFormat.PICKLE).isPresent()
        || new String(start, StandardCharsets.ISO_8859_1).startsWith(LegacyTorch.MAGIC_LINE);
  }

  static TorchFile parse(Path path, MemorySegment file, Arena arena, Optional<String> key)
      throws WeightsException {
    boolean zip = file.byteSize() > 0 && file.get(ValueLayout.JAVA_BYTE, 0) == 'P';
    Contents contents = zip ? TorchArchive.read(path, file) : LegacyTorch.read(path, file);
    TensorTree tree = TensorTree.of(path, contents.root(), key);
    Map<String, SafeTensors.Entry> entries = new LinkedHashMap<>();
    long allowed = ALWAYS_ALLOWED + MOST_REPEATED * file.byteSize();
    for (Map.Entry<String, Strided> each : tree.tensors().entrySet()) {
      Strided tensor = each.getValue();
      Shape shape = Shape.of(tensor.sizes());
      allowed -= Math.multiplyExact(shape.elements(), (long) tensor.type().bytes());
      if (allowed < 0) {
        throw new WeightsException(
            path,
            String.format(
                Locale.ROOT,
                "its tensors, %s among them, repeat what it holds more than %d times",
                OneLine.clip(each.getKey()),
                MOST_REPEATED));
      }
      Storage storage = tensor.storage();
      MemorySegment bytes =
          contents.storages().get(storage.key()).asSlice(storage.from(), storage.length());
      StoredBytes content = StridedBytes.of(bytes, tensor, contents.bigEndian());
      entries.put(
          each.getKey(), new SafeTensors.Entry(path, each.getKey(), tensor.type(), shape, content));
    }
    return new TorchFile(path, arena, entries, tree);
  }

  @Override
  public Path path() {
    return path;
  }

  /** {@inheritDoc} Files of PyTorch have none. */
  @Override
  public Map<String, String> metadata() {
    return Map.of();
  }

  /** {@inheritDoc} They are in the order in which the file's dictionaries have them. */
  @Override
  public Map<String, SafeTensors.Entry> entries() {
    return Collections.unmodifiableMap(entries);
  }

  @Override
  public Optional<String> taken() {
    return taken;
  }

  @Override
  public List<String> leftOut() {
    return leftOut;
  }

  @Override
  public void close() {
    arena.close();
  }
}
