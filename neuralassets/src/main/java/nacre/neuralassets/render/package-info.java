/** The embedded data set: scenes that are invented and ray-traced, and pictures for inspection. */
package nacre.neuralassets.render;
