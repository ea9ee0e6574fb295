/** Clips and the training pairs drawn from them, a function of seed and step alone. */
package nacre.neuralassets.data;
