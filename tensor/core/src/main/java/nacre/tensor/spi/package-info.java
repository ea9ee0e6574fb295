/**
 * The contract between the engine and a device: {@link nacre.tensor.spi.BackendProvider} is what
 * {@link java.util.ServiceLoader} finds, {@link nacre.tensor.spi.Backend} what it opens.
 */
package nacre.tensor.spi;
