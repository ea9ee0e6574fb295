/** The benchmark of edits: 300 edits of rendered scenes, each with its true picture. */
package nacre.evaluation.benchmark;
