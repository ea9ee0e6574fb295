package nacre.cli.texttoimage;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import nacre.cli.options.Accepts;
import nacre.cli.options.HintOptions;
import nacre.diffusion.LoadOptions;
import nacre.diffusion.Residency;
import nacre.diffusion.lora.Lora;
import nacre.diffusion.text.TextualInversion;
import nacre.diffusion.vae.Tiles;
import nacre.tensor.DType;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** The options of {@code nacre sample} that say how Stable Diffusion is loaded, and with what. */
final class LoadingOptions {
  @Option(
      names = "--tokenizer",
      paramLabel = "FOLDER",
      description =
          "The tokenizer's files; the folder's own unless given, CLIP's where --model is a single"
              + " file.")
  private Path tokenizer;

  @Option(
      names = "--vae",
      paramLabel = "PATH",
      description = "Another autoencoder instead of the model's: a folder, or a single file.")
  private Path vae;

  @Option(
      names = "--embedding",
      paramLabel = "FILE[=NAME]",
      description =
          "A word of textual inversion for the prompts, in a file of safetensors or PyTorch; may be"
              + " given several times.")
  private List<String> embeddings = List.of();

  @Option(
      names = "--lora",
      paramLabel = "FILE[:WEIGHT]",
      description =
          "A LoRA for the model, in a file of safetensors or PyTorch, and how much of it, 1 unless"
              + " given; may be given several times.")
  private List<String> loras = List.of();

  @ArgGroup(exclusive = false)
  private HintOptions hints = new HintOptions();

  @Option(
      names = "--dtype",
      paramLabel = "TYPE",
      converter = SamplingTypeOption.class,
      description =
          "Type to compute in: f32, or bf16 or f16, which take half the memory; f32 unless given."
              + " f16 is for GPUs, and rounds finer than bf16.")
  private DType dtype = DType.F32;

  @Option(
      names = "--residency",
      paramLabel = "all|one",
      converter = ResidencyOption.class,
      description =
          "Which of text encoder, UNet and autoencoder stay in memory: all, read once, or one at a"
              + " time, read anew for each batch; all unless given, but one where they would take"
              + " more than half of the machine's memory, or of what the GPU has free.")
  private Residency residency = Residency.AUTO;

  @Option(
      names = "--tiles",
      paramLabel = "PIXELS",
      arity = "0..1",
      fallbackValue = "512",
      description =
          "Encode and decode pictures in tiles of this size, 512 unless given, so that memory is"
              + " that of a tile.")
  @Accepts(from = 64, to = 4096)
  private Integer tiles;

  /** The options for the library. */
  LoadOptions options() throws IOException {
    return LoadOptions.DEFAULT
        .withDtype(dtype)
        .withResidency(residency)
        .withTokenizer(tokenizer)
        .withVae(vae)
        .withEmbeddings(readEmbeddings())
        .withLoras(readLoras())
        .withHints(hints.hints())
        .withTiles(tiles == null ? null : new Tiles(tiles));
  }

  private List<TextualInversion> readEmbeddings() throws IOException {
    List<TextualInversion> read = new ArrayList<>();
    for (String embedding : embeddings) {
      int sign = embedding.lastIndexOf('=');
      // A file's name may have the sign in it.
      boolean named = sign > 0 && !Files.exists(Path.of(embedding));
      Path file = Path.of(named ? embedding.substring(0, sign) : embedding);
      Optional<String> name = named ? Optional.of(embedding.substring(sign + 1)) : Optional.empty();
      read.add(TextualInversion.read(file, name));
    }
    return read;
  }

  private List<Lora> readLoras() {
    return loras.stream().map(LoraOption::parse).toList();
  }

  /** What changes pictures, by name, for their metadata. */
  Map<String, String> describe() {
    Map<String, String> texts = new LinkedHashMap<>();
    if (!embeddings.isEmpty()) {
      texts.put("embeddings", String.join(", ", embeddings));
    }
    if (!loras.isEmpty()) {
      texts.put("loras", LoraOption.describe(readLoras()));
    }
    if (vae != null) {
      texts.put("vae", vae.toString());
    }
    hints.hints().family().ifPresent(family -> texts.put("family", family.toString()));
    hints.hints().prediction().ifPresent(type -> texts.put("prediction", type.key()));
    if (tiles != null) {
      texts.put("tiles", tiles.toString());
    }
    texts.put("dtype", dtype.toString());
    return texts;
  }
}
