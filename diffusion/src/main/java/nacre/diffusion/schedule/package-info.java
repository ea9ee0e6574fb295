/** Noise in training, and the steps from noise to a sample. */
package nacre.diffusion.schedule;
