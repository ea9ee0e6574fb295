package nacre.diffusion.text;

import java.util.Arrays;
import java.util.Optional;

/** What signs in a prompt mean. */
public enum PromptSyntax {
  /** Nothing: every sign is text, and what follows the 75th token is left out, as in diffusers. */
  PLAIN("plain"),
  /**
   * What they mean to AUTOMATIC1111's stable-diffusion-webui: {@code (word)}, {@code ((word))},
   * {@code (word:1.2)} and {@code [word]} are weights, a backslash takes its meaning from a
   * bracket, {@code #} begins a comment, and {@code BREAK} a new chunk. Prompts of any length are
   * encoded in chunks of 75 tokens. What else that program knows is refused: prompts that change
   * from step to step ({@code [from:to:when]}, {@code [a|b]}), {@code AND}, and {@code <lora:…>}.
   */
  A1111("a1111");

  private final String label;

  PromptSyntax(String label) {
    this.label = label;
  }

  /** The syntax called {@code plain} or {@code a1111}. */
  public static Optional<PromptSyntax> named(String label) {
    return Arrays.stream(values()).filter(syntax -> syntax.label.equals(label)).findFirst();
  }

  /** {@code plain} or {@code a1111}. */
  @Override
  public String toString() {
    return label;
  }
}
