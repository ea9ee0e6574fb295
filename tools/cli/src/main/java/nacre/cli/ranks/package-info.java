/** The processes that a launcher of MPI started, as commands see them. */
package nacre.cli.ranks;
