/** Weights on disk: safetensors, state dictionaries, key mappings and layout conversion. */
module nacre.weights {
  exports nacre.weights;

  requires transitive nacre.tensor;
  requires transitive com.fasterxml.jackson.databind;
}
