/** The cache of what the frames of a data set are encoded as. */
package nacre.neuralassets.latents;
