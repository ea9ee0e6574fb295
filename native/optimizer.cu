// What happens to many tensors at once after the backward pass. A list of up to 64 tensors comes by value;
// tensor t has the blocks first[t] ... first[t + 1], each of which takes CHUNK elements.
#include "common.cuh"

constexpr int MOST = 64;
constexpr i64 CHUNK = 16384;

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

struct Squares {
  const void* x[MOST];
  i64 n[MOST];
  int first[MOST + 1];
  int count;
};

// partial[block] = the sum of squares of the block's elements.
template <class T>
DEVICE void sum_of_squares(const Squares& list, float* partial) {
  int t = tensor_of(list.first, list.count);
  const T* x = static_cast<const T*>(list.x[t]);
  i64 begin = (blockIdx.x - list.first[t]) * CHUNK;
  i64 end = begin + CHUNK < list.n[t] ? begin + CHUNK : list.n[t];
  constexpr int N = PACK<T>;
  i64 packs = aligned16(x) ? (end - begin) / N : 0;
  float sum = 0.0f;
  for (i64 p = threadIdx.x; p < packs; p += THREADS) {
    float v[N];
    load_pack(x + begin + p * N, v);
#pragma unroll
    for (int j = 0; j < N; j++) sum = fmaf(v[j], v[j], sum);
  }
  for (i64 i = begin + packs * N + threadIdx.x; i < end; i += THREADS) {
    float v = to_float(x[i]);
    sum = fmaf(v, v, sum);
  }
  sum = block_sum(sum);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

#define SUM_OF_SQUARES(NAME, T)                                \
  extern "C" __global__ void __launch_bounds__(THREADS)        \
      sum_of_squares_##NAME(Squares list, float* partial) {    \
    sum_of_squares<T>(list, partial);                          \
  }

FOR_FLOATS(SUM_OF_SQUARES)

struct AdamW {
  float* p[MOST];
  const float* g[MOST];
  float* m[MOST];
  float* v[MOST];
  int* steps[MOST];
  i64 n[MOST];
  int first[MOST + 1];
  int count;
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

// What changes from step to step is read from device memory, so that a captured step can be replayed: the learning
// rate, the norm of the gradients, how many steps each tensor has taken. Constants are f64, since 1 - beta loses digits
// in f32. squared_norm may be null.
extern "C" __global__ void __launch_bounds__(THREADS)
    adamw(AdamW list, const float* rate, const float* squared_norm, double beta1, double beta2, double eps, double decay,
          double largest_norm, double rate_factor) {
  __shared__ float corrections[2];
  int t = tensor_of(list.first, list.count);
  if (threadIdx.x == 0) {
    int step = *list.steps[t] + 1;
    corrections[0] = static_cast<float>(1.0 - power(beta1, step));
    corrections[1] = static_cast<float>(1.0 - power(beta2, step));
  }
  __syncthreads();
  Step s;
  s.rate = static_cast<float>(*rate * rate_factor);
  s.beta1 = static_cast<float>(beta1);
  s.beta2 = static_cast<float>(beta2);
  s.rest1 = static_cast<float>(1.0 - beta1);
  s.rest2 = static_cast<float>(1.0 - beta2);
  s.eps = static_cast<float>(eps);
  s.decay = static_cast<float>(decay);
  s.correction1 = corrections[0];
  s.correction2 = corrections[1];
  s.clip = 1.0f;
  if (squared_norm) s.clip = fminf(1.0f, static_cast<float>(largest_norm) / (sqrtf(*squared_norm) + 1e-6f));

  i64 begin = (blockIdx.x - list.first[t]) * CHUNK;
  i64 end = begin + CHUNK < list.n[t] ? begin + CHUNK : list.n[t];
  float* p = list.p[t];
  const float* g = list.g[t];
  float* m = list.m[t];
  float* v = list.v[t];
  i64 fours = aligned16(p, g, m) && aligned16(v) ? (end - begin) / 4 : 0;
  for (i64 i = threadIdx.x; i < fours; i += THREADS) {
    i64 at = begin + i * 4;
    float vp[4];
    float vg[4];
    float vm[4];
    float vv[4];
    load_pack(p + at, vp);
    load_pack(g + at, vg);
    load_pack(m + at, vm);
    load_pack(v + at, vv);
#pragma unroll
    for (int j = 0; j < 4; j++) s.update(vp[j], vg[j], vm[j], vv[j]);
    store_pack(p + at, vp);
    store_pack(m + at, vm);
    store_pack(v + at, vv);
  }
  for (i64 i = begin + fours * 4 + threadIdx.x; i < end; i += THREADS) s.update(p[i], g[i], m[i], v[i]);
}

// Counts the step that adamw has taken. Its blocks read the counts, so this comes after all of them.
extern "C" __global__ void __launch_bounds__(MOST) adamw_count(AdamW list) {
  if (threadIdx.x < list.count) ++*list.steps[threadIdx.x];
}

struct Lerp {
  float* y[MOST];
  const float* x[MOST];
  i64 n[MOST];
  int first[MOST + 1];
  int count;
};

// y += weight * (x - y), with the weight in device memory.
extern "C" __global__ void __launch_bounds__(THREADS) lerp(Lerp list, const float* weight) {
  float w = *weight;
  int t = tensor_of(list.first, list.count);
  i64 begin = (blockIdx.x - list.first[t]) * CHUNK;
  i64 end = begin + CHUNK < list.n[t] ? begin + CHUNK : list.n[t];
  float* y = list.y[t];
  const float* x = list.x[t];
  i64 fours = aligned16(x, y) ? (end - begin) / 4 : 0;
  for (i64 i = threadIdx.x; i < fours; i += THREADS) {
    float from[4];
    float to[4];
    load_pack(x + begin + i * 4, from);
    load_pack(y + begin + i * 4, to);
#pragma unroll
    for (int j = 0; j < 4; j++) to[j] += w * (from[j] - to[j]);
    store_pack(y + begin + i * 4, to);
  }
  for (i64 i = begin + fours * 4 + threadIdx.x; i < end; i += THREADS) y[i] += w * (x[i] - y[i]);
}
