// The driver's device, context and memory calls.
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>

#include "errors.h"
#include "memory.h"
#include "streams.h"

using namespace sim;

#define LOCK std::lock_guard hold(device_lock())

namespace {

bool initialized = false;
thread_local CUcontext current_context = nullptr;
int primary_users = 0;
char primary;  // its address is the primary context
char other;    // and this one's a context that another library has made
char pool;     // and this one's the default pool

int setting(const char* name, int usual) {
  const char* asked = std::getenv(name);
  return asked ? std::atoi(asked) : usual;
}

int devices() { return setting("NACRE_SIM_DEVICES", 1); }

std::map<uintptr_t, size_t>& pinned() {
  static std::map<uintptr_t, size_t> all;
  return all;
}

bool is_pinned(const void* p, size_t bytes) {
  uintptr_t a = reinterpret_cast<uintptr_t>(p);
  auto after = pinned().upper_bound(a);
  if (after == pinned().begin()) return false;
  auto at = std::prev(after);
  return a + bytes <= at->first + at->second;
}

// What every call wants that works on the device.
CUresult ready() {
  if (!initialized) return fail(CUDA_ERROR_NOT_INITIALIZED, "cuInit was not called");
  if (!current_context) return fail(CUDA_ERROR_INVALID_CONTEXT, "no context is current on this thread");
  if (current_context == &other) {
    return fail(CUDA_ERROR_INVALID_CONTEXT, "another library's context is current on this thread");
  }
  return context_error();
}

CUresult bad_range(const char* what, CUdeviceptr a, const std::string& why) {
  return fail(CUDA_ERROR_INVALID_VALUE, format("%s: 0x%llx is %s", what, a, why.c_str()));
}

}  // namespace

namespace sim {
CUresult require_context() { return ready(); }
}  // namespace sim

#define READY \
  if (CUresult not_ready = ready(); not_ready != CUDA_SUCCESS) return not_ready

