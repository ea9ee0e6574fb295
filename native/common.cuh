// What all kernels share: 16-bit types, 16-byte packs, sums over warps and blocks.
// No CUDA header is included, so none need be installed: NVRTC's built-ins suffice. Where NACRE_SIM
// is defined, the host compiler builds the same text for the simulated device (native/sim).
#pragma once

#define DEVICE __device__ __forceinline__

#ifdef NACRE_SIM
#define DYNAMIC_SHARED(T, name) T* name = static_cast<T*>(nacre_sim_dynamic_shared())
#else
#define DYNAMIC_SHARED(T, name)                         \
  extern __shared__ __align__(16) unsigned char name##_bytes[]; \
  T* name = reinterpret_cast<T*>(name##_bytes)
#endif

typedef long long i64;
typedef unsigned long long u64;
typedef unsigned int u32;
typedef unsigned char u8;

struct bf16 {
  unsigned short bits;
};

struct f16 {
  unsigned short bits;
};

// One kernel for each floating type: K(name of the type in Java, type).
#define FOR_FLOATS(K) K(f32, float) K(bf16, bf16) K(f16, f16)

#include "constants.cuh"

// ---- conversions, all rounding to nearest even

DEVICE float bits_to_float(u32 bits) { return __uint_as_float(bits); }

#ifdef NACRE_SIM

inline float half_to_float(unsigned short h) {
  u32 sign = (h & 0x8000u) << 16;
  u32 exponent = h >> 10 & 31;
  u32 fraction = h & 0x3FFu;
  if (exponent == 31) return __uint_as_float(sign | 0x7F800000u | fraction << 13);
  if (exponent != 0) return __uint_as_float(sign | (exponent + 112) << 23 | fraction << 13);
  float small = fraction * 0x1p-24f;
  return sign ? -small : small;
}

inline unsigned short float_to_half(float v) {
  u32 bits = __float_as_uint(v);
  u32 sign = bits >> 16 & 0x8000u;
  u32 magnitude = bits & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) return 0x7FFF;
  if (magnitude >= 0x477FF000u) return sign | 0x7C00;  // rounds to infinity
  if (magnitude < 0x38800000u) {                       // subnormal: let the addition round
    float rounded = __uint_as_float(magnitude) + 0.5f;
    return sign | (__float_as_uint(rounded) - 0x3F000000u);
  }
  magnitude += 0xFFFu + (magnitude >> 13 & 1);
  return sign | (magnitude - 0x38000000u) >> 13;
}

inline unsigned short float_to_bfloat(float v) {
  u32 bits = __float_as_uint(v);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return 0x7FFF;
  return (bits + 0x7FFFu + (bits >> 16 & 1)) >> 16;
}

inline u32 floats_to_halves(float low, float high) {
  return float_to_half(low) | static_cast<u32>(float_to_half(high)) << 16;
}

inline u32 floats_to_bfloats(float low, float high) {
  return float_to_bfloat(low) | static_cast<u32>(float_to_bfloat(high)) << 16;
}

#else

DEVICE float half_to_float(unsigned short h) {
  float v;
  asm("cvt.f32.f16 %0, %1;" : "=f"(v) : "h"(h));
  return v;
}

DEVICE unsigned short float_to_half(float v) {
  unsigned short h;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"(v));
  return h;
}

DEVICE u32 floats_to_halves(float low, float high) {
  u32 pair;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}

DEVICE u32 floats_to_bfloats(float low, float high) {
  u32 pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}

DEVICE unsigned short float_to_bfloat(float v) {
  return static_cast<unsigned short>(floats_to_bfloats(v, 0.0f));
}

#endif

DEVICE float to_float(float v) { return v; }
DEVICE float to_float(bf16 v) { return bits_to_float(static_cast<u32>(v.bits) << 16); }
DEVICE float to_float(f16 v) { return half_to_float(v.bits); }

template <class T>
DEVICE T from_float(float v);
template <>
DEVICE float from_float<float>(float v) {
  return v;
}
template <>
DEVICE bf16 from_float<bf16>(float v) {
  return bf16{float_to_bfloat(v)};
}
template <>
DEVICE f16 from_float<f16>(float v) {
  return f16{float_to_half(v)};
}

// ---- packs: the elements of one 16-byte access, as floats

template <class T>
constexpr int PACK = 16 / sizeof(T);

// The functions below take addresses that are multiples of 16.
DEVICE bool aligned16(const void* a) { return (reinterpret_cast<u64>(a) & 15) == 0; }
DEVICE bool aligned16(const void* a, const void* b) { return aligned16(a) && aligned16(b); }
DEVICE bool aligned16(const void* a, const void* b, const void* c) {
  return aligned16(a, b) && aligned16(c);
}

