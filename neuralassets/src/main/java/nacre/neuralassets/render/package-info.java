/** The built-in data set of random, ray-traced scenes, and images for inspection. */
package nacre.neuralassets.render;
