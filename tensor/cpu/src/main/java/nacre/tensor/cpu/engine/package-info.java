/** What the CPU's backend asks of a library: oneDNN implements it. */
package nacre.tensor.cpu.engine;
