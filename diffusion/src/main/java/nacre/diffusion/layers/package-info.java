/** Layers that the UNet and the autoencoder share. */
package nacre.diffusion.layers;
