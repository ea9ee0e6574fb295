/** Conversion between Java's images and a model's tensors. */
package nacre.diffusion.image;
