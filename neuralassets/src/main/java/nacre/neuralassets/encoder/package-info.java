/**
 * Image encoders, which extract features from source frames: the vision transformer, and those of
 * users.
 */
package nacre.neuralassets.encoder;
