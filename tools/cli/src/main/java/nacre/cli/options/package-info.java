/** Options that several commands share, and the exception for what a user can mend. */
package nacre.cli.options;
