// Sums and largest elements over rows and columns, and the mean squared error. Large sums go in two steps through f32 partial
// sums, each in an order that depends on the shape alone.
#include "common.cuh"

// How two are made one: sums, and largest elements, NaN above all.
struct Added {
  DEVICE static float start() { return 0.0f; }
  DEVICE static float both(float a, float b) { return a + b; }
  DEVICE static float warp(float v) { return warp_sum(v); }
  DEVICE static float block(float v) { return block_sum(v); }
};

struct Largest {
  DEVICE static float start() { return -__int_as_float(0x7F800000); }
  DEVICE static float both(float a, float b) { return a != a || a > b ? a : b; }
  DEVICE static float warp(float v) {
#pragma unroll
    for (int off = 16; off > 0; off >>= 1) v = both(v, __shfl_xor_sync(0xFFFFFFFFu, v, off));
    return v;
  }
  DEVICE static float block(float v) {
    __shared__ float parts[THREADS / 32];
    v = warp(v);
    if ((threadIdx.x & 31) == 0) parts[threadIdx.x >> 5] = v;
    __syncthreads();
    return warp(parts[threadIdx.x & (THREADS / 32 - 1)]);
  }
};

// x [outer, count] -> y [outer, chunks]: block (o, c) sums elements c * chunk ... of row o.
template <class Fold, class S, class T>
DEVICE void reduce_rows(const S* x, T* y, i64 count, i64 chunk, float scale) {
  constexpr int N = PACK<S>;
  i64 begin = blockIdx.y * chunk;
  i64 length = begin + chunk < count ? chunk : count - begin;
  const S* from = x + blockIdx.x * count + begin;
  float sum = Fold::start();
  i64 packs = aligned16(from) ? length / N : 0;
  for (i64 p = threadIdx.x; p < packs; p += THREADS) {
    float v[N];
    load_pack(from + p * N, v);
#pragma unroll
    for (int j = 0; j < N; j++) sum = Fold::both(sum, v[j]);
  }
  for (i64 i = packs * N + threadIdx.x; i < length; i += THREADS) sum = Fold::both(sum, to_float(from[i]));
  sum = Fold::block(sum);
  if (threadIdx.x == 0) y[static_cast<i64>(blockIdx.x) * gridDim.y + blockIdx.y] = from_float<T>(sum * scale);
}

// The same for rows so short that a warp is enough: x [outer, count] -> y [outer], 8 rows a block.
template <class Fold, class S, class T>
DEVICE void reduce_short_rows(const S* x, T* y, i64 outer, i64 count, float scale) {
  i64 row = static_cast<i64>(blockIdx.x) * (THREADS / 32) + (threadIdx.x >> 5);
  if (row >= outer) return;
  const S* from = x + row * count;
  float sum = Fold::start();
  for (i64 i = threadIdx.x & 31; i < count; i += 32) sum = Fold::both(sum, to_float(from[i]));
  sum = Fold::warp(sum);
  if ((threadIdx.x & 31) == 0) y[row] = from_float<T>(sum * scale);
}

constexpr int COLUMNS = 4;  // of one thread
constexpr int TILE = 32 * COLUMNS;
static_assert(TILE == SUMMED_COLUMNS, "32 threads side by side");

template <class T>
struct alignas(sizeof(T) * COLUMNS) Quad {
  T v[COLUMNS];
};

// x [outer, count, inner] -> y [outer, chunks, inner]. A block of 32 x 8 threads takes 128 columns.
template <class Fold, class S, class T>
DEVICE void reduce_columns(const S* x, T* y, i64 count, i64 inner, i64 chunk, float scale) {
  __shared__ float parts[8][TILE];
  i64 tiles = (inner + TILE - 1) / TILE;
  i64 o = blockIdx.x / tiles;
  i64 column = (blockIdx.x - o * tiles) * TILE + threadIdx.x * COLUMNS;
  i64 begin = blockIdx.y * chunk;
  i64 end = begin + chunk < count ? begin + chunk : count;
  const S* from = x + o * count * inner + column;
  bool quads = inner % COLUMNS == 0 && reinterpret_cast<u64>(x) % sizeof(Quad<S>) == 0;
  float sum[COLUMNS];
#pragma unroll
  for (int j = 0; j < COLUMNS; j++) sum[j] = Fold::start();
  if (quads && column < inner) {
    for (i64 row = begin + threadIdx.y; row < end; row += 8) {
      Quad<S> q = *reinterpret_cast<const Quad<S>*>(from + row * inner);
#pragma unroll
      for (int j = 0; j < COLUMNS; j++) sum[j] = Fold::both(sum[j], to_float(q.v[j]));
    }
  } else {
#pragma unroll
    for (int j = 0; j < COLUMNS; j++) {
      if (column + j < inner) {
        for (i64 row = begin + threadIdx.y; row < end; row += 8) {
          sum[j] = Fold::both(sum[j], to_float(from[row * inner + j]));
        }
      }
    }
  }
#pragma unroll
  for (int j = 0; j < COLUMNS; j++) parts[threadIdx.y][threadIdx.x * COLUMNS + j] = sum[j];
  __syncthreads();
  int flat = threadIdx.y * 32 + threadIdx.x;
  i64 own = (blockIdx.x - o * tiles) * TILE + flat;
  if (flat < TILE && own < inner) {
    float total = Fold::start();
#pragma unroll
    for (int r = 0; r < 8; r++) total = Fold::both(total, parts[r][flat]);
    y[(o * gridDim.y + blockIdx.y) * inner + own] = from_float<T>(total * scale);
  }
}

