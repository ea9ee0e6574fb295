/**
 * Stable Diffusion models on disk: folders as diffusers saves them, and single files as the
 * original code wrote them.
 */
package nacre.diffusion.checkpoint;
