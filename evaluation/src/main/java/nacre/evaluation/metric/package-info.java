/** Metrics: how like a drawn picture is to the true one. */
package nacre.evaluation.metric;
