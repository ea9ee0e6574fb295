/** Data sets of clips, and the training pairs drawn from them by seed and step alone. */
package nacre.neuralassets.data;
