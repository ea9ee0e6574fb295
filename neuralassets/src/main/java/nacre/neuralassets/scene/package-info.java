/** Scenes: cameras, boxes, objects and frames, their projection and their format on disk. */
package nacre.neuralassets.scene;
