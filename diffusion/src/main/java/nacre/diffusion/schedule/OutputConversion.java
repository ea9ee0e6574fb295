package nacre.diffusion.schedule;

import static nacre.tensor.ops.Mix.mix;

import nacre.tensor.Tensor;

/**
 * The conversion of a model's output m at a noisy sample x to the clean sample and the noise that
 * it implies: clean = cleanOfSample · x + cleanOfOutput · m, and likewise the noise.
 */
record OutputConversion(
    double cleanOfSample, double cleanOfOutput, double noiseOfSample, double noiseOfOutput) {

  Tensor clean(Tensor sample, Tensor output) {
    return mix(sample, cleanOfSample, output, cleanOfOutput);
  }

  Tensor noise(Tensor sample, Tensor output) {
    return mix(sample, noiseOfSample, output, noiseOfOutput);
  }

  /** a · clean + b · noise in one pass. */
  Tensor combine(double a, double b, Tensor sample, Tensor output) {
    return mix(
        sample,
        a * cleanOfSample + b * noiseOfSample,
        output,
        a * cleanOfOutput + b * noiseOfOutput);
  }
}
