/** The autoencoder between images and the latents that Stable Diffusion works on. */
package nacre.diffusion.vae;