EXPORT CUresult cuInit(unsigned flags) {
  LOCK;
  if (flags != 0) return fail(CUDA_ERROR_INVALID_VALUE, "cuInit: flags must be 0");
  if (devices() <= 0) return fail(CUDA_ERROR_NO_DEVICE, "told to have none");
  memory::start();
  initialized = true;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDriverGetVersion(int* version) {
  *version = setting("NACRE_SIM_CUDA_VERSION", 13000);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetCount(int* count) {
  if (!initialized) return fail(CUDA_ERROR_NOT_INITIALIZED, "cuInit was not called");
  *count = devices();
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGet(CUdevice* device, int ordinal) {
  if (!initialized) return fail(CUDA_ERROR_NOT_INITIALIZED, "cuInit was not called");
  // All devices of a simulated machine would share one memory, so there is one.
  if (ordinal < 0 || ordinal >= std::min(devices(), 1)) {
    return fail(CUDA_ERROR_INVALID_DEVICE, format("device %d of %d", ordinal, devices()));
  }
  *device = ordinal;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetName(char* name, int length, CUdevice device) {
  if (device != 0 || length <= 0) return fail(CUDA_ERROR_INVALID_DEVICE, format("device %d", device));
  std::strncpy(name, "Nacre simulated device", length);
  name[length - 1] = 0;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceTotalMem_v2(size_t* bytes, CUdevice) {
  *bytes = memory::capacity();
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetAttribute(int* value, int attribute, CUdevice device) {
  if (device != 0) return fail(CUDA_ERROR_INVALID_DEVICE, format("device %d", device));
  switch (attribute) {
    case 1: *value = 1024; break;         // threads of a block
    case 2: case 3: *value = 1024; break; // its extents
    case 4: *value = 64; break;
    case 5: *value = 2147483647; break;   // extents of a grid
    case 6: case 7: *value = 65535; break;
    case 8: *value = 48 << 10; break;     // shared memory of a block
    case 10: *value = 32; break;          // threads of a warp
    case 12: *value = 65536; break;       // registers of a block
    case 13: *value = 1000000; break;     // clock, kHz
    // Multiprocessors: few, so that grids are often larger than they.
    case 16: *value = setting("NACRE_SIM_MULTIPROCESSORS", 4); break;
    case 18: case 35: *value = 0; break;  // integrated, error correction
    case 31: case 41: *value = 1; break;  // kernels side by side, unified addresses
    case 36: *value = 1000000; break;     // memory clock, kHz
    case 37: *value = 5120; break;        // memory bus, bits
    case 38: *value = 50 << 20; break;    // L2
    case 39: *value = 2048; break;        // threads of a multiprocessor
    case 75: *value = setting("NACRE_SIM_ARCHITECTURE", 90) / 10; break;
    case 76: *value = setting("NACRE_SIM_ARCHITECTURE", 90) % 10; break;
    case 81: *value = 228 << 10; break;   // shared memory of a multiprocessor
    case 97: *value = 99 << 10; break;    // shared memory of a block that asks for more
    case 115: *value = 1; break;          // memory pools
    default: return fail(CUDA_ERROR_INVALID_VALUE, format("device attribute %d", attribute));
  }
  return CUDA_SUCCESS;
}

// ---- contexts: the primary one, and one for tests that have another library in the process

EXPORT CUresult cuDevicePrimaryCtxRetain(CUcontext* out, CUdevice device) {
  LOCK;
  if (!initialized) return fail(CUDA_ERROR_NOT_INITIALIZED, "cuInit was not called");
  if (device != 0) return fail(CUDA_ERROR_INVALID_DEVICE, format("device %d", device));
  primary_users++;
  *out = &primary;
  return context_error();
}

EXPORT CUresult cuDevicePrimaryCtxRelease_v2(CUdevice) {
  LOCK;
  if (primary_users == 0) return fail(CUDA_ERROR_INVALID_CONTEXT, "released more often than retained");
  primary_users--;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxSetCurrent(CUcontext context) {
  if (context && context != &other && (context != &primary || primary_users == 0)) {
    return fail(CUDA_ERROR_INVALID_CONTEXT, "cuCtxSetCurrent: no such context");
  }
  current_context = context;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxCreate_v2(CUcontext* context, unsigned, CUdevice device) {
  if (device != 0) return fail(CUDA_ERROR_INVALID_DEVICE, format("device %d", device));
  *context = current_context = &other;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxGetCurrent(CUcontext* context) {
  *context = current_context;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxSynchronize() {
  LOCK;
  waits_of_host()++;
  READY;
  return synchronize_all();
}

// ---- memory

EXPORT CUresult cuDeviceGetDefaultMemPool(CUmemoryPool* out, CUdevice device) {
  if (device != 0) return fail(CUDA_ERROR_INVALID_DEVICE, format("device %d", device));
  *out = &pool;
  return CUDA_SUCCESS;
}

namespace {
uint64_t release_threshold = 0;
uint64_t reserved_high = 0;
}

EXPORT CUresult cuMemPoolSetAttribute(CUmemoryPool p, int attribute, void* value) {
  LOCK;
  if (p != &pool) return fail(CUDA_ERROR_INVALID_HANDLE, "no such memory pool");
  switch (attribute) {
    case 1: case 2: case 3: return CUDA_SUCCESS;
    case 4: release_threshold = *static_cast<uint64_t*>(value); return CUDA_SUCCESS;
    case 6: case 8:
      if (*static_cast<uint64_t*>(value) != 0) break;
      memory::reset_peak();
      reserved_high = memory::used();
      return CUDA_SUCCESS;
  }
  return fail(CUDA_ERROR_INVALID_VALUE, format("memory pool attribute %d cannot be set so", attribute));
}

EXPORT CUresult cuMemPoolGetAttribute(CUmemoryPool p, int attribute, void* value) {
  LOCK;
  if (p != &pool) return fail(CUDA_ERROR_INVALID_HANDLE, "no such memory pool");
  switch (attribute) {
    case 1: case 2: case 3: *static_cast<int*>(value) = 1; return CUDA_SUCCESS;
    case 4: *static_cast<uint64_t*>(value) = release_threshold; return CUDA_SUCCESS;
    case 5: case 7: *static_cast<uint64_t*>(value) = memory::used(); return CUDA_SUCCESS;
    case 6: *static_cast<uint64_t*>(value) = std::max<uint64_t>(reserved_high, memory::peak()); return CUDA_SUCCESS;
    case 8: *static_cast<uint64_t*>(value) = memory::peak(); return CUDA_SUCCESS;
  }
  return fail(CUDA_ERROR_INVALID_VALUE, format("memory pool attribute %d", attribute));
}

EXPORT CUresult cuMemPoolTrimTo(CUmemoryPool p, size_t) {
  if (p != &pool) return fail(CUDA_ERROR_INVALID_HANDLE, "no such memory pool");
  return CUDA_SUCCESS;
}

EXPORT CUresult cuMemGetInfo_v2(size_t* free, size_t* total) {
  LOCK;
  READY;
  *total = memory::capacity();
  *free = memory::capacity() - std::min(memory::capacity(), memory::used());
  return CUDA_SUCCESS;
}

EXPORT CUresult cuMemAllocAsync(CUdeviceptr* out, size_t bytes, CUstream stream) {
  LOCK;
  READY;
  if (!out || bytes == 0) return fail(CUDA_ERROR_INVALID_VALUE, "cuMemAllocAsync: no bytes asked for");
  if (is_capturing(stream)) {
    // A device would make a node that allocates; no step of ours may hold one.
    return fail(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "an allocation inside a captured step");
  }
  *out = memory::allocate(bytes);
  if (*out == 0) {
    return fail(CUDA_ERROR_OUT_OF_MEMORY, format("%zu bytes asked for, %zu of %zu in use", bytes, memory::used(),
                                                 memory::capacity()));
  }
  return CUDA_SUCCESS;
}

EXPORT CUresult cuMemFreeAsync(CUdeviceptr a, CUstream stream) {
  LOCK;
  READY;
  if (!memory::is_allocated(a)) return bad_range("cuMemFreeAsync", a, memory::describe(a));
  if (is_capturing(stream)) {
    return fail(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "memory freed inside a captured step that did not allocate it");
  }
  memory::release(a);
  return enqueue(stream, Work{"free", [a]() -> std::string {
                                memory::forget(a);
                                return "";
                              }, true});
}

EXPORT CUresult cuMemAlloc_v2(CUdeviceptr* out, size_t bytes) {
  LOCK;
  if (any_capture()) return fail(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "cuMemAlloc while a stream is being captured");
  return cuMemAllocAsync(out, bytes, nullptr);
}

EXPORT CUresult cuMemFree_v2(CUdeviceptr a) {
  LOCK;
  READY;
  if (CUresult waited = synchronize_all(); waited != CUDA_SUCCESS) return waited;
  return cuMemFreeAsync(a, nullptr);
}

EXPORT CUresult cuMemHostAlloc(void** out, size_t bytes, unsigned) {
  LOCK;
  READY;
  if (bytes == 0) return fail(CUDA_ERROR_INVALID_VALUE, "cuMemHostAlloc: no bytes asked for");
  void* p = mmap(nullptr, (bytes + 4095) / 4096 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return fail(CUDA_ERROR_OUT_OF_MEMORY, format("%zu bytes of host memory", bytes));
  pinned()[reinterpret_cast<uintptr_t>(p)] = bytes;
  *out = p;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuMemFreeHost(void* p) {
  LOCK;
  READY;
  auto at = pinned().find(reinterpret_cast<uintptr_t>(p));
  if (at == pinned().end()) return fail(CUDA_ERROR_INVALID_VALUE, "cuMemFreeHost: not from cuMemHostAlloc, or freed");
  CUresult waited = synchronize_all();
  munmap(p, (at->second + 4095) / 4096 * 4096);
  pinned().erase(at);
  return waited;
}

EXPORT CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void* from, size_t bytes, CUstream stream) {
  LOCK;
  READY;
  if (bytes == 0) return CUDA_SUCCESS;
  if (std::string why = memory::why_not_writable(to, bytes); !why.empty()) return bad_range("copy to the device", to, why);
  if (!is_pinned(from, bytes)) {
    // The driver stages pageable memory before it returns.
    auto staged = std::make_shared<std::string>(static_cast<const char*>(from), bytes);
    return enqueue(stream, Work{"copy to the device", [=]() -> std::string {
                                  if (std::string why = memory::why_not_writable(to, bytes); !why.empty()) {
                                    return "copy to the device: " + why;
                                  }
                                  std::memcpy(memory::host<void>(to), staged->data(), bytes);
                                  memory::mark_written(to, bytes);
                                  return "";
                                }});
  }
  return enqueue(stream, Work{"copy to the device", [=]() -> std::string {
                                if (std::string why = memory::why_not_writable(to, bytes); !why.empty()) {
                                  return "copy to the device: " + why;
                                }
                                std::memcpy(memory::host<void>(to), from, bytes);
                                memory::mark_written(to, bytes);
                                return "";
                              }});
}

EXPORT CUresult cuMemcpyDtoHAsync_v2(void* to, CUdeviceptr from, size_t bytes, CUstream stream) {
  LOCK;
  READY;
  if (bytes == 0) return CUDA_SUCCESS;
  if (std::string why = memory::why_not_writable(from, bytes); !why.empty()) {
    return bad_range("copy from the device", from, why);
  }
  downloads()++;
  bool waits = !is_pinned(to, bytes);
  if (waits) waits_of_host()++;
  if (waits && is_capturing(stream)) {
    return fail(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "a copy to pageable memory inside a captured step");
  }
  CUresult result = enqueue(stream, Work{"copy from the device", [=]() -> std::string {
                                           if (std::string why = memory::why_not_readable(from, bytes); !why.empty()) {
                                             return "copy from the device: " + why;
                                           }
                                           std::memcpy(to, memory::host<void>(from), bytes);
                                           return "";
                                         }});
  return waits && result == CUDA_SUCCESS ? synchronize(stream) : result;
}

EXPORT CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
  LOCK;
  READY;
  if (bytes == 0) return CUDA_SUCCESS;
  if (std::string why = memory::why_not_writable(to, bytes); !why.empty()) return bad_range("copy", to, why);
  if (std::string why = memory::why_not_writable(from, bytes); !why.empty()) return bad_range("copy", from, why);
  return enqueue(stream, Work{"copy", [=]() -> std::string {
                                std::string why = memory::why_not_writable(to, bytes);
                                if (why.empty()) why = memory::why_not_writable(from, bytes);
                                if (!why.empty()) return "copy on the device: " + why;
                                std::memmove(memory::host<void>(to), memory::host<void>(from), bytes);
                                memory::copy_states(from, to, bytes);
                                return "";
                              }});
}

EXPORT CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void* from, size_t bytes) {
  return cuMemcpyHtoDAsync_v2(to, from, bytes, nullptr);
}
// How often the host waited for the device, or might have, and how often it copied from there: for tests.
EXPORT void nacre_sim_host(unsigned long long* waits, unsigned long long* copies) {
  LOCK;
  *waits = waits_of_host();
  *copies = downloads();
}

EXPORT CUresult cuMemcpyDtoH_v2(void* to, CUdeviceptr from, size_t bytes) {
  return cuMemcpyDtoHAsync_v2(to, from, bytes, nullptr);
}

namespace {

template <class T>
CUresult set(CUdeviceptr a, T value, size_t count, CUstream stream) {
  LOCK;
  READY;
  size_t bytes = count * sizeof(T);
  if (bytes == 0) return CUDA_SUCCESS;
  if (a % sizeof(T) != 0) return fail(CUDA_ERROR_INVALID_VALUE, format("cuMemset: misaligned address 0x%llx", a));
  if (std::string why = memory::why_not_writable(a, bytes); !why.empty()) return bad_range("cuMemset", a, why);
  return enqueue(stream, Work{"set", [=]() -> std::string {
                                if (std::string why = memory::why_not_writable(a, bytes); !why.empty()) {
                                  return "cuMemset: " + why;
                                }
                                std::fill_n(memory::host<T>(a), count, value);
                                memory::mark_written(a, bytes);
                                return "";
                              }});
}

}  // namespace

EXPORT CUresult cuMemsetD8Async(CUdeviceptr a, unsigned char v, size_t n, CUstream s) { return set(a, v, n, s); }
EXPORT CUresult cuMemsetD16Async(CUdeviceptr a, unsigned short v, size_t n, CUstream s) { return set(a, v, n, s); }
EXPORT CUresult cuMemsetD32Async(CUdeviceptr a, unsigned v, size_t n, CUstream s) { return set(a, v, n, s); }
