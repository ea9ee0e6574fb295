/** Tensors, scopes, the tape, differentiable operations, and what a backend has to do. */
module nacre.tensor {
  exports nacre.tensor;
  exports nacre.tensor.ops;
  exports nacre.tensor.reference;
  exports nacre.tensor.spi;

  uses nacre.tensor.spi.BackendProvider;

  provides nacre.tensor.spi.BackendProvider with
      nacre.tensor.reference.ReferenceProvider;
}
