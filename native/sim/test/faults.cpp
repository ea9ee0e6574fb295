// Every kind of mistake that the simulated device must notice, made on purpose. Ends with
// "N passed, N failed" and a non-zero status if it missed one.
#include <dlfcn.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

namespace {

void* library;
int passed = 0, failed = 0;

template <class R = int, class... A>
R call(const char* name, A... arguments) {
  void* f = dlsym(library, name);
  if (!f) {
    std::printf("no symbol %s\n", name);
    std::exit(2);
  }
  return reinterpret_cast<R (*)(A...)>(f)(arguments...);
}

typedef unsigned long long Device;
typedef void* Handle;

std::string story(int code) {
  const char* text = nullptr;
  call("cuGetErrorString", code, &text);
  return text ? text : "";
}

void check(bool good, const std::string& what) {
  (good ? passed : failed)++;
  if (!good) std::printf("FAILED: %s\n", what.c_str());
}

void expect(int code, int wanted, const char* part, const char* what) {
  std::string text = story(code);
  bool good = code == wanted && (wanted == 0 || text.find(part) != std::string::npos);
  check(good, std::string(what) + ": error " + std::to_string(code) + " (" + text + "), expected " +
                  std::to_string(wanted) + " with '" + part + "'");
}

const char* KERNELS = R"(
#include "pack.cuh"
extern "C" __global__ void add(const float* x, float* y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = x[i] + y[i];
}
extern "C" __global__ void copy(const float* x, float* y) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  y[i] = x[i];
}
extern "C" __global__ void copy_pack(const float* x, float* y) {
  *reinterpret_cast<Pack*>(y) = *reinterpret_cast<const Pack*>(x);
}
extern "C" __global__ void __launch_bounds__(64) sum(const float* x, float* y) {
  __shared__ float part[2];
  float v = x[blockIdx.x * 64 + threadIdx.x];
  for (int off = 16; off > 0; off >>= 1) v += __shfl_xor_sync(0xFFFFFFFFu, v, off);
  if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = v;
  __syncthreads();
  if (threadIdx.x == 0) y[blockIdx.x] = part[0] + part[1];
}
extern "C" __global__ void half_barrier(float* y) {
  if (threadIdx.x < 32) __syncthreads();
  y[threadIdx.x] = 1;
}
extern "C" __global__ void two_barriers(float* y) {
  if (threadIdx.x < 32) {
    __syncthreads();
  } else {
    __syncthreads();
  }
  y[threadIdx.x] = 1;
}
extern "C" __global__ void lost_lane(float* y) {
  if (threadIdx.x == 5) return;
  y[threadIdx.x] = __shfl_down_sync(0xFFFFFFFFu, 1.0f, 1);
}
extern "C" __global__ void past_shared(float* y, int i) {
  __shared__ float part[32];
  part[threadIdx.x] = 1;
  __syncthreads();
  y[threadIdx.x] = part[threadIdx.x + i];
}
extern "C" __global__ void past_dynamic(float* y, int i) {
  float* part = static_cast<float*>(nacre_sim_dynamic_shared());
  part[threadIdx.x] = 1;
  __syncthreads();
  y[threadIdx.x] = part[threadIdx.x + i];
}
extern "C" __global__ void unwritten_shared(float* y) {
  __shared__ float part[32];
  if (threadIdx.x > 0) part[threadIdx.x] = 1;
  __syncthreads();
  y[threadIdx.x] = part[threadIdx.x];
}
extern "C" __global__ void race_down(float* y) {
  __shared__ float part[64];
  part[threadIdx.x] = 1;
  y[threadIdx.x] = part[threadIdx.x == 0 ? 0 : threadIdx.x - 1];
}
extern "C" __global__ void race_up(float* y) {
  __shared__ float part[64];
  part[threadIdx.x] = 1;
  y[threadIdx.x] = part[threadIdx.x == 63 ? 63 : threadIdx.x + 1];
}
extern "C" __global__ void count(int* y) { atomicAdd(y, 1); }
)";

const char* HEADER = "#pragma once\nstruct __align__(16) Pack { float v[4]; };\n";

struct Machine {
  Handle context = nullptr, stream = nullptr, module = nullptr;