DEVICE void load_pack(const float* from, float (&v)[4]) {
  float4 four = *reinterpret_cast<const float4*>(from);
  v[0] = four.x;
  v[1] = four.y;
  v[2] = four.z;
  v[3] = four.w;
}

DEVICE void store_pack(float* to, const float (&v)[4]) {
  *reinterpret_cast<float4*>(to) = make_float4(v[0], v[1], v[2], v[3]);
}

DEVICE void unpack(u32 pair, bf16, float& low, float& high) {
  low = bits_to_float(pair << 16);
  high = bits_to_float(pair & 0xFFFF0000u);
}

DEVICE void unpack(u32 pair, f16, float& low, float& high) {
  low = half_to_float(static_cast<unsigned short>(pair));
  high = half_to_float(static_cast<unsigned short>(pair >> 16));
}

DEVICE u32 pack(bf16, float low, float high) { return floats_to_bfloats(low, high); }
DEVICE u32 pack(f16, float low, float high) { return floats_to_halves(low, high); }

template <class T>
DEVICE void load_pack(const T* from, float (&v)[8]) {
  uint4 words = *reinterpret_cast<const uint4*>(from);
  unpack(words.x, T{}, v[0], v[1]);
  unpack(words.y, T{}, v[2], v[3]);
  unpack(words.z, T{}, v[4], v[5]);
  unpack(words.w, T{}, v[6], v[7]);
}

template <class T>
DEVICE void store_pack(T* to, const float (&v)[8]) {
  T type{};
  *reinterpret_cast<uint4*>(to) = make_uint4(pack(type, v[0], v[1]), pack(type, v[2], v[3]),
                                             pack(type, v[4], v[5]), pack(type, v[6], v[7]));
}

// One element, or a pack: for loops that are written once for both.
template <class T>
DEVICE void load_some(const T* from, float (&v)[1]) {
  v[0] = to_float(*from);
}
template <class T, int W>
DEVICE void load_some(const T* from, float (&v)[W]) {
  load_pack(from, v);
}
template <class T>
DEVICE void store_some(T* to, const float (&v)[1]) {
  *to = from_float<T>(v[0]);
}
template <class T, int W>
DEVICE void store_some(T* to, const float (&v)[W]) {
  store_pack(to, v);
}

template <int V>
struct Constant {
  static constexpr int value = V;
};

// Calls body with the width of a pack as a constant: one channel where 16-byte accesses are not possible.
template <class T, class Body>
DEVICE void with_width(bool packed, Body body) {
  if (packed) {
    body(Constant<PACK<T>>{});
  } else {
    body(Constant<1>{});
  }
}

// ---- where a thread stands in a grid-stride loop

DEVICE i64 first_index() { return static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x; }
DEVICE i64 index_step() { return static_cast<i64>(gridDim.x) * blockDim.x; }

// ---- indices out of range

// The index at a position, or -1 where it is out of range, of which the host is told: IndexFaults.java throws.
template <class I>
DEVICE i64 index_at(const I* indices, i64 i, i64 count, int operation, IndexFault* fault) {
  i64 index = indices[i];
  if (index >= 0 && index < count) return index;
  if (atomicCAS(&fault->found, 0, 1) == 0) {
    fault->operation = operation;
    fault->index = index;
    fault->position = i;
    fault->range = count;
  }
  return -1;
}

// ---- sums in an order that depends on nothing but the shape

DEVICE float warp_sum(float v) {
#pragma unroll
  for (int off = 16; off > 0; off >>= 1) v += __shfl_xor_sync(0xFFFFFFFFu, v, off);
  return v;
}

DEVICE float warp_max(float v) {
#pragma unroll
  for (int off = 16; off > 0; off >>= 1) v = fmaxf(v, __shfl_xor_sync(0xFFFFFFFFu, v, off));
  return v;
}

struct Sum {
  static constexpr float ZERO = 0.0f;
  DEVICE static float warp(float v) { return warp_sum(v); }
};

struct Max {
  static constexpr float ZERO = -3.402823466e38f;
  DEVICE static float warp(float v) { return warp_max(v); }
};

// The sum or maximum over a block of whole warps, given to every thread.
template <class Op>
DEVICE float block_all(float v) {
  __shared__ float parts[32];
  int warps = blockDim.x >> 5;
  v = Op::warp(v);
  __syncthreads();  // parts may still be read from the last use
  if ((threadIdx.x & 31) == 0) parts[threadIdx.x >> 5] = v;
  __syncthreads();
  int lane = threadIdx.x & 31;
  return Op::warp(lane < warps ? parts[lane] : Op::ZERO);
}

DEVICE float block_sum(float v) { return block_all<Sum>(v); }
DEVICE float block_max(float v) { return block_all<Max>(v); }
