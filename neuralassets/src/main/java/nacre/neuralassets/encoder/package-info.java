/** Image encoders: what sees the source frames. The vision transformer, and those of users. */
package nacre.neuralassets.encoder;
