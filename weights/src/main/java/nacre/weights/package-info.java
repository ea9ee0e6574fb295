/**
 * Weights on disk: reading and writing safetensors, and state dictionaries whose names and layouts
 * are mapped to those of a model.
 */
package nacre.weights;
