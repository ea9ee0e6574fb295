package nacre.cli;

/**
 * A command whose work is divided among the processes that a launcher of MPI has started. Each of
 * them runs it.
 */
interface DividedWork {}
