/** The training of autoencoders, which make a latent space for a data set's pictures. */
package nacre.neuralassets.autoencoder;
