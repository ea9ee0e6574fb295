/**
 * Stable Diffusion as a library: {@link nacre.diffusion.StableDiffusion} loads a model, {@link
 * nacre.diffusion.Prompt} draws pictures with it.
 */
package nacre.diffusion;
