/** The CPU's backend: oneDNN, and vectorized loops in Java. */
module nacre.tensor.cpu {
  requires nacre.bindings;
  requires transitive nacre.tensor;

  provides nacre.tensor.spi.BackendProvider with
      nacre.tensor.cpu.CpuProvider;
}
