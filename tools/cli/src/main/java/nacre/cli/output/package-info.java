/** What commands write: tables, progress, charts, pictures and logs. */
package nacre.cli.output;
