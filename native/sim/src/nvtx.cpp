// NVTX: ranges of threads, which are only written down.
#include "cuda_abi.h"
#include "report.h"

namespace {
thread_local int depth = 0;
}

EXPORT int nvtxRangePushA(const char* name) {
  sim::note(std::string("NVTX: ") + name);
  return depth++;
}

EXPORT int nvtxRangePop() {
  if (depth == 0) {
    sim::note("NVTX: a range is ended that did not begin");
    return -1;
  }
  sim::note("NVTX: end");
  return --depth;
}
