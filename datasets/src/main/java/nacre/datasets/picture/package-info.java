/** Encoded pictures of data sets. */
package nacre.datasets.picture;
