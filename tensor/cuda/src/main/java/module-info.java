/** The backend of NVIDIA's GPUs: cuBLASLt, cuDNN, and kernels compiled by NVRTC. */
module nacre.tensor.cuda {
  requires nacre.bindings;
  requires transitive nacre.tensor;

  provides nacre.tensor.spi.BackendProvider with
      nacre.tensor.cuda.CudaProvider;
}
