/** Objectron: videos of an object on a table or on the floor, filmed by walking around it. */
package nacre.datasets.objectron;
