/** Evaluation: cases with their truth, and the methods that draw them. */
package nacre.evaluation;
