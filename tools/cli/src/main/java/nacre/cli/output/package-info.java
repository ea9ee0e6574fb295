/** The output of commands: tables, progress, charts, pictures and logs. */
package nacre.cli.output;