#define FOLD(NAME, FOLDED, FROM, S, TO, T)                                                        \
  extern "C" __global__ void __launch_bounds__(THREADS)                                          \
      NAME##_rows_##FROM##_##TO(const S* x, T* y, i64 outer, i64 count, i64 chunk, float scale) { \
    reduce_rows<FOLDED>(x, y, count, chunk, scale);                                              \
  }                                                                                              \
  extern "C" __global__ void __launch_bounds__(THREADS) NAME##_short_rows_##FROM##_##TO(         \
      const S* x, T* y, i64 outer, i64 count, float scale) {                                     \
    reduce_short_rows<FOLDED>(x, y, outer, count, scale);                                        \
  }                                                                                              \
  extern "C" __global__ void __launch_bounds__(THREADS) NAME##_columns_##FROM##_##TO(            \
      const S* x, T* y, i64 outer, i64 count, i64 inner, i64 chunk, float scale) {               \
    reduce_columns<FOLDED>(x, y, count, inner, chunk, scale);                                    \
  }

#define REDUCE(FROM, S, TO, T) FOLD(sum, Added, FROM, S, TO, T) FOLD(max, Largest, FROM, S, TO, T)

REDUCE(f32, float, f32, float)
REDUCE(f32, float, bf16, bf16)
REDUCE(f32, float, f16, f16)
REDUCE(bf16, bf16, f32, float)
REDUCE(bf16, bf16, bf16, bf16)
REDUCE(f16, f16, f32, float)
REDUCE(f16, f16, f16, f16)

// Block i sums (a - b)^2 over elements i * chunk ...
template <class T>
DEVICE void squared_error(const T* a, const T* b, float* partial, i64 n, i64 chunk) {
  i64 begin = blockIdx.x * chunk;
  i64 end = begin + chunk < n ? begin + chunk : n;
  constexpr int N = PACK<T>;
  i64 packs = aligned16(a + begin, b + begin) ? (end - begin) / N : 0;
  float sum = 0.0f;
  for (i64 p = threadIdx.x; p < packs; p += THREADS) {
    float u[N];
    float v[N];
    load_pack(a + begin + p * N, u);
    load_pack(b + begin + p * N, v);
#pragma unroll
    for (int j = 0; j < N; j++) sum = fmaf(u[j] - v[j], u[j] - v[j], sum);
  }
  for (i64 i = begin + packs * N + threadIdx.x; i < end; i += THREADS) {
    float d = to_float(a[i]) - to_float(b[i]);
    sum = fmaf(d, d, sum);
  }
  sum = block_sum(sum);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

template <class T>
DEVICE void squared_error_backward(const T* a, const T* b, const float* dy, T* da, i64 n, float two_over_n) {
  constexpr int N = PACK<T>;
  float factor = two_over_n * *dy;
  i64 packs = aligned16(a, b, da) ? n / N : 0;
  for (i64 p = first_index(); p < packs; p += index_step()) {
    float u[N];
    float v[N];
    load_pack(a + p * N, u);
    load_pack(b + p * N, v);
#pragma unroll
    for (int j = 0; j < N; j++) v[j] = factor * (u[j] - v[j]);
    store_pack(da + p * N, v);
  }
  for (i64 i = packs * N + first_index(); i < n; i += index_step()) {
    da[i] = from_float<T>(factor * (to_float(a[i]) - to_float(b[i])));
  }
}

#define SQUARED_ERROR(NAME, T)                                                           \
  extern "C" __global__ void __launch_bounds__(THREADS)                                  \
      mse_##NAME(const T* a, const T* b, float* partial, i64 n, i64 chunk) {             \
    squared_error(a, b, partial, n, chunk);                                              \
  }                                                                                      \
  extern "C" __global__ void __launch_bounds__(THREADS)                                  \
      mse_backward_##NAME(const T* a, const T* b, const float* dy, T* da, i64 n, float two_over_n) { \
    squared_error_backward(a, b, dy, da, n, two_over_n);                                 \
  }

FOR_FLOATS(SQUARED_ERROR)
