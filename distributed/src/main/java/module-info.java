/** Ranks that a launcher of MPI started, and what they exchange. */
module nacre.distributed {
  requires nacre.bindings;
  requires transitive nacre.tensor;

  exports nacre.distributed;
}
