/* Read by jextract in place of CUDA's header, of which nccl.h wants the type of a stream alone. */
#pragma once
#include <stddef.h>
#define CUDART_VERSION 12040
typedef struct CUstream_st *cudaStream_t;
