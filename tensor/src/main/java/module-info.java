/** Tensors, scopes, the tape, and the backends that compute. */
module nacre.tensor {
  requires nacre.bindings;

  exports nacre.tensor;
  exports nacre.tensor.backend;
  exports nacre.tensor.ops;
}
