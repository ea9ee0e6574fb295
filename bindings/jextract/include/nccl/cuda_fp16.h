/* Read by jextract in place of CUDA's header, of which nccl.h wants nothing that is bound. */
#pragma once
