/** OBJect, the data set of 3DIT: pairs of pictures before and after an edit. */
package nacre.datasets.object;
