/** Evaluation: the similarity of sampled images to true frames. */
package nacre.neuralassets.evaluation;
