// libcuda.so.1 of a machine that has a driver and no GPU. cuDNN compiles the engines of a graph only where it finds
// every function that would run them, so with this beside it, it makes plans for a GPU that is only described to it.
// None of these does anything but say so.
#include "../src/cuda_abi.h"

namespace {
CUresult no_device() { return CUDA_ERROR_NO_DEVICE; }
}  // namespace

EXPORT CUresult cuDriverGetVersion(int* version) {
  *version = 13000;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetCount(int* count) {
  *count = 0;  // cuDNN reads this, and not what is answered
  return CUDA_ERROR_NO_DEVICE;
}

EXPORT CUresult cuGetErrorName(int, const char** name) {
  *name = "CUDA_ERROR_NO_DEVICE";
  return CUDA_SUCCESS;
}

EXPORT CUresult cuGetErrorString(int, const char** text) {
  *text = "no GPU here, only its driver";
  return CUDA_SUCCESS;
}

EXPORT CUresult cuGetExportTable(const void** table, const void*) {
  *table = nullptr;
  return CUDA_ERROR_NOT_FOUND;
}

EXPORT CUresult cuGetProcAddress_v2(const char*, void** function, int, unsigned long long, int* found) {
  *function = reinterpret_cast<void*>(&no_device);
  if (found) *found = 0;
  return CUDA_SUCCESS;
}

#define ABSENT(NAME) \
  EXPORT CUresult NAME() { return CUDA_ERROR_NO_DEVICE; }

ABSENT(cuInit)
ABSENT(cuDeviceGet)
ABSENT(cuCtxGetCurrent)
ABSENT(cuCtxPushCurrent)
ABSENT(cuCtxPopCurrent)
ABSENT(cuCtxGetLimit)
ABSENT(cuStreamGetCtx)
ABSENT(cuLibraryLoadData)
ABSENT(cuLibraryLoadFromFile)
ABSENT(cuLibraryGetKernel)
ABSENT(cuLibraryUnload)
ABSENT(cuKernelGetAttribute)
ABSENT(cuKernelSetAttribute)
ABSENT(cuLaunchKernel)
ABSENT(cuLaunchKernelEx)
ABSENT(cuLaunchCooperativeKernel)
ABSENT(cuOccupancyMaxPotentialClusterSize)
ABSENT(cuLinkCreate)
ABSENT(cuLinkAddData)
ABSENT(cuLinkComplete)
ABSENT(cuLinkDestroy)
