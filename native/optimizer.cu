// What happens to many tensors at once before the forward and after the backward pass. A list of tensors comes by
// value, in up to 32,764 bytes of arguments; tensor t has the blocks first[t] ... first[t + 1], each of which takes
// CHUNK elements.
#include "common.cuh"

constexpr int MOST = TABLE_TENSORS;
constexpr i64 CHUNK = TABLE_CHUNK;

DEVICE int tensor_of(const int* first, int count) {
  int low = 0;
  int high = count - 1;
  int block = static_cast<int>(blockIdx.x);
  while (low < high) {
    int middle = (low + high + 1) / 2;
    if (first[middle] <= block) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

// Four elements in one access of 16 or 8 bytes, whatever their type.
DEVICE void load_four(const float* from, float (&v)[4]) { load_pack(from, v); }
template <class T>
DEVICE void load_four(const T* from, float (&v)[4]) {
  uint2 words = *reinterpret_cast<const uint2*>(from);
  unpack(words.x, T{}, v[0], v[1]);
  unpack(words.y, T{}, v[2], v[3]);
}

struct Squares {
  const void* x[MOST];
  i64 n[MOST];
  int first[MOST + 1];
  int count;
  u8 type[MOST];
};

// The order of the sum is that of f32 for every type: a gradient gives the same bits before and after it is widened.
template <class T>
DEVICE float squares_of(const T* x, i64 begin, i64 end) {
  i64 packs = aligned16(x) ? (end - begin) / 4 : 0;
  float sum = 0.0f;
  for (i64 p = threadIdx.x; p < packs; p += THREADS) {
    float v[4];
    load_four(x + begin + p * 4, v);
#pragma unroll
    for (int j = 0; j < 4; j++) sum = fmaf(v[j], v[j], sum);
  }
  for (i64 i = begin + packs * 4 + threadIdx.x; i < end; i += THREADS) {
    float v = to_float(x[i]);
    sum = fmaf(v, v, sum);
  }
  return sum;
}

// partial[block] = the sum of squares of the block's elements.
extern "C" __global__ void __launch_bounds__(THREADS) sum_of_squares(Squares list, float* partial) {
  int t = tensor_of(list.first, list.count);
  i64 begin = (blockIdx.x - list.first[t]) * CHUNK;
  i64 end = begin + CHUNK < list.n[t] ? begin + CHUNK : list.n[t];
  float sum;
  if (list.type[t] == TABLE_F32) {
    sum = squares_of(static_cast<const float*>(list.x[t]), begin, end);
  } else if (list.type[t] == TABLE_BF16) {
    sum = squares_of(static_cast<const bf16*>(list.x[t]), begin, end);
  } else {
    sum = squares_of(static_cast<const f16*>(list.x[t]), begin, end);
  }
  sum = block_sum(sum);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

// Parameters P, moments M; gradients are f32 or bf16, each as type says. The rest that rounding bf16 parameters left is
// in c, whose pointers are null where they are rounded by chance instead, or are f32. Averages may be null.
template <class P, class M>
struct AdamW {
  P* p[MOST];
  bf16* c[MOST];
  const void* g[MOST];
  M* m[MOST];
  M* v[MOST];
  float* average[MOST];
  int* steps[MOST];
  i64 n[MOST];
  int first[MOST + 1];
  int count;
  u8 type[MOST];
};

// The same for moments in 8 bits, with a scale for each CODED_BLOCK elements. Fewer at a time, as more is told of each.
constexpr int MOST_CODED = TABLE_CODED;

template <class P>
struct CodedAdamW {
  P* p[MOST_CODED];
  bf16* c[MOST_CODED];
  const void* g[MOST_CODED];
  u8* m[MOST_CODED];
  u8* v[MOST_CODED];
  float* m_scales[MOST_CODED];
  float* v_scales[MOST_CODED];
  float* average[MOST_CODED];
  int* steps[MOST_CODED];
  i64 n[MOST_CODED];
  int first[MOST_CODED + 1];
  int count;
  u8 type[MOST_CODED];
};

struct Step {
  float rate, beta1, beta2, rest1, rest2, eps, decay, clip, correction1, correction2;

  DEVICE void update(float& p, float g, float& m, float& v) const {
    g *= clip;
    m = beta1 * m + rest1 * g;
    v = beta2 * v + rest2 * g * g;
    float direction = m / correction1 / (sqrtf(v / correction2) + eps);
    p -= rate * (decay * p + direction);
  }
};

DEVICE double power(double base, int exponent) {
  double product = 1.0;
  for (; exponent > 0; exponent >>= 1) {
    if (exponent & 1) product *= base;
    base *= base;
  }
  return product;
}

// What does not change, as it comes. Constants are f64, since 1 - beta loses digits in f32.
struct Constants {
  double beta1, beta2, eps, decay, largest_norm, rate_factor;
};

// What changes from step to step is read from device memory, so that a captured step can be replayed: the learning
// rate, the norm of the gradients, which may be null, how many steps each tensor has taken.
DEVICE Step step_of(const Constants& c, const float* rate, const float* squared_norm, const int* steps) {
  __shared__ float corrections[2];
  if (threadIdx.x == 0) {
    int step = *steps + 1;
    corrections[0] = static_cast<float>(1.0 - power(c.beta1, step));
    corrections[1] = static_cast<float>(1.0 - power(c.beta2, step));
  }
  __syncthreads();
  Step s;
  s.rate = static_cast<float>(*rate * c.rate_factor);
  s.beta1 = static_cast<float>(c.beta1);
  s.beta2 = static_cast<float>(c.beta2);
  s.rest1 = static_cast<float>(1.0 - c.beta1);
  s.rest2 = static_cast<float>(1.0 - c.beta2);
  s.eps = static_cast<float>(c.eps);
  s.decay = static_cast<float>(c.decay);
  s.correction1 = corrections[0];
  s.correction2 = corrections[1];
  s.clip = 1.0f;
  if (squared_norm) s.clip = fminf(1.0f, static_cast<float>(c.largest_norm) / (sqrtf(*squared_norm) + 1e-6f));
  return s;
}

// nacre.tensor.spi.RoundingNoise, bit for bit.
DEVICE u32 mixed(u32 x) {
  x ^= x >> 16;
  x *= 0x7feb352du;
  x ^= x >> 15;
  x *= 0x846ca68bu;
  return x ^ (x >> 16);
}

DEVICE u32 noise_key(i64 seed, int tensor, int step) {
  u32 both = static_cast<u32>(seed) ^ mixed(static_cast<u32>(static_cast<u64>(seed) >> 32));
  return mixed(static_cast<u32>(step) + mixed(static_cast<u32>(tensor) + mixed(both)));
}

DEVICE u32 noise(u32 key, i64 element) { return mixed(static_cast<u32>(element) * 0x9E3779B9u + key); }

DEVICE u32 other_noise(u32 key) { return mixed(key ^ 0x68e31da4u); }

DEVICE void round_by(float& to, float value, u32) { to = value; }
DEVICE void round_by(bf16& to, float value, u32 sixteen) {
  u32 bits = __float_as_uint(value);
  if (value == value) bits += sixteen & 0xffffu;
  to.bits = static_cast<unsigned short>(bits >> 16);
}

// N elements in 16-byte accesses, whatever their type.
template <class T, int N>
DEVICE void load_many(const T* from, float (&v)[N]) {
  if constexpr (N == PACK<T>) {
    load_pack(from, v);
  } else {
    static_assert(N == 2 * PACK<T>);
    float low[PACK<T>];
    float high[PACK<T>];
    load_pack(from, low);
    load_pack(from + PACK<T>, high);
#pragma unroll
    for (int j = 0; j < PACK<T>; j++) {
      v[j] = low[j];
      v[PACK<T> + j] = high[j];
    }
  }
}

// Gradients from element `at` on, N in a row or one.
template <int N>
DEVICE void load_gradients(const void* g, u8 type, i64 at, float (&v)[N]) {
  if (type == TABLE_F32) {
    load_many(static_cast<const float*>(g) + at, v);
  } else if constexpr (N == 4) {
    load_four(static_cast<const bf16*>(g) + at, v);
  } else {
    load_many(static_cast<const bf16*>(g) + at, v);
  }
}

DEVICE float gradient_at(const void* g, u8 type, i64 at) {
  return type == TABLE_F32 ? static_cast<const float*>(g)[at] : to_float(static_cast<const bf16*>(g)[at]);
}

template <class T, int N>
DEVICE void store_many(T* to, const T (&v)[N]) {
#pragma unroll
  for (int j = 0; j < N; j += PACK<T>) *reinterpret_cast<uint4*>(to + j) = *reinterpret_cast<const uint4*>(v + j);
}

// A parameter rounded to its type: to nearest where the rest is kept for the next step, else by chance.
DEVICE void round_parameter(float& p, bf16&, float value, bool, u32, i64) { p = value; }
DEVICE void round_parameter(bf16& p, bf16& rest, float value, bool compensated, u32 key, i64 element) {
  if (compensated) {
    p = from_float<bf16>(value);
    rest = from_float<bf16>(value - to_float(p));
  } else {
    round_by(p, value, noise(other_noise(key), element));
  }
}

// An average moves by the parameter as it is stored.
DEVICE void move_average(float& average, float weight, float parameter) { average += weight * (parameter - average); }

template <class P, class M>
DEVICE void adamw(const AdamW<P, M>& list, const Constants& constants, const float* rate, const float* squared_norm,
                  const float* average_weight, i64 seed, int first_tensor) {
  int t = tensor_of(list.first, list.count);
  Step s = step_of(constants, rate, squared_norm, list.steps[t]);
  u32 key = noise_key(seed, first_tensor + t, *list.steps[t] + 1);
  i64 begin = (blockIdx.x - list.first[t]) * CHUNK;
  i64 end = begin + CHUNK < list.n[t] ? begin + CHUNK : list.n[t];
  P* p = list.p[t];
  bf16* c = list.c[t];
  const void* g = list.g[t];
  u8 type = list.type[t];
  M* m = list.m[t];
  M* v = list.v[t];
  float* average = list.average[t];
  float weight = average ? *average_weight : 0.0f;
  constexpr bool NARROW = sizeof(P) == 2;
  constexpr int N = NARROW || sizeof(M) == 2 ? 8 : 4;
  i64 packs = aligned16(p, g, m) && aligned16(v, c, average) ? (end - begin) / N : 0;
  for (i64 i = threadIdx.x; i < packs; i += THREADS) {
    i64 at = begin + i * N;
    float vp[N];
    float vg[N];
    float vm[N];
    float vv[N];
    load_many(p + at, vp);
    load_gradients(g, type, at, vg);
    load_many(m + at, vm);
    load_many(v + at, vv);
    if constexpr (NARROW) {
      if (c) {
        float rest[N];
        load_many(c + at, rest);
#pragma unroll
        for (int j = 0; j < N; j++) vp[j] += rest[j];
      }
    }
    __align__(16) P rounded_p[N];
    __align__(16) bf16 rests[N];
    __align__(16) M rounded_m[N];
    __align__(16) M rounded_v[N];
#pragma unroll
    for (int j = 0; j < N; j++) {
      s.update(vp[j], vg[j], vm[j], vv[j]);
      u32 bits = noise(key, at + j);
      round_parameter(rounded_p[j], rests[j], vp[j], c, key, at + j);
      round_by(rounded_m[j], vm[j], bits);
      round_by(rounded_v[j], vv[j], bits >> 16);
    }
    store_many(p + at, rounded_p);
    store_many(m + at, rounded_m);
    store_many(v + at, rounded_v);
    if constexpr (NARROW) {
      if (c) store_many(c + at, rests);
    }
    if (average) {
      __align__(16) float averages[N];
      load_many(average + at, averages);
#pragma unroll
      for (int j = 0; j < N; j++) move_average(averages[j], weight, to_float(rounded_p[j]));
      store_many(average + at, averages);
    }
  }
  for (i64 i = begin + packs * N + threadIdx.x; i < end; i += THREADS) {
    float vp = to_float(p[i]);
    if (c) vp += to_float(c[i]);
    float vm = to_float(m[i]);
    float vv = to_float(v[i]);
    s.update(vp, gradient_at(g, type, i), vm, vv);
    u32 bits = noise(key, i);
    bf16 rest{};
    round_parameter(p[i], rest, vp, c, key, i);
    if (c) c[i] = rest;
    round_by(m[i], vm, bits);
    round_by(v[i], vv, bits >> 16);
    if (average) move_average(average[i], weight, to_float(p[i]));
  }
}

#define ADAMW(NAME, P, M)                                                                                      \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                        \
      adamw_##NAME(AdamW<P, M> list, const float* rate, const float* squared_norm, const float* average_weight, \
                   double beta1, double beta2, double eps, double decay, double largest_norm,                  \
                   double rate_factor, i64 seed, int first_tensor) {                                           \
    Constants c{beta1, beta2, eps, decay, largest_norm, rate_factor};                                          \
    adamw(list, c, rate, squared_norm, average_weight, seed, first_tensor);                                    \
  }

// Named by the types of parameters and moments.
ADAMW(f32_f32, float, float)
ADAMW(f32_bf16, float, bf16)
ADAMW(bf16_f32, bf16, float)
ADAMW(bf16_bf16, bf16, bf16)

// Counts the step that adamw has taken. Its blocks read the counts, so this comes after all of them.
extern "C" __global__ void __launch_bounds__(MOST) adamw_count(AdamW<float, float> list) {
  if (threadIdx.x < list.count) ++*list.steps[threadIdx.x];
}

// ---- moments in 8 bits: nacre.tensor.spi.DynamicCode

// The middle of a cell: decade d has 2^(d + extra) of them, numbered from that power of two on.
DEVICE float midpoint(int number, int extra) {
  const double decade[7] = {1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0};
  int log = 31 - __clz(number);
  double cells = static_cast<double>(1 << log);
  double part = __dadd_rn(__dadd_rn(number, -cells), 0.5);
  double within = __dadd_rn(0.1, __ddiv_rn(__dmul_rn(0.9, part), cells));
  return static_cast<float>(__dmul_rn(within, decade[log - extra]));
}

DEVICE float signed_value(int code) {
  if (code == 255) return 1.0f;
  if (code == 127) return 0.0f;
  return code < 127 ? -midpoint(127 - code, 0) : midpoint(code - 127, 0);
}

DEVICE float unsigned_value(int code) {
  if (code == 255) return 1.0f;
  return code == 0 ? 0.0f : midpoint(code + 1, 1);
}

struct Codes {
  float value[256];
  float bound[256];
};

// How many bounds lie below x.
DEVICE u8 code_of(const Codes& codes, float x) {
  int low = 0;
#pragma unroll
  for (int half = 128; half > 0; half >>= 1) {
    if (codes.bound[low + half - 1] < x) low += half;
  }
  return static_cast<u8>(low);
}

// A warp takes a block of elements, eight in a row each lane.
template <class P>
DEVICE void adamw_coded(const CodedAdamW<P>& list, const Constants& constants, const float* rate,
                        const float* squared_norm, const float* average_weight, i64 seed, int first_tensor) {
  __shared__ Codes first;
  __shared__ Codes second;
  first.value[threadIdx.x] = signed_value(threadIdx.x);
  second.value[threadIdx.x] = unsigned_value(threadIdx.x);
  __syncthreads();
  if (threadIdx.x < 255) {
    first.bound[threadIdx.x] = 0.5f * (first.value[threadIdx.x] + first.value[threadIdx.x + 1]);
    second.bound[threadIdx.x] = 0.5f * (second.value[threadIdx.x] + second.value[threadIdx.x + 1]);
  }
  if (threadIdx.x == 0) second.bound[0] = 0.0f;  // what is above 0 never becomes 0
  int t = tensor_of(list.first, list.count);
  Step s = step_of(constants, rate, squared_norm, list.steps[t]);  // waits for the tables, too
  u32 key = noise_key(seed, first_tensor + t, *list.steps[t] + 1);
  i64 n = list.n[t];
  i64 begin = (blockIdx.x - list.first[t]) * CHUNK;
  i64 end = begin + CHUNK < n ? begin + CHUNK : n;
  P* p = list.p[t];
  bf16* c = list.c[t];
  const void* g = list.g[t];
  u8 type = list.type[t];
  float* average = list.average[t];
  float weight = average ? *average_weight : 0.0f;
  u8* m = list.m[t];
  u8* v = list.v[t];
  int lane = threadIdx.x % 32;
  for (i64 block = begin + threadIdx.x / 32 * CODED_BLOCK; block < end; block += THREADS / 32 * CODED_BLOCK) {
    i64 at = block + lane * 8;
    float* m_scale = list.m_scales[t] + block / CODED_BLOCK;
    float* v_scale = list.v_scales[t] + block / CODED_BLOCK;
    float old_m = *m_scale;
    float old_v = *v_scale;
    float vm[8];
    float vv[8];
    float vg[8];
    if (type == TABLE_F32) {
      for (int j = 0; j < 8; j++) vg[j] = at + j < n ? static_cast<const float*>(g)[at + j] : 0.0f;
    } else {
      for (int j = 0; j < 8; j++) vg[j] = at + j < n ? to_float(static_cast<const bf16*>(g)[at + j]) : 0.0f;
    }
    float most_m = 0.0f;
    float most_v = 0.0f;
#pragma unroll
    for (int j = 0; j < 8; j++) {
      vm[j] = vv[j] = 0.0f;
      if (at + j < n) {
        vm[j] = first.value[m[at + j]] * old_m;
        vv[j] = second.value[v[at + j]] * old_v;
        float vp = to_float(p[at + j]);
        if (c) vp += to_float(c[at + j]);
        s.update(vp, vg[j], vm[j], vv[j]);
        bf16 rest{};
        round_parameter(p[at + j], rest, vp, c, key, at + j);
        if (c) c[at + j] = rest;
      }
      most_m = fmaxf(most_m, fabsf(vm[j]));
      most_v = fmaxf(most_v, fabsf(vv[j]));
    }
    most_m = warp_max(most_m);
    most_v = warp_max(most_v);
    if (lane == 0) {
      *m_scale = most_m;
      *v_scale = most_v;
    }
    float by_m = most_m == 0.0f ? 1.0f : most_m;
    float by_v = most_v == 0.0f ? 1.0f : most_v;
#pragma unroll
    for (int j = 0; j < 8; j++) {
      if (at + j < n) {
        m[at + j] = code_of(first, vm[j] / by_m);
        v[at + j] = code_of(second, vv[j] / by_v);
        if (average) move_average(average[at + j], weight, to_float(p[at + j]));
      }
    }
  }
}

#define CODED_ADAMW(NAME, P)                                                                                   \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                        \
      adamw_##NAME(CodedAdamW<P> list, const float* rate, const float* squared_norm,                           \
                   const float* average_weight, double beta1, double beta2, double eps, double decay,          \
                   double largest_norm, double rate_factor, i64 seed, int first_tensor) {                      \
    Constants c{beta1, beta2, eps, decay, largest_norm, rate_factor};                                          \
    adamw_coded(list, c, rate, squared_norm, average_weight, seed, first_tensor);                              \
  }

CODED_ADAMW(f32_u8, float)
CODED_ADAMW(bf16_u8, bf16)

extern "C" __global__ void __launch_bounds__(MOST) adamw_coded_count(CodedAdamW<float> list) {
  if (threadIdx.x < list.count) ++*list.steps[threadIdx.x];
}

template <class X>
struct Lerp {
  float* y[MOST];
  const X* x[MOST];
  i64 n[MOST];
  int first[MOST + 1];
  int count;
  u8 type[MOST];
};

// y += weight * (x - y), with the weight in device memory.
template <class X>
DEVICE void lerp(const Lerp<X>& list, const float* weight) {
  float w = *weight;
  int t = tensor_of(list.first, list.count);
  i64 begin = (blockIdx.x - list.first[t]) * CHUNK;
  i64 end = begin + CHUNK < list.n[t] ? begin + CHUNK : list.n[t];
  float* y = list.y[t];
  const X* x = list.x[t];
  constexpr int N = PACK<X>;
  i64 packs = aligned16(x, y) ? (end - begin) / N : 0;
  for (i64 i = threadIdx.x; i < packs; i += THREADS) {
    float from[N];
    __align__(16) float to[N];
    load_many(x + begin + i * N, from);
    load_many(y + begin + i * N, to);
#pragma unroll
    for (int j = 0; j < N; j++) move_average(to[j], w, from[j]);
    store_many(y + begin + i * N, to);
  }
  for (i64 i = begin + packs * N + threadIdx.x; i < end; i += THREADS) move_average(y[i], w, to_float(x[i]));
}

extern "C" __global__ void __launch_bounds__(THREADS) lerp_f32(Lerp<float> list, const float* weight) {
  lerp(list, weight);
}

extern "C" __global__ void __launch_bounds__(THREADS) lerp_bf16(Lerp<bf16> list, const float* weight) {
  lerp(list, weight);
}

template <class Y>
struct Casts {
  const float* x[MOST];
  Y* y[MOST];
  i64 n[MOST];
  int first[MOST + 1];
  int count;
  u8 type[MOST];
};

// y = x, rounded to nearest even.
template <class Y>
DEVICE void cast_tensors(const Casts<Y>& list) {
  int t = tensor_of(list.first, list.count);
  i64 begin = (blockIdx.x - list.first[t]) * CHUNK;
  i64 end = begin + CHUNK < list.n[t] ? begin + CHUNK : list.n[t];
  const float* x = list.x[t];
  Y* y = list.y[t];
  i64 packs = aligned16(x, y) ? (end - begin) / 8 : 0;
  for (i64 i = threadIdx.x; i < packs; i += THREADS) {
    float v[8];
    load_many(x + begin + i * 8, v);
    store_pack(y + begin + i * 8, v);
  }
  for (i64 i = begin + packs * 8 + threadIdx.x; i < end; i += THREADS) y[i] = from_float<Y>(x[i]);
}

extern "C" __global__ void __launch_bounds__(THREADS) cast_bf16(Casts<bf16> list) { cast_tensors(list); }

extern "C" __global__ void __launch_bounds__(THREADS) cast_f16(Casts<f16> list) { cast_tensors(list); }
