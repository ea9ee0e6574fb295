package nacre.diffusion.schedule;

/** The variance of the noise that a step of DDPM adds. */
public enum VarianceType {
  /** That of the posterior, β̃ (Ho et al., 2020, equation 7). */
  FIXED_SMALL("fixed_small"),
  /** The same by way of its logarithm. */
  FIXED_SMALL_LOG("fixed_small_log"),
  /** β. */
  FIXED_LARGE("fixed_large");

  private final String key;

  VarianceType(String key) {
    this.key = key;
  }

  /** The name in a scheduler's {@code config.json}. */
  public String key() {
    return key;
  }

  /**
   * The type of a name.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static VarianceType of(String key) {
    for (VarianceType type : values()) {
      if (type.key.equals(key)) {
        return type;
      }
    }
    throw new IllegalArgumentException(
        "scheduler: variance_type '"
            + key
            + "' is not supported; supported are fixed_small, fixed_small_log, fixed_large");
  }
}
