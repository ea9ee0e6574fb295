/** Scenes: cameras, boxes, objects, frames, how they are projected and kept on disk. */
package nacre.neuralassets.scene;