  Handle kernel(const char* name) {
    Handle f = nullptr;
    expect(call("cuModuleGetFunction", &f, module, name), 0, "", name);
    return f;
  }

  Device floats(size_t n, bool write = true) {
    Device a = 0;
    expect(call("cuMemAllocAsync", &a, n * 4, stream), 0, "", "allocate");
    std::vector<float> ones(n, 1.0f);
    if (write) expect(call("cuMemcpyHtoDAsync_v2", a, (const void*)ones.data(), n * 4, stream), 0, "", "upload");
    return a;
  }

  template <class... A>
  int launch(const char* name, unsigned grid, unsigned block, unsigned shared, A... arguments) {
    unsigned char buffer[256];
    size_t size = 0;
    (
        [&] {
          size = (size + alignof(A) - 1) / alignof(A) * alignof(A);
          std::memcpy(buffer + size, &arguments, sizeof arguments);
          size += sizeof arguments;
        }(),
        ...);
    void* extra[] = {(void*)1, buffer, (void*)2, &size, nullptr};
    return call("cuLaunchKernel", kernel(name), grid, 1u, 1u, block, 1u, 1u, shared, stream, (void**)nullptr, extra);
  }

  int wait() { return call("cuStreamSynchronize", stream); }
};

Handle build(const char* source, std::string* log, int* result) {
  Handle program = nullptr;
  const char* headers[] = {HEADER};
  const char* names[] = {"pack.cuh"};
  call("nvrtcCreateProgram", &program, source, "test.cu", 1, (const char* const*)headers, (const char* const*)names);
  const char* options[] = {"--gpu-architecture=sm_90", "--std=c++17"};
  *result = call("nvrtcCompileProgram", program, 2, (const char* const*)options);
  size_t bytes = 0;
  call("nvrtcGetProgramLogSize", program, &bytes);
  log->resize(bytes);
  call("nvrtcGetProgramLog", program, log->data());
  return program;
}

// A fault stops the context for good, so each is made in a process of its own.
Machine machine() {
  Machine m;
  expect(call("cuInit", 0u), 0, "", "cuInit");
  expect(call("cuDevicePrimaryCtxRetain", &m.context, 0), 0, "", "retain");
  expect(call("cuCtxSetCurrent", m.context), 0, "", "set current");
  expect(call("cuStreamCreate", &m.stream, 1u), 0, "", "stream");
  std::string log;
  int result;
  Handle program = build(KERNELS, &log, &result);
  check(result == 0, "kernels do not compile: " + log);
  size_t bytes = 0;
  call("nvrtcGetCUBINSize", program, &bytes);
  std::vector<char> image(bytes);
  call("nvrtcGetCUBIN", program, image.data());
  call("nvrtcDestroyProgram", &program);
  expect(call("cuModuleLoadDataEx", &m.module, (const void*)image.data(), 0u, (int*)nullptr, (void**)nullptr), 0, "",
         "load module");
  return m;
}

constexpr int INVALID_VALUE = 1, OUT_OF_MEMORY = 2, INVALID_CONTEXT = 201, ILLEGAL_ADDRESS = 700, MISALIGNED = 716,
              LAUNCH_FAILED = 719, NOT_READY = 600, CAPTURE = 900, INVALIDATED = 901;

struct Test {
  const char* name;
  std::function<void()> run;
};

