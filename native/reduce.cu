// Sums over rows and columns, and the mean squared error. Large sums go in two steps through f32 partial
// sums, each in an order that depends on the shape alone.
#include "common.cuh"

// x [outer, count] -> y [outer, chunks]: block (o, c) sums elements c * chunk ... of row o.
template <class S, class T>
DEVICE void reduce_rows(const S* x, T* y, i64 count, i64 chunk, float scale) {
  constexpr int N = PACK<S>;
  i64 begin = blockIdx.y * chunk;
  i64 length = begin + chunk < count ? chunk : count - begin;
  const S* from = x + blockIdx.x * count + begin;
  float sum = 0.0f;
  i64 packs = aligned16(from) ? length / N : 0;
  for (i64 p = threadIdx.x; p < packs; p += THREADS) {
    float v[N];
    load_pack(from + p * N, v);
#pragma unroll
    for (int j = 0; j < N; j++) sum += v[j];
  }
  for (i64 i = packs * N + threadIdx.x; i < length; i += THREADS) sum += to_float(from[i]);
  sum = block_sum(sum);
  if (threadIdx.x == 0) y[static_cast<i64>(blockIdx.x) * gridDim.y + blockIdx.y] = from_float<T>(sum * scale);
}

// The same for rows so short that a warp is enough: x [outer, count] -> y [outer], 8 rows a block.
template <class S, class T>
DEVICE void reduce_short_rows(const S* x, T* y, i64 outer, i64 count, float scale) {
  i64 row = static_cast<i64>(blockIdx.x) * (THREADS / 32) + (threadIdx.x >> 5);
  if (row >= outer) return;
  const S* from = x + row * count;
  float sum = 0.0f;
  for (i64 i = threadIdx.x & 31; i < count; i += 32) sum += to_float(from[i]);
  sum = warp_sum(sum);
  if ((threadIdx.x & 31) == 0) y[row] = from_float<T>(sum * scale);
}

constexpr int COLUMNS = 4;  // of one thread
constexpr int TILE = 32 * COLUMNS;

template <class T>
struct alignas(sizeof(T) * COLUMNS) Quad {
  T v[COLUMNS];
};

// x [outer, count, inner] -> y [outer, chunks, inner]. A block of 32 x 8 threads takes 128 columns.
template <class S, class T>
DEVICE void reduce_columns(const S* x, T* y, i64 count, i64 inner, i64 chunk, float scale) {
  __shared__ float parts[8][TILE];
  i64 tiles = (inner + TILE - 1) / TILE;
  i64 o = blockIdx.x / tiles;
  i64 column = (blockIdx.x - o * tiles) * TILE + threadIdx.x * COLUMNS;
  i64 begin = blockIdx.y * chunk;
  i64 end = begin + chunk < count ? begin + chunk : count;
  const S* from = x + o * count * inner + column;
  bool quads = inner % COLUMNS == 0 && reinterpret_cast<u64>(x) % sizeof(Quad<S>) == 0;
  float sum[COLUMNS] = {};
  if (quads && column < inner) {
    for (i64 row = begin + threadIdx.y; row < end; row += 8) {
      Quad<S> q = *reinterpret_cast<const Quad<S>*>(from + row * inner);
#pragma unroll
      for (int j = 0; j < COLUMNS; j++) sum[j] += to_float(q.v[j]);
    }
  } else {
#pragma unroll
    for (int j = 0; j < COLUMNS; j++) {
      if (column + j < inner) {
        for (i64 row = begin + threadIdx.y; row < end; row += 8) sum[j] += to_float(from[row * inner + j]);
      }
    }
  }
#pragma unroll
  for (int j = 0; j < COLUMNS; j++) parts[threadIdx.y][threadIdx.x * COLUMNS + j] = sum[j];
  __syncthreads();
  int flat = threadIdx.y * 32 + threadIdx.x;
  i64 own = (blockIdx.x - o * tiles) * TILE + flat;
  if (flat < TILE && own < inner) {
    float total = 0.0f;
#pragma unroll
    for (int r = 0; r < 8; r++) total += parts[r][flat];
    y[(o * gridDim.y + blockIdx.y) * inner + own] = from_float<T>(total * scale);
  }
}

#define REDUCE(FROM, S, TO, T)                                                                   \
  extern "C" __global__ void __launch_bounds__(THREADS)                                          \
      reduce_rows_##FROM##_##TO(const S* x, T* y, i64 outer, i64 count, i64 chunk, float scale) { \
    reduce_rows(x, y, count, chunk, scale);                                                      \
  }                                                                                              \
  extern "C" __global__ void __launch_bounds__(THREADS) reduce_short_rows_##FROM##_##TO(         \
      const S* x, T* y, i64 outer, i64 count, float scale) {                                     \
    reduce_short_rows(x, y, outer, count, scale);                                                \
  }                                                                                              \
  extern "C" __global__ void __launch_bounds__(THREADS) reduce_columns_##FROM##_##TO(            \
      const S* x, T* y, i64 outer, i64 count, i64 inner, i64 chunk, float scale) {               \
    reduce_columns(x, y, count, inner, chunk, scale);                                            \
  }

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
