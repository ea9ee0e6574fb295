/**
 * Weights on disk: safetensors read and written, the pickled files of PyTorch read, and state
 * dictionaries with other names and layouts brought to those of a model.
 */
package nacre.weights;
