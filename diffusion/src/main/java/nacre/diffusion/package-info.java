/** What the parts of a diffusion model share, and the folder that holds them on disk. */
package nacre.diffusion;
