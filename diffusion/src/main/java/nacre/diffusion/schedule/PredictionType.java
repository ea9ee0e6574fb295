package nacre.diffusion.schedule;

/** The quantity that a diffusion model is trained to predict from a noisy sample. */
public enum PredictionType {
  /** The noise (Ho et al., 2020). */
  EPSILON("epsilon"),
  /** The clean sample. */
  SAMPLE("sample"),
  /** The velocity √ᾱ · noise − √(1 − ᾱ) · clean (Salimans and Ho, 2022, appendix D). */
  V_PREDICTION("v_prediction");

  private final String key;

  PredictionType(String key) {
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
  public static PredictionType of(String key) {
    for (PredictionType type : values()) {
      if (type.key.equals(key)) {
        return type;
      }
    }
    throw new IllegalArgumentException(
        "scheduler: prediction_type '"
            + key
            + "' is not known; known are epsilon, sample, v_prediction");
  }

  /** The conversion to clean sample and noise at a noise level ᾱ. */
  OutputConversion conversion(double alphaBar) {
    return conversion(Math.sqrt(alphaBar), Math.sqrt(1 - alphaBar));
  }

  /** The conversion of samples signal · clean + noise · noise, whose squares add up to 1. */
  OutputConversion conversion(double signal, double noise) {
    return switch (this) {
      case EPSILON -> new OutputConversion(1 / signal, -noise / signal, 0, 1);
      case SAMPLE -> new OutputConversion(0, 1, 1 / noise, -signal / noise);
      case V_PREDICTION -> new OutputConversion(signal, -noise, noise, signal);
    };
  }

  /** The conversion of samples clean + σ · noise, of which the model sees the scaled ones. */
  OutputConversion conversionAtSigma(double sigma) {
    double square = sigma * sigma + 1;
    return switch (this) {
      case EPSILON -> new OutputConversion(1, -sigma, 0, 1);
      case SAMPLE -> new OutputConversion(0, 1, 1 / sigma, -1 / sigma);
      case V_PREDICTION ->
          new OutputConversion(
              1 / square, -sigma / Math.sqrt(square), sigma / square, 1 / Math.sqrt(square));
    };
  }
}
