/** Tensors, scopes, the tape, and the backends that compute. */
module nacre.tensor {
  requires nacre.bindings;
}
