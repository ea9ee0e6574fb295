/** {@code nacre weights}: inspection and conversion of weight files. */
package nacre.cli.weights;
