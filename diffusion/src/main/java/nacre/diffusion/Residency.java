package nacre.diffusion;

/** The residency of the weights of a {@link StableDiffusion}: how long they stay in memory. */
public enum Residency {
  /** All weights stay until the model is closed: each is read once. */
  ALL,
  /**
   * Text encoder, UNet and autoencoder each stay only while needed, so that at most one of them is
   * in memory; the next picture reads them again.
   */
  ONE_AT_A_TIME,
  /**
   * {@link #ALL}, but {@link #ONE_AT_A_TIME} where the weights would take more than half of the
   * memory: of the machine's (of its container's, if it has one), or of what a GPU has free.
   */
  AUTO
}
