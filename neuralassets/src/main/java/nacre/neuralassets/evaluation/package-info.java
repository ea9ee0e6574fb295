/** How well pictures show what they were to show. */
package nacre.neuralassets.evaluation;