std::vector<Test> tests() {
  return {
      {"what is right",
       [] {
         Machine m = machine();
         Device x = m.floats(1000), y = m.floats(1000);
         expect(m.launch("add", 4, 256, 0, x, y, 1000), 0, "", "add");
         std::vector<float> out(1000);
         expect(call("cuMemcpyDtoHAsync_v2", (void*)out.data(), y, size_t(4000), m.stream), 0, "", "download");
         expect(m.wait(), 0, "", "wait");
         bool all = true;
         for (float v : out) all &= v == 2;
         check(all, "1 + 1 is not 2");
         Device z = m.floats(4, false);
         expect(m.launch("sum", 4, 64, 0, x, z), 0, "", "sum");
         float sums[4] = {};
         expect(call("cuMemcpyDtoHAsync_v2", (void*)sums, z, size_t(16), m.stream), 0, "", "download");
         for (float v : sums) check(v == 64, "a sum over a block is " + std::to_string(v));
         Device n = m.floats(1, false);
         expect(call("cuMemsetD32Async", n, 0u, size_t(1), m.stream), 0, "", "set");
         expect(m.launch("count", 50, 100, 0, n), 0, "", "count");
         int counted = 0;
         expect(call("cuMemcpyDtoHAsync_v2", (void*)&counted, n, size_t(4), m.stream), 0, "", "download");
         check(counted == 5000, "5000 threads counted " + std::to_string(counted));
         for (Device a : {x, y, z, n}) expect(call("cuMemFreeAsync", a, m.stream), 0, "", "free");
         expect(m.wait(), 0, "", "wait");
       }},
      {"read past the end",
       [] {
         setenv("NACRE_SIM_SEED", "0", 1);  // so that it is known which thread is the first
         Machine m = machine();
         Device x = m.floats(100), y = m.floats(128);
         expect(m.launch("copy", 2, 64, 0, x, y), 0, "", "launch");
         expect(m.wait(), ILLEGAL_ADDRESS, "kernel copy, block (1,0,0), thread (36,0,0): load of 4 bytes", "wait");
         expect(call("cuMemcpyDtoHAsync_v2", (void*)nullptr, y, size_t(4), m.stream), ILLEGAL_ADDRESS,
                "0 bytes past the end of an allocation of 400 bytes", "a later call");
       }},
      {"write past the end",
       [] {
         Machine m = machine();
         Device x = m.floats(128), y = m.floats(127);
         m.launch("copy", 2, 64, 0, x, y);
         expect(m.wait(), ILLEGAL_ADDRESS, "store of 4 bytes", "wait");
       }},
      {"use after free",
       [] {
         setenv("NACRE_SIM_SEED", "0", 1);
         Machine m = machine();
         Device x = m.floats(64), y = m.floats(64);
         expect(call("cuMemFreeAsync", x, m.stream), 0, "", "free");
         m.launch("copy", 1, 64, 0, x, y);
         expect(m.wait(), ILLEGAL_ADDRESS, "byte 0 of a freed allocation of 256 bytes", "wait");
       }},
      {"free twice",
       [] {
         Machine m = machine();
         Device x = m.floats(64);
         expect(call("cuMemFreeAsync", x, m.stream), 0, "", "free");
         expect(call("cuMemFreeAsync", x, m.stream), INVALID_VALUE, "freed", "free again");
       }},
      {"read of what was never written",
       [] {
         Machine m = machine();
         Device x = m.floats(64, false), y = m.floats(64);
         m.launch("copy", 1, 64, 0, x, y);
         expect(m.wait(), ILLEGAL_ADDRESS, "never written", "wait");
       }},
      {"download of what was never written",
       [] {
         Machine m = machine();
         Device x = m.floats(64, false);
         char out[256];
         expect(call("cuMemcpyDtoHAsync_v2", (void*)out, x, size_t(256), m.stream), ILLEGAL_ADDRESS, "never written",
                "download");
       }},
      {"host pointer",
       [] {
         Machine m = machine();
         static float host[64];
         Device y = m.floats(64);
         m.launch("copy", 1, 64, 0, (Device)(uintptr_t)host, y);
         expect(m.wait(), ILLEGAL_ADDRESS, "no address of the device", "wait");
       }},
      {"null pointer",
       [] {
         Machine m = machine();
         Device y = m.floats(64);
         m.launch("copy", 1, 64, 0, Device(0), y);
         expect(m.wait(), ILLEGAL_ADDRESS, "a null pointer", "wait");
       }},
      {"unaligned vector",
       [] {
         Machine m = machine();
         Device x = m.floats(64), y = m.floats(64);
         m.launch("copy_pack", 1, 1, 0, x + 4, y);
         expect(m.wait(), MISALIGNED, "misaligned", "wait");
       }},
      {"wrong arguments",
       [] {
         Machine m = machine();
         Device x = m.floats(64), y = m.floats(64);
         expect(m.launch("add", 1, 64, 0, x, y), INVALID_VALUE, "takes 20 bytes of arguments, the launch gives 16", "few");
         expect(m.launch("copy", 1, 64, 0, x, y, 64), INVALID_VALUE, "takes 16 bytes", "many");
         void* two[] = {&x, &y, nullptr};
         expect(call("cuLaunchKernel", m.kernel("add"), 1u, 1u, 1u, 64u, 1u, 1u, 0u, m.stream, (void**)two, (void**)nullptr),
                INVALID_VALUE, "takes 3 arguments, the launch gives 2", "few pointers");
         expect(m.wait(), 0, "", "nothing ran");
       }},
      {"launch limits",
       [] {
         Machine m = machine();
         Device x = m.floats(4096), y = m.floats(4096);
         expect(m.launch("copy", 1, 1025, 0, x, y), INVALID_VALUE, "beyond the device's limits", "threads");
         expect(m.launch("copy", 0, 64, 0, x, y), INVALID_VALUE, "empty grid", "no blocks");
         expect(m.launch("sum", 1, 96, 0, x, y), INVALID_VALUE, "launch bounds are 64", "launch bounds");
         expect(m.launch("copy", 1, 64, 60000, x, y), INVALID_VALUE, "bytes of shared memory", "shared memory");
       }},
      {"barrier that some threads miss",
       [] {
         Machine m = machine();
         m.launch("half_barrier", 1, 64, 0, m.floats(64));
         expect(m.wait(), LAUNCH_FAILED, "other threads have returned", "wait");
       }},
      {"two barriers at once",
       [] {
         Machine m = machine();
         m.launch("two_barriers", 1, 64, 0, m.floats(64));
         expect(m.wait(), LAUNCH_FAILED, "others at that of line", "wait");
       }},
      {"shuffle with a lane that returned",
       [] {
         Machine m = machine();
         m.launch("lost_lane", 1, 32, 0, m.floats(32));
         expect(m.wait(), LAUNCH_FAILED, "names lane 5, which has returned", "wait");
       }},
      {"past a shared array",
       [] {
         Machine m = machine();
         m.launch("past_shared", 1, 32, 0, m.floats(32), 1);
         expect(m.wait(), ILLEGAL_ADDRESS, "__shared__", "wait");
       }},
      {"past dynamic shared memory",
       [] {
         Machine m = machine();
         m.launch("past_dynamic", 1, 32, 128, m.floats(32), 1);
         expect(m.wait(), ILLEGAL_ADDRESS, "__shared__", "wait");
       }},
      {"shared memory that was not written",
       [] {
         Machine m = machine();
         Device y = m.floats(32);
         m.launch("unwritten_shared", 1, 32, 0, y);
         float out[32];
         expect(call("cuMemcpyDtoHAsync_v2", (void*)out, y, size_t(128), m.stream), 0, "", "download");
         check(out[0] != out[0] && out[1] == 1, "what no thread wrote is not NaN");
       }},
      {"shared memory that another thread writes, without a barrier",
       [] {
         for (const char* kernel : {"race_down", "race_up"}) {
           Machine m = machine();
           Device y = m.floats(64);
           m.launch(kernel, 1, 64, 0, y);
           float out[64];
           expect(call("cuMemcpyDtoHAsync_v2", (void*)out, y, size_t(256), m.stream), 0, "", "download");
           bool shown = false;
           for (float v : out) shown |= v != v;
           check(shown, std::string(kernel) + ": threads of a block ran in an order that hides a race");
         }
       }},
      {"nobody waited",
       [] {
         Machine m = machine();
         Device x = m.floats(1);
         float* pinned = nullptr;
         expect(call("cuMemHostAlloc", (void**)&pinned, size_t(4), 0u), 0, "", "pinned");
         *pinned = 7;
         expect(call("cuMemcpyDtoHAsync_v2", (void*)pinned, x, size_t(4), m.stream), 0, "", "download");
         check(*pinned == 7, "a copy ran before anybody waited");
         expect(call("cuStreamQuery", m.stream), NOT_READY, "", "query");
         expect(m.wait(), 0, "", "wait");
         check(*pinned == 1, "a copy did not run");
         expect(call("cuMemFreeHost", (void*)pinned), 0, "", "free");
       }},
      {"capture and replay",
       [] {
         Machine m = machine();
         Device x = m.floats(64), y = m.floats(64);
         expect(m.wait(), 0, "", "wait");
         expect(call("cuStreamBeginCapture_v2", m.stream, 1), 0, "", "begin");
         expect(m.launch("add", 1, 64, 0, x, y, 64), 0, "", "launch");
         Handle graph = nullptr, exec = nullptr;
         expect(call("cuStreamEndCapture", m.stream, &graph), 0, "", "end");
         expect(call("cuGraphInstantiateWithFlags", &exec, graph, 0ull), 0, "", "instantiate");
         expect(call("cuGraphDestroy", graph), 0, "", "destroy");
         for (int i = 0; i < 3; i++) expect(call("cuGraphLaunch", exec, m.stream), 0, "", "replay");
         float out[64];
         expect(call("cuMemcpyDtoHAsync_v2", (void*)out, y, size_t(256), m.stream), 0, "", "download");
         check(out[63] == 4, "three replays added " + std::to_string(out[63] - 1));
         expect(call("cuMemFreeAsync", x, m.stream), 0, "", "free");
         expect(call("cuGraphLaunch", exec, m.stream), 0, "", "replay");
         expect(m.wait(), ILLEGAL_ADDRESS, "freed allocation", "replay after a free");
       }},
      {"what a capture forbids",
       [] {
         Machine m = machine();
         expect(call("cuStreamBeginCapture_v2", m.stream, 1), 0, "", "begin");
         Device a = 0;
         expect(call("cuMemAllocAsync", &a, size_t(4), m.stream), CAPTURE, "allocation inside", "allocate");
         expect(m.wait(), CAPTURE, "wait for a stream", "wait");
         Handle graph = nullptr;
         expect(call("cuStreamEndCapture", m.stream, &graph), INVALIDATED, "spoilt", "end");
       }},
      {"another stream in a capture",
       [] {
         Machine m = machine();
         Device x = m.floats(64), y = m.floats(64);
         Handle side = nullptr, forked = nullptr, done = nullptr, graph = nullptr, exec = nullptr;
         expect(call("cuStreamCreate", &side, 1u), 0, "", "stream");
         expect(call("cuEventCreate", &forked, 2u), 0, "", "event");
         expect(call("cuEventCreate", &done, 2u), 0, "", "event");
         expect(m.wait(), 0, "", "wait");
         for (bool joins : {false, true}) {
           expect(call("cuStreamBeginCapture_v2", m.stream, 1), 0, "", "begin");
           expect(call("cuEventRecord", forked, m.stream), 0, "", "record");
           expect(call("cuStreamWaitEvent", side, forked, 0u), 0, "", "drawn in");
           Machine beside = m;
           beside.stream = side;
           expect(beside.launch("add", 1, 64, 0, x, y, 64), 0, "", "launch");
           expect(call("cuStreamEndCapture", side, &graph), 903, "another stream began", "end of the other");
           if (joins) {
             expect(call("cuEventRecord", done, side), 0, "", "record");
             expect(call("cuStreamWaitEvent", m.stream, done, 0u), 0, "", "join");
           }
           expect(call("cuStreamEndCapture", m.stream, &graph), joins ? 0 : 904, "not waited for", "end");
         }
         expect(call("cuGraphInstantiateWithFlags", &exec, graph, 0ull), 0, "", "instantiate");
         for (int i = 0; i < 3; i++) expect(call("cuGraphLaunch", exec, m.stream), 0, "", "replay");
         float out[64];
         expect(call("cuMemcpyDtoHAsync_v2", (void*)out, y, size_t(256), m.stream), 0, "", "download");
         expect(m.wait(), 0, "", "wait");
         check(out[63] == 4, "three replays added " + std::to_string(out[63] - 1));
         expect(call("cuEventRecord", forked, side), 0, "", "record");
         expect(call("cuStreamBeginCapture_v2", m.stream, 1), 0, "", "begin");
         expect(call("cuStreamWaitEvent", m.stream, forked, 0u), 905, "outside its capture", "event from outside");
         expect(call("cuStreamEndCapture", m.stream, &graph), INVALIDATED, "spoilt", "end");
       }},
      {"collectives on what they may not touch",
       [] {
         Machine m = machine();
         Device x = m.floats(64), y = m.floats(64);
         struct Id {
           char bytes[128];
         } id;
         Handle c = nullptr;
         check(call("ncclGetUniqueId", &id) == 0, "id");
         check(call("ncclCommInitRank", &c, 1, Id{}, 0) == 4, "a communicator without an id");
         check(call("ncclCommInitRank", &c, 2, id, 2) == 4, "rank 2 of 2");
         check(call("ncclCommInitRank", &c, 1, id, 0) == 0, "communicator");
         Handle twice = nullptr;
         check(call("ncclCommInitRank", &twice, 1, id, 0) == 5, "an id twice");
         auto sum = [&](Device from, Device to, size_t count, int type, int op) {
           return call("ncclAllReduce", from, to, count, type, op, c, m.stream);
         };
         check(sum(x, y, 64, 7, 0) == 0 && m.wait() == 0, "a sum with nobody");
         check(sum(x, x + 4, 60, 7, 0) == 4, "buffers that overlap");
         check(sum(x + 2, x + 2, 60, 7, 0) == 4, "a misaligned pointer");
         check(sum(x, x, 64, 8, 0) == 4, "a type that is not simulated");
         check(sum(x, x, 64, 7, 1) == 4, "an operation that is not simulated");
         check(sum(x, x, 64, 2, 4) == 4, "a mean of integers");
         check(sum(x, y, 64, 7, 4) == 0 && m.wait() == 0, "a mean with nobody");
         check(sum(x, y, 65, 7, 0) == 0, "too many elements, of which a later call tells");
         expect(m.wait(), ILLEGAL_ADDRESS, "NCCL: all-reduce", "wait");
       }},
      {"a communicator after its end",
       [] {
         Machine m = machine();
         Device x = m.floats(64);
         struct Id {
           char bytes[128];
         } id;
         Handle c = nullptr, graph = nullptr, exec = nullptr;
         check(call("ncclGetUniqueId", &id) == 0, "id");
         check(call("ncclCommInitRank", &c, 1, id, 0) == 0, "communicator");
         expect(m.wait(), 0, "", "wait");
         expect(call("cuStreamBeginCapture_v2", m.stream, 1), 0, "", "begin");
         check(call("ncclAllReduce", x, x, size_t(64), 7, 0, c, m.stream) == 0, "captured");
         expect(call("cuStreamEndCapture", m.stream, &graph), 0, "", "end");
         expect(call("cuGraphInstantiateWithFlags", &exec, graph, 0ull), 0, "", "instantiate");
         expect(call("cuGraphLaunch", exec, m.stream), 0, "", "replay");
         expect(m.wait(), 0, "", "wait");
         check(call("ncclCommDestroy", c) == 0, "destroy");
         check(call("ncclCommDestroy", c) == 4, "destroyed twice");
         check(call("ncclCommAbort", c) == 4, "aborted when destroyed");
         check(call("ncclAllReduce", x, x, size_t(64), 7, 0, c, m.stream) == 4, "used when destroyed");
         expect(call("cuGraphLaunch", exec, m.stream), 0, "", "replay");
         expect(m.wait(), ILLEGAL_ADDRESS, "communicator that is destroyed", "replayed when destroyed");
       }},
      {"too much memory",
       [] {
         Machine m = machine();
         Device a = 0;
         expect(call("cuMemAllocAsync", &a, size_t(1) << 45, m.stream), OUT_OF_MEMORY, "in use", "allocate");
       }},
      {"no context",
       [] {
         expect(call("cuInit", 0u), 0, "", "cuInit");
         Device a = 0;
         expect(call("cuMemAllocAsync", &a, size_t(4), Handle()), INVALID_CONTEXT, "no context is current", "allocate");
       }},
      {"matrix product beyond its operands, or without its workspace",
       [] {
         Machine m = machine();
         Handle lt = nullptr, d = nullptr, square = nullptr, tall = nullptr, preference = nullptr;
         check(call("cublasLtCreate", &lt) == 0, "cublasLtCreate");
         check(call("cublasLtMatmulDescCreate", &d, 68, 0) == 0, "description");
         check(call("cublasLtMatrixLayoutCreate", &square, 0, uint64_t(8), uint64_t(8), int64_t(8)) == 0, "layout");
         check(call("cublasLtMatrixLayoutCreate", &tall, 0, uint64_t(9), uint64_t(8), int64_t(9)) == 0, "layout");
         check(call("cublasLtMatmulPreferenceCreate", &preference) == 0, "preference");
         uint64_t most = 1 << 20;
         check(call("cublasLtMatmulPreferenceSetAttribute", preference, 1, &most, size_t(8)) == 0, "workspace");
         struct {
           uint64_t algorithm[8];
           size_t workspace;
           int state;
           float waves;
           int reserved[4];
         } chosen{};
         int count = 0;
         auto choose = [&](Handle a) {
           return call("cublasLtMatmulAlgoGetHeuristic", lt, d, a, square, square, square, preference, 1, &chosen, &count);
         };
         check(choose(tall) == 7, "extents that do not fit were taken");
         check(choose(square) == 0 && count == 1 && chosen.workspace > 0, "no algorithm");
         Device a = m.floats(64), b = m.floats(63), c = m.floats(64, false);
         Device scratch = m.floats(chosen.workspace / 4, false);
         float one = 1, zero = 0;
         auto multiply = [&](Device right, size_t workspace) {
           return call("cublasLtMatmul", lt, d, &one, a, square, right, square, &zero, c, square, c, square, &chosen, scratch,
                       workspace, m.stream);
         };
         check(multiply(a, chosen.workspace - 1) == 7, "a workspace that is too small was taken");
         check(multiply(a, chosen.workspace) == 0, "a product was refused");
         expect(m.wait(), 0, "", "wait");
         check(multiply(b, chosen.workspace) == 0, "a product was refused");
         expect(m.wait(), ILLEGAL_ADDRESS, "cublasLtMatmul: B: 0 bytes past the end of an allocation of 252 bytes", "wait");
       }},
      {"cuDNN descriptors",
       [] {
         machine();
         Handle tensor = nullptr, operation = nullptr, graph = nullptr;
         check(call("cudnnBackendCreateDescriptor", 17, &tensor) == 0, "tensor");
         float number = 1;
         check(call("cudnnBackendSetAttribute", tensor, 902, 4, int64_t(1), &number) == 2010, "dims of floats were taken");
         check(call("cudnnBackendFinalize", tensor) == 2000, "a tensor without dims was finalized");
         check(call("cudnnBackendCreateDescriptor", 13, &operation) == 0, "operation");
         check(call("cudnnBackendCreateDescriptor", 15, &graph) == 0, "graph");
         check(call("cudnnBackendSetAttribute", graph, 801, 15, int64_t(1), &operation) == 0, "operations");
         check(call("cudnnBackendFinalize", graph) == 2004, "a graph of an unfinished operation was finalized");
         char why[200];
         call<void>("cudnnGetLastErrorString", why, sizeof why);
         check(std::strstr(why, "not finalized") != nullptr, std::string("the last error is '") + why + "'");
         check(call("cudnnBackendDestroyDescriptor", tensor) == 0, "destroy");
         check(call("cudnnBackendDestroyDescriptor", tensor) == 2000, "destroyed twice");
       }},
      {"kernel that does not compile",
       [] {
         std::string log;
         int result;
         build("extern \"C\" __global__ void f(float* x) { y[0] = 1; }", &log, &result);
         check(result == 6 && log.find("not declared") != std::string::npos, "compiled, or no log: " + log);
       }},
  };
}

}  // namespace

int main(int count, char** arguments) {
  library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    std::printf("%s\n", dlerror());
    return 2;
  }
  std::vector<Test> all = tests();
  if (count > 2) {
    all[std::atoi(arguments[2])].run();
    return failed == 0 ? 0 : 1;
  }
  int good = 0;
  for (size_t i = 0; i < all.size(); i++) {
    std::string command = std::string("'") + arguments[0] + "' '" + arguments[1] + "' " + std::to_string(i);
    bool fine = std::system(command.c_str()) == 0;
    good += fine;
    if (!fine) std::printf("FAILED: %s\n", all[i].name);
    std::fflush(stdout);
  }
  std::printf("%d passed, %d failed\n", good, static_cast<int>(all.size()) - good);
  return good == static_cast<int>(all.size()) ? 0 : 1;
}
