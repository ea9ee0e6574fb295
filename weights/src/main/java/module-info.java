/** Weights on disk: safetensors, state dictionaries, name maps and layout changes. */
module nacre.weights {
  exports nacre.weights;

  requires transitive nacre.tensor;
  requires transitive com.fasterxml.jackson.databind;
}
