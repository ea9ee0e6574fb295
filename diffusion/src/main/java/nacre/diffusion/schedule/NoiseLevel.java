package nacre.diffusion.schedule;

/**
 * A noise level at which a sample is α · clean + σ · noise with α² + σ² = 1, in f32 as diffusers
 * has it.
 *
 * @param alpha factor of the clean sample
 * @param sigma factor of the noise
 * @param lambda log α − log σ, half the logarithm of the signal-to-noise ratio
 */
record NoiseLevel(float alpha, float sigma, float lambda) {

  /** The noise level of a ratio σ / α. */
  static NoiseLevel of(float ratio) {
    float alpha = 1 / (float) Math.sqrt(ratio * ratio + 1);
    float sigma = ratio * alpha;
    return new NoiseLevel(alpha, sigma, (float) Math.log(alpha) - (float) Math.log(sigma));
  }
}
