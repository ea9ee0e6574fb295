/** Training runs: steps, checkpoints, model folders. */
package nacre.neuralassets.training;
