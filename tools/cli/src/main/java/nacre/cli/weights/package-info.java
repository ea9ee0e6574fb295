/** {@code nacre weights}: looking into weight files, and writing them in other ways. */
package nacre.cli.weights;
