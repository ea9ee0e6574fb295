// CUDA C++ for the host compiler: what NVRTC has built in. Included before every kernel source.
#pragma once

#include <cmath>
#include <type_traits>
#include <utility>

#include "instance.h"

#define NACRE_SIM 1
#ifndef NACRE_SIM_SCAN  // the first pass leaves these two for the simulator to find the kernels by
#define __global__ __attribute__((visibility("hidden")))
#define __launch_bounds__(...)
#endif
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __shared__ static
#define __restrict__ __restrict
#define __align__(n) __attribute__((aligned(n)))
#define __grid_constant__

extern "C" {
__attribute__((visibility("hidden"))) nacre_sim::Instance nacre_sim_instance;
}

#define threadIdx (nacre_sim_instance.thread)
#define blockIdx (nacre_sim_instance.block)
#define blockDim (nacre_sim_instance.block_extent)
#define gridDim (nacre_sim_instance.grid_extent)
constexpr int warpSize = 32;

struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(8) int2 { int x, y; };
struct alignas(16) int4 { int x, y, z, w; };
struct alignas(8) uint2 { unsigned x, y; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
struct alignas(16) longlong2 { long long x, y; };
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline int2 make_int2(int x, int y) { return {x, y}; }
inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

inline float __uint_as_float(unsigned v) { return __builtin_bit_cast(float, v); }
inline unsigned __float_as_uint(float v) { return __builtin_bit_cast(unsigned, v); }
inline float __int_as_float(int v) { return __builtin_bit_cast(float, v); }
inline int __float_as_int(float v) { return __builtin_bit_cast(int, v); }
// Kernels are built with -ffp-contract=off, so each of these is rounded by itself.
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __ddiv_rn(double a, double b) { return a / b; }
inline double __dsqrt_rn(double a) { return std::sqrt(a); }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float rsqrtf(float v) { return 1.0f / std::sqrt(v); }
// Coarse as on a GPU, where these two are one or two instructions each: the product is rounded before the power is
// taken, and a quotient by what has no normal reciprocal is zero.
inline float __expf(float v) { return std::exp2(v * 1.44269504f); }
inline float __fdividef(float a, float b) {
  bool vast = std::fabs(b) > 0x1p126f && !std::isinf(b);
  return a * (vast ? std::copysign(0.0f, b) : 1.0f / b);
}
inline int __clz(int v) { return v == 0 ? 32 : __builtin_clz(v); }
inline int __popc(unsigned v) { return __builtin_popcount(v); }
inline int __ffs(int v) { return __builtin_ffs(v); }
template <class T>
inline T min(T a, T b) { return b < a ? b : a; }
template <class T>
inline T max(T a, T b) { return a < b ? b : a; }

inline void __syncthreads(int line = __builtin_LINE()) {
  nacre_sim_instance.services.block_barrier(line);
}
inline void __syncwarp(unsigned mask = 0xFFFFFFFFu, int line = __builtin_LINE()) {
  nacre_sim_instance.services.warp_barrier(mask, line);
}
inline void __threadfence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
inline void __threadfence_block() {}
inline void __trap(int line = __builtin_LINE()) { nacre_sim_instance.services.trap("__trap()", line); }

namespace nacre_sim {

inline unsigned flat_thread() {
  const Instance& i = nacre_sim_instance;
  return (i.thread.z * i.block_extent.y + i.thread.y) * i.block_extent.x + i.thread.x;
}

// Gives v away and returns the row that holds what every lane of the mask gave. Two rows take turns: a
// lane can be at most one shuffle ahead of another, as it waits there for all.
template <class T>
__attribute__((no_sanitize("kernel-address", "alignment"))) inline const uint64_t* give(
    unsigned mask, T v, int line) {
  static_assert(sizeof(T) <= 8, "shuffles move at most 8 bytes");
  Instance& i = nacre_sim_instance;
  unsigned self = flat_thread();
  uint64_t* row = i.exchange[self / 32 * 2 + (i.turns[self]++ & 1)];
  uint64_t bits = 0;
  __builtin_memcpy(&bits, &v, sizeof v);
  row[self & 31] = bits;
  i.services.warp_barrier(mask, line);
  return row;
}

template <class T>
__attribute__((no_sanitize("kernel-address", "alignment"))) inline T take(const uint64_t* row,
                                                                           unsigned lane) {
  T v;
  __builtin_memcpy(&v, &row[lane], sizeof v);
  return v;
}

// A lane may only read from lanes that the mask names.
inline void require_lane(unsigned mask, unsigned lane, int line) {
  if (!(mask >> lane & 1)) {
    nacre_sim_instance.services.trap("a shuffle reads a lane that its mask does not name", line);
  }
}

}  // namespace nacre_sim

template <class T>
inline T __shfl_xor_sync(unsigned mask, T v, int other, int width = 32, int line = __builtin_LINE()) {
  const uint64_t* row = nacre_sim::give(mask, v, line);
  unsigned self = nacre_sim::flat_thread() & 31;
  unsigned from = self ^ other;
  if (from / width > self / width) from = self;
  nacre_sim::require_lane(mask, from, line);
  return nacre_sim::take<T>(row, from);
}
template <class T>
inline T __shfl_down_sync(unsigned mask, T v, unsigned by, int width = 32, int line = __builtin_LINE()) {
  const uint64_t* row = nacre_sim::give(mask, v, line);
  unsigned self = nacre_sim::flat_thread() & 31;
  unsigned from = self % width + by < unsigned(width) ? self + by : self;
  nacre_sim::require_lane(mask, from, line);
  return nacre_sim::take<T>(row, from);
}
template <class T>
inline T __shfl_up_sync(unsigned mask, T v, unsigned by, int width = 32, int line = __builtin_LINE()) {
  const uint64_t* row = nacre_sim::give(mask, v, line);
  unsigned self = nacre_sim::flat_thread() & 31;
  unsigned from = self % width >= by ? self - by : self;
  nacre_sim::require_lane(mask, from, line);
  return nacre_sim::take<T>(row, from);
}
template <class T>
inline T __shfl_sync(unsigned mask, T v, int lane, int width = 32, int line = __builtin_LINE()) {
  const uint64_t* row = nacre_sim::give(mask, v, line);
  unsigned self = nacre_sim::flat_thread() & 31;
  unsigned from = self / width * width + lane % width;
  nacre_sim::require_lane(mask, from, line);
  return nacre_sim::take<T>(row, from);
}
// What each lane of a whole warp gave: for instructions that the kernels say by assembly.
template <class T>
inline void nacre_sim_of_all(T v, T (&all)[32], int line = __builtin_LINE()) {
  const uint64_t* row = nacre_sim::give(0xFFFFFFFFu, v, line);
  for (int lane = 0; lane < 32; lane++) all[lane] = nacre_sim::take<T>(row, lane);
}
inline unsigned __ballot_sync(unsigned mask, int predicate, int line = __builtin_LINE()) {
  const uint64_t* row = nacre_sim::give(mask, predicate != 0, line);
  unsigned votes = 0;
  for (unsigned lane = 0; lane < 32; lane++) {
    if (mask >> lane & 1 && nacre_sim::take<bool>(row, lane)) votes |= 1u << lane;
  }
  return votes;
}
inline int __any_sync(unsigned mask, int predicate, int line = __builtin_LINE()) {
  return __ballot_sync(mask, predicate, line) != 0;
}
inline int __all_sync(unsigned mask, int predicate, int line = __builtin_LINE()) {
  return __ballot_sync(mask, predicate, line) == mask;
}

inline unsigned atomicAdd(unsigned* at, unsigned v) { return __atomic_fetch_add(at, v, __ATOMIC_SEQ_CST); }
inline int atomicAdd(int* at, int v) { return __atomic_fetch_add(at, v, __ATOMIC_SEQ_CST); }
inline unsigned atomicInc(unsigned* at, unsigned limit) {
  unsigned old = __atomic_load_n(at, __ATOMIC_SEQ_CST);
  while (!__atomic_compare_exchange_n(at, &old, old >= limit ? 0 : old + 1, false, __ATOMIC_SEQ_CST,
                                      __ATOMIC_SEQ_CST)) {
  }
  return old;
}
inline int atomicCAS(int* at, int expected, int v) {
  __atomic_compare_exchange_n(at, &expected, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  return expected;
}

// Stands where a kernel says DYNAMIC_SHARED.
inline void* nacre_sim_dynamic_shared() {
  return reinterpret_cast<void*>(nacre_sim_instance.dynamic_begin);
}

namespace nacre_sim {

// Takes a kernel's arguments out of a packed buffer, as a launch lays them out.
template <class... A>
struct Signature {
  struct Table {
    unsigned offsets[sizeof...(A) + 1], sizes[sizeof...(A) + 1], bytes;
  };
  static constexpr Table layout() {
    Table t{};
    unsigned at = 0;
    unsigned i = 0;
    ((at = (at + alignof(A) - 1) / alignof(A) * alignof(A), t.offsets[i] = at, t.sizes[i++] = sizeof(A),
      at += sizeof(A)),
     ...);
    t.bytes = at;
    return t;
  }
  static constexpr Table table = layout();

  template <class T>
  __attribute__((no_sanitize("kernel-address", "alignment"))) static T at(const unsigned char* from) {
    T v;
    __builtin_memcpy(static_cast<void*>(&v), from, sizeof v);
    return v;
  }
  template <void (*F)(A...), size_t... I>
  static void call(const unsigned char* arguments, std::index_sequence<I...>) {
    F(at<A>(arguments + table.offsets[I])...);
  }
  template <void (*F)(A...)>
  static void invoke(const unsigned char* arguments) {
    call<F>(arguments, std::index_sequence_for<A...>{});
  }
};

template <class... A>
Signature<std::remove_cv_t<A>...> signature(void (*)(A...));

template <auto F>
constexpr Kernel describe(const char* name, unsigned most_threads) {
  using S = decltype(signature(F));
  return Kernel{name, &S::template invoke<F>, S::table.bytes, sizeof(S::table.sizes) / sizeof(unsigned) - 1,
                S::table.sizes, S::table.offsets, most_threads};
}

}  // namespace nacre_sim
