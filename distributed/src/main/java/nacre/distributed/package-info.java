/**
 * Ranks that a launcher of MPI started: {@link nacre.distributed.World} is all of them, {@link
 * nacre.distributed.MpiCollectives} exchanges tensors in the host's memory.
 */
package nacre.distributed;
