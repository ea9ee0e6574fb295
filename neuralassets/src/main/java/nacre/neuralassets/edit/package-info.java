/** Edits of scenes: where each object is to be, and whose appearance it has. */
package nacre.neuralassets.edit;
