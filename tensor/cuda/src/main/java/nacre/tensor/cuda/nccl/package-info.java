/** NCCL: what processes with a GPU each exchange tensors with. */
package nacre.tensor.cuda.nccl;
