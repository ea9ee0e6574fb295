package nacre.diffusion;

import nacre.diffusion.checkpoint.Component;

/**
 * How far a phase of drawing other than its denoising steps has come, for progress bars. The first
 * of a phase has nothing done, the last all.
 *
 * @param kind what is being done
 * @param component the model's part that is read, or that decodes
 * @param done of the total
 * @param total bytes that are read, or pictures that are decoded
 */
public record Phase(Kind kind, Component component, long done, long total) {

  /** What is being done. */
  public enum Kind {
    /** Weights are read; counted in bytes of their files. */
    READ,
    /** Latents become pictures; counted in pictures. */
    DECODE
  }
}
