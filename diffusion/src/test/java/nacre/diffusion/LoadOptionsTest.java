package nacre.diffusion;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import nacre.diffusion.checkpoint.Family;
import nacre.diffusion.checkpoint.ModelHints;
import nacre.diffusion.lora.Lora;
import nacre.diffusion.text.TextualInversion;
import nacre.diffusion.vae.Tiles;
import nacre.tensor.DType;
import org.junit.jupiter.api.Test;

class LoadOptionsTest {

  /** Every option takes its place, and leaves the others as they were. */
  @Test
  void eachOptionChangesItselfAlone() {
    Path tokenizer = Path.of("tokenizer");
    Path vae = Path.of("vae");
    List<TextualInversion> embeddings =
        List.of(new TextualInversion(Path.of("fox.pt"), "fox", List.of(new float[4])));
    List<Lora> loras = List.of(new Lora(Path.of("style.safetensors"), 0.5));
    ModelHints hints = ModelHints.of(Family.SD_2_1);
    Tiles tiles = new Tiles(64);
    Consumer<Phase> onPhase = phase -> {};
    LoadOptions all =
        new LoadOptions(
            DType.BF16,
            Residency.ONE_AT_A_TIME,
            tokenizer,
            vae,
            embeddings,
            loras,
            hints,
            tiles,
            onPhase);
    assertEquals(
        all,
        LoadOptions.DEFAULT
            .withDtype(DType.BF16)
            .withResidency(Residency.ONE_AT_A_TIME)
            .withTokenizer(tokenizer)
            .withVae(vae)
            .withEmbeddings(embeddings)
            .withLoras(loras)
            .withHints(hints)
            .withTiles(tiles)
            .withOnPhase(onPhase));
    assertEquals(
        all,
        LoadOptions.DEFAULT
            .withOnPhase(onPhase)
            .withTiles(tiles)
            .withHints(hints)
            .withLoras(loras)
            .withEmbeddings(embeddings)
            .withVae(vae)
            .withTokenizer(tokenizer)
            .withResidency(Residency.ONE_AT_A_TIME)
            .withDtype(DType.BF16));
  }
}
