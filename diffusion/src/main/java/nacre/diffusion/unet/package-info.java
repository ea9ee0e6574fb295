/** The conditioned UNet of Stable Diffusion, which predicts noise in latents. */
package nacre.diffusion.unet;
