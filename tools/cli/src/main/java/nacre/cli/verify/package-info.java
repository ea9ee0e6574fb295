/** {@code nacre verify}, which compares the engine with PyTorch. */
package nacre.cli.verify;
