/** Edits of scenes: the pose and the appearance of each object. */
package nacre.neuralassets.edit;
