/** The report of an evaluation: one HTML page that needs no network. */
package nacre.evaluation.report;
