package nacre.diffusion;

import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import nacre.diffusion.checkpoint.ModelHints;
import nacre.diffusion.lora.Lora;
import nacre.diffusion.text.TextualInversion;
import nacre.diffusion.vae.Tiles;
import nacre.tensor.DType;

/**
 * Options of {@link StableDiffusion#load}: {@code LoadOptions.DEFAULT.withDtype(DType.BF16)}.
 *
 * @param dtype type of the weights and of the computation: f32, bf16, or f16, whose largest number
 *     is 65504; the files may be in another
 * @param residency how long weights stay in memory
 * @param tokenizer folder of the tokenizer; null for {@code tokenizer/} in the model's folder or
 *     beside the single file, else CLIP's own vocabulary
 * @param vae another autoencoder instead of the model's: a folder, or a single file under either
 *     diffusers' or the original code's names; null for the model's own
 * @param embeddings words that textual inversion learned, which prompts may then use
 * @param loras merged into the weights of UNet and text encoder whenever these are read
 * @param hints what the caller knows better than the model's files: a single file's family, and
 *     what the UNet predicts
 * @param tiles in which pictures are encoded and decoded; null for whole pictures
 * @param onPhase called while weights are read and pictures are decoded, for progress bars
 */
public record LoadOptions(
    DType dtype,
    Residency residency,
    Path tokenizer,
    Path vae,
    List<TextualInversion> embeddings,
    List<Lora> loras,
    ModelHints hints,
    Tiles tiles,
    Consumer<Phase> onPhase) {

  /** In f32, all weights kept, the model's own tokenizer. */
  public static final LoadOptions DEFAULT =
      new LoadOptions(
          DType.F32,
          Residency.ALL,
          null,
          null,
          List.of(),
          List.of(),
          ModelHints.NONE,
          null,
          phase -> {});

  /** Checks the dtype. */
  public LoadOptions {
    if (!dtype.isFloating()) {
      throw new IllegalArgumentException(
          "stable diffusion: dtype is " + dtype + ", float32, bfloat16 or float16 is wanted");
    }
    Objects.requireNonNull(residency, "residency");
    embeddings = List.copyOf(embeddings);
    loras = List.copyOf(loras);
    Objects.requireNonNull(hints, "hints");
    Objects.requireNonNull(onPhase, "onPhase");
  }

  /** The same with another {@link #dtype}. */
  public LoadOptions withDtype(DType other) {
    return new LoadOptions(
        other, residency, tokenizer, vae, embeddings, loras, hints, tiles, onPhase);
  }

  /** The same with another {@link #residency}. */
  public LoadOptions withResidency(Residency other) {
    return new LoadOptions(dtype, other, tokenizer, vae, embeddings, loras, hints, tiles, onPhase);
  }

  /** The same with another {@link #tokenizer}. */
  public LoadOptions withTokenizer(Path folder) {
    return new LoadOptions(dtype, residency, folder, vae, embeddings, loras, hints, tiles, onPhase);
  }

  /** The same with another {@link #vae}. */
  public LoadOptions withVae(Path other) {
    return new LoadOptions(
        dtype, residency, tokenizer, other, embeddings, loras, hints, tiles, onPhase);
  }

  /** The same with other {@link #embeddings}. */
  public LoadOptions withEmbeddings(List<TextualInversion> others) {
    return new LoadOptions(dtype, residency, tokenizer, vae, others, loras, hints, tiles, onPhase);
  }

  /** The same with other {@link #loras}. */
  public LoadOptions withLoras(List<Lora> others) {
    return new LoadOptions(
        dtype, residency, tokenizer, vae, embeddings, others, hints, tiles, onPhase);
  }

  /** The same with what the caller knows better than the model's files. */
  public LoadOptions withHints(ModelHints other) {
    return new LoadOptions(
        dtype, residency, tokenizer, vae, embeddings, loras, other, tiles, onPhase);
  }

  /** The same with other {@link #tiles}. */
  public LoadOptions withTiles(Tiles others) {
    return new LoadOptions(
        dtype, residency, tokenizer, vae, embeddings, loras, hints, others, onPhase);
  }

  /** The same with another {@link #onPhase}. */
  public LoadOptions withOnPhase(Consumer<Phase> listener) {
    return new LoadOptions(
        dtype, residency, tokenizer, vae, embeddings, loras, hints, tiles, listener);
  }
}
