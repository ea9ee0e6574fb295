/** Packs: a data set at a model's size, in few files, without what training does not need. */
package nacre.datasets.pack;
