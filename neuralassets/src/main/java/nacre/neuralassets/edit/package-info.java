/** Edits at the level of geometry: which object is to be where, and whose appearance it has. */
package nacre.neuralassets.edit;
