/**
 * The operations of the engine. Each file holds one: the static method that callers import, the
 * shape rule with its errors, and the record whose forward and backward stand side by side. Every
 * differentiable one is listed in {@link nacre.tensor.ops.Registry}.
 */
package nacre.tensor.ops;
