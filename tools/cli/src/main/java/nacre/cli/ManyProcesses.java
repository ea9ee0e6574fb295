package nacre.cli;

/**
 * A command that a launcher of MPI may start as several processes, each of which runs it: they
 * divide its work, or all come to the same answer, which the first prints.
 */
interface ManyProcesses {}
