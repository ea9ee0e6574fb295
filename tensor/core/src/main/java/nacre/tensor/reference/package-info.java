/**
 * The plain implementation of every operation, on one thread and in double precision: the oracle
 * that the other backends are compared with.
 */
package nacre.tensor.reference;
