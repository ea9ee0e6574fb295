/** Options that several commands share, and the exception for errors that a user can fix. */
package nacre.cli.options;
