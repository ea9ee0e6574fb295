/** Baselines that draw the same cases as a model: copying, cut and paste, and 3DIT. */
package nacre.evaluation.baseline;
