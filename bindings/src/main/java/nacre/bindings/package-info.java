/**
 * Finds native libraries, loads them, and says in a sentence why one could not be loaded; and lends
 * their worker threads to Java.
 */
package nacre.bindings;
