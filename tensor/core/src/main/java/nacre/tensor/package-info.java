/**
 * Tensors on a device, the scopes that own their memory, and the tape that differentiates what is
 * computed with them. {@link nacre.tensor.Device} names where, {@link nacre.tensor.Tensor} what;
 * operations are in {@link nacre.tensor.ops}.
 */
package nacre.tensor;
