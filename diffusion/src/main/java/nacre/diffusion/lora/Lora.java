package nacre.diffusion.lora;

import java.nio.file.Path;
import java.util.Objects;

/**
 * A LoRA file, and how much of it is merged into a model.
 *
 * @param file safetensors, under kohya's names or those of diffusers and peft, or a folder with
 *     such a file in it as diffusers and peft write them
 * @param weight 1 for the whole of what was learned, 0 for none; may be negative
 */
public record Lora(Path file, double weight) {

  /** Checks the weight to be finite. */
  public Lora {
    Objects.requireNonNull(file, "file");
    if (!Double.isFinite(weight)) {
      throw new IllegalArgumentException("lora: the weight of " + file + " is " + weight);
    }
  }

  /** With a weight of 1. */
  public Lora(Path file) {
    this(file, 1);
  }
}
