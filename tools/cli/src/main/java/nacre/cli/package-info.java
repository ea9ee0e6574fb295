/** The command line: {@code nacre} and its commands. */
package nacre.cli;
