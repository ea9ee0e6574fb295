package nacre.diffusion;

/** The time that weights of a {@link StableDiffusion} stay in memory. */
public enum Residency {
  /** All until it is closed: each is read once. */
  ALL,
  /**
   * Each of text encoder, UNet and autoencoder as long as it is needed, so that there is never more
   * than one of them in memory; the next picture reads them anew.
   */
  ONE_AT_A_TIME,
  /**
   * {@link #ALL}, but {@link #ONE_AT_A_TIME} where the weights lie in the machine's own memory and
   * would take more than half of it (of its container's, if it has one).
   */
  AUTO
}
