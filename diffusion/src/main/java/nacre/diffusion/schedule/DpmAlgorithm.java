package nacre.diffusion.schedule;

/** The algorithms of DPM-Solver: what is extrapolated, and whether a step adds noise. */
public enum DpmAlgorithm {
  /** The noise (Lu et al., "DPM-Solver", 2022). */
  NOISE("dpmsolver", false, false),
  /** The clean sample (Lu et al., "DPM-Solver++", 2022). */
  CLEAN("dpmsolver++", true, false),
  /** The noise, with fresh noise at each step. */
  STOCHASTIC_NOISE("sde-dpmsolver", false, true),
  /** The clean sample, with fresh noise at each step. */
  STOCHASTIC_CLEAN("sde-dpmsolver++", true, true);

  private final String key;
  private final boolean clean;
  private final boolean stochastic;

  DpmAlgorithm(String key, boolean clean, boolean stochastic) {
    this.key = key;
    this.clean = clean;
    this.stochastic = stochastic;
  }

  /** The algorithm of a name. */
  static DpmAlgorithm of(String key) {
    for (DpmAlgorithm algorithm : values()) {
      if (algorithm.key.equals(key)) {
        return algorithm;
      }
    }
    return CLEAN; // DEIS's own name stands for the default, as in diffusers
  }

  /** The name in a scheduler's {@code config.json}. */
  public String key() {
    return key;
  }

  /** Whether it extrapolates the clean sample rather than the noise. */
  public boolean clean() {
    return clean;
  }

  /** Whether each step adds noise. */
  public boolean stochastic() {
    return stochastic;
  }

  /**
   * The factors of a step, in f32 as diffusers: next = ofSample · sample + ofEstimate · estimate +
   * ofSlope · slope + ofBend · bend + ofNoise · noise, where slope and bend are the first and
   * second differences of estimates.
   *
   * @param ofHalfSlope the slope's factor by the midpoint rule
   * @param ofSlope the slope's factor by Heun's rule, and in the third order
   */
  record Factors(
      float ofSample,
      float ofEstimate,
      float ofHalfSlope,
      float ofSlope,
      float ofBend,
      float ofNoise) {}

  /** The factors of a step between two noise levels. */
  Factors factors(NoiseLevel from, NoiseLevel to) {
    float h = to.lambda() - from.lambda();
    return clean ? ofClean(from, to, h) : ofNoise(from, to, h);
  }

  private Factors ofClean(NoiseLevel from, NoiseLevel to, float h) {
    // The stochastic variant goes twice as far, and comes back by its noise.
    float distance = stochastic ? 2 * h : h;
    float decay = (float) Math.exp(-distance);
    float ofSample = to.sigma() / from.sigma();
    float ofEstimate = to.alpha() * (1 - decay);
    float half = stochastic ? -0.5f : 0.5f;
    return new Factors(
        stochastic ? ofSample * (float) Math.exp(-h) : ofSample,
        ofEstimate,
        0.5f * ofEstimate,
        to.alpha() * ((decay - 1) / distance + 1),
        to.alpha() * ((1 - decay - distance) / (distance * distance) + half),
        stochastic ? to.sigma() * (float) Math.sqrt(1 - (float) Math.exp(-2 * h)) : 0);
  }

  private Factors ofNoise(NoiseLevel from, NoiseLevel to, float h) {
    float growth = (float) Math.exp(h) - 1;
    float sigma = stochastic ? 2 * to.sigma() : to.sigma();
    float ofEstimate = -sigma * growth;
    return new Factors(
        to.alpha() / from.alpha(),
        ofEstimate,
        0.5f * ofEstimate,
        -sigma * (growth / h - 1),
        -sigma * ((growth - h) / (h * h) - 0.5f),
        stochastic ? to.sigma() * (float) Math.sqrt((float) Math.exp(2 * h) - 1) : 0);
  }
}
