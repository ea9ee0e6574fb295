package nacre.diffusion.schedule;

import static nacre.tensor.ops.Mix.mix;

import nacre.tensor.Tensor;

/**
 * How the clean sample and the noise follow from the noisy sample x and a model's output m: clean =
 * cleanOfSample · x + cleanOfOutput · m, and likewise the noise.
 */
record Estimate(
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
