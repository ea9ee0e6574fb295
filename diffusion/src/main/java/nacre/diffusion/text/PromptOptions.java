package nacre.diffusion.text;

import java.util.Objects;

/**
 * How prompts are encoded.
 *
 * @param syntax what signs in them mean
 * @param clipSkip how many of the text encoder's last layers are left out; the final norm stays. As
 *     {@code clip_skip} of diffusers, so that 1 is what other tools call "Clip skip 2". In {@link
 *     PromptSyntax#PLAIN plain} syntax the negative prompt is encoded by all layers, as in
 *     diffusers
 */
public record PromptOptions(PromptSyntax syntax, int clipSkip) {

  /** Plain text, all layers. */
  public static final PromptOptions DEFAULT = new PromptOptions(PromptSyntax.PLAIN, 0);

  /** Checks the number. */
  public PromptOptions {
    Objects.requireNonNull(syntax, "syntax");
    if (clipSkip < 0) {
      throw new IllegalArgumentException("clip skip is " + clipSkip + ", 0 or more is wanted");
    }
  }

  /** The layers that are left out for a prompt. */
  int skipped(boolean negative) {
    return negative && syntax == PromptSyntax.PLAIN ? 0 : clipSkip;
  }
}
