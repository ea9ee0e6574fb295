/** Studies: variants of a preset on equal budgets, measured on the benchmark of edits. */
package nacre.evaluation.study;
