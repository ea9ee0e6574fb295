/** Compares the engine with what PyTorch computed: {@code nacre verify}. */
package nacre.cli.verify;
