// What works on rows [rows, c], a warp each: softmax, layer normalization, and GEGLU. A row is read again for
// each pass: it is in the first-level cache by then.
#include "common.cuh"
#include "functions.cuh"
#include "rows.cuh"

template <class T>
DEVICE void softmax(const T* x, T* y, i64 rows, int c) {
  i64 row = own_row();
  if (row >= rows) return;
  const T* from = x + row * c;
  float top = -__int_as_float(0x7F800000);
  for_row(from, c, [&](int, float v) { top = fmaxf(top, v); });
  top = warp_max(top);
  float sum = 0.0f;
  for_row(from, c, [&](int, float v) { sum += expf(v - top); });
  sum = warp_sum(sum);
  float scale = 1.0f / sum;
  map_row(from, y + row * c, c, [&](int, float v) { return expf(v - top) * scale; });
}

template <class T>
DEVICE void softmax_backward(const T* y, const T* dy, T* dx, i64 rows, int c) {
  i64 row = own_row();
  if (row >= rows) return;
  const T* from = y + row * c;
  const T* g = dy + row * c;
  float sum = 0.0f;
  for_row(from, c, [&](int i, float v) { sum = fmaf(v, to_float(g[i]), sum); });
  sum = warp_sum(sum);
  map_row(from, dx + row * c, c, [&](int i, float v) { return v * (to_float(g[i]) - sum); });
}

template <class T>
DEVICE void layer_norm(const T* x, const T* gamma, const T* beta, T* y, float* mean, float* rstd, i64 rows,
                       int c, float eps) {
  i64 row = own_row();
  if (row >= rows) return;
  const T* from = x + row * c;
  float base = to_float(from[0]);  // sums around an element keep their digits where the mean is large
  float sum = 0.0f;
  for_row(from, c, [&](int, float v) { sum += v - base; });
  float m = base + warp_sum(sum) / static_cast<float>(c);
  float squares = 0.0f;
  for_row(from, c, [&](int, float v) { squares = fmaf(v - m, v - m, squares); });
  float r = 1.0f / sqrtf(warp_sum(squares) / static_cast<float>(c) + eps);
  map_row_with(from, gamma, beta, y + row * c, c,
               [&](float v, float scale, float shift) { return fmaf((v - m) * r, scale, shift); });
  if ((threadIdx.x & 31) == 0) {
    mean[row] = m;
    rstd[row] = r;
  }
}

template <class T>
DEVICE void layer_norm_backward(const T* x, const T* gamma, const float* mean, const float* rstd, const T* dy,
                                T* dx, i64 rows, int c) {
  i64 row = own_row();
  if (row >= rows) return;
  const T* from = x + row * c;
  const T* g = dy + row * c;
  float m = mean[row];
  float r = rstd[row];
  float of_one = 0.0f;
  float of_normal = 0.0f;
  for_row_with(from, g, gamma, c, [&](float v, float dy_at, float scale) {
    float d = dy_at * scale;
    of_one += d;
    of_normal = fmaf(d, (v - m) * r, of_normal);
  });
  of_one = warp_sum(of_one) / static_cast<float>(c);
  of_normal = warp_sum(of_normal) / static_cast<float>(c);
  map_row_with(from, g, gamma, dx + row * c, c, [&](float v, float dy_at, float scale) {
    return r * (dy_at * scale - of_one - (v - m) * r * of_normal);
  });
}

// A block adds up WEIGHT_COLUMNS columns of the rows blockIdx.y * chunk ..., a thread one pack of them in every
// THREADS / packs-th row.
constexpr int WEIGHTS = WEIGHT_COLUMNS;

template <class T, int W>
DEVICE void layer_norm_partial(const T* __restrict__ x, const float* __restrict__ mean,
                               const float* __restrict__ rstd, const T* __restrict__ dy, float (*parts)[2 * WEIGHTS],
                               i64 rows, int c, i64 chunk) {
  constexpr int PACKS = WEIGHTS / W;
  constexpr int LANES = THREADS / PACKS;
  int lane = threadIdx.x / PACKS;
  int pack = threadIdx.x % PACKS;
  int column = blockIdx.x * WEIGHTS + pack * W;
  i64 begin = blockIdx.y * chunk;
  i64 end = begin + chunk < rows ? begin + chunk : rows;
  float of_normal[W] = {};
  float of_one[W] = {};
  if (column < c) {
#pragma unroll 4  // eight loads under way
    for (i64 row = begin + lane; row < end; row += LANES) {
      float v[W];
      float g[W];
      load_some(x + row * c + column, v);
      load_some(dy + row * c + column, g);
      float m = mean[row];
      float r = rstd[row];
#pragma unroll
      for (int j = 0; j < W; j++) {
        of_normal[j] = fmaf(g[j], (v[j] - m) * r, of_normal[j]);
        of_one[j] += g[j];
      }
    }
  }
#pragma unroll
  for (int half = LANES / 2; half > 0; half /= 2) {  // the sums of the lower half of the lanes, and of its lower half
    if (lane >= half && lane < 2 * half) {
#pragma unroll
      for (int j = 0; j < W; j++) {
        parts[lane - half][pack * W + j] = of_normal[j];
        parts[lane - half][WEIGHTS + pack * W + j] = of_one[j];
      }
    }
    __syncthreads();
    if (lane < half) {
#pragma unroll
      for (int j = 0; j < W; j++) {
        of_normal[j] += parts[lane][pack * W + j];
        of_one[j] += parts[lane][WEIGHTS + pack * W + j];
      }
    }
    __syncthreads();
  }
  if (lane == 0) {
#pragma unroll
    for (int j = 0; j < W; j++) {
      parts[0][pack * W + j] = of_normal[j];
      parts[0][WEIGHTS + pack * W + j] = of_one[j];
    }
  }
  __syncthreads();
}

// dgamma and dbeta [c]: partial [chunks, 2, c], which the block that is done last with its columns joins in order.
template <class T>
DEVICE void layer_norm_weights(const T* x, const float* mean, const float* rstd, const T* dy, float* partial, T* dgamma,
                               T* dbeta, u32* done, i64 rows, int c, i64 chunk) {
  __shared__ float parts[THREADS * PACK<T> / WEIGHTS / 2][2 * WEIGHTS];
  __shared__ bool last;
  if (c % PACK<T> == 0 && aligned16(x, dy)) {
    layer_norm_partial<T, PACK<T>>(x, mean, rstd, dy, parts, rows, c, chunk);
  } else {
    layer_norm_partial<T, 1>(x, mean, rstd, dy, parts, rows, c, chunk);
  }
  int side = threadIdx.x / WEIGHTS;
  int column = blockIdx.x * WEIGHTS + threadIdx.x % WEIGHTS;
  bool has_one = side < 2 && column < c;
  if (has_one) partial[(static_cast<i64>(blockIdx.y) * 2 + side) * c + column] = parts[0][threadIdx.x];
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) last = atomicInc(done + blockIdx.x, gridDim.y - 1) == gridDim.y - 1;
  __syncthreads();
  if (!last) return;
  __threadfence();
  if (has_one) {
    float total = 0.0f;
    int chunks = static_cast<int>(gridDim.y);
#pragma unroll 8
    for (int k = 0; k < chunks; k++) total += partial[(static_cast<i64>(k) * 2 + side) * c + column];
    (side == 0 ? dgamma : dbeta)[column] = from_float<T>(total);
  }
}

// y [rows, c] = x[:, :c] * gelu(x[:, c:]), a grid-stride loop over packs of y.
template <class T>
DEVICE void geglu(const T* x, T* y, i64 rows, int c) {
  constexpr int N = PACK<T>;
  if (c % N == 0 && aligned16(x, y)) {
    int packs = c / N;
    for (i64 p = first_index(); p < rows * packs; p += index_step()) {
      i64 row = p / packs;
      const T* from = x + row * 2 * c + (p - row * packs) * N;
      float a[N];
      float b[N];
      load_pack(from, a);
      load_pack(from + c, b);
#pragma unroll
      for (int j = 0; j < N; j++) a[j] *= gelu(b[j]);
      store_pack(y + p * N, a);
    }
  } else {
    for (i64 i = first_index(); i < rows * c; i += index_step()) {
      const T* from = x + i / c * 2 * c + i % c;
      y[i] = from_float<T>(to_float(from[0]) * gelu(to_float(from[c])));
    }
  }
}

template <class T>
DEVICE void geglu_backward(const T* x, const T* dy, T* dx, i64 rows, int c) {
  constexpr int N = PACK<T>;
  if (c % N == 0 && aligned16(x, dy, dx)) {
    int packs = c / N;
    for (i64 p = first_index(); p < rows * packs; p += index_step()) {
      i64 row = p / packs;
      i64 at = row * 2 * c + (p - row * packs) * N;
      float a[N];
      float b[N];
      float g[N];
      load_pack(x + at, a);
      load_pack(x + at + c, b);
      load_pack(dy + p * N, g);
#pragma unroll
      for (int j = 0; j < N; j++) {
        a[j] *= g[j] * gelu_slope(b[j]);
        b[j] = g[j] * gelu(b[j]);
      }
      store_pack(dx + at, b);
      store_pack(dx + at + c, a);
    }
  } else {
    for (i64 i = first_index(); i < rows * c; i += index_step()) {
      i64 at = i / c * 2 * c + i % c;
      float a = to_float(x[at]);
      float b = to_float(x[at + c]);
      float g = to_float(dy[i]);
      dx[at] = from_float<T>(g * gelu(b));
      dx[at + c] = from_float<T>(g * a * gelu_slope(b));
    }
  }
}

#define ROWS(NAME, T)                                                                                        \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                      \
      softmax_##NAME(const T* x, T* y, i64 rows, int c) {                                                    \
    softmax(x, y, rows, c);                                                                                  \
  }                                                                                                          \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                      \
      softmax_backward_##NAME(const T* y, const T* dy, T* dx, i64 rows, int c) {                             \
    softmax_backward(y, dy, dx, rows, c);                                                                    \
  }                                                                                                          \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                      \
      layer_norm_##NAME(const T* x, const T* gamma, const T* beta, T* y, float* mean, float* rstd, i64 rows, \
                        int c, float eps) {                                                                  \
    layer_norm(x, gamma, beta, y, mean, rstd, rows, c, eps);                                                 \
  }                                                                                                          \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                      \
      layer_norm_backward_##NAME(const T* x, const T* gamma, const float* mean, const float* rstd,           \
                                 const T* dy, T* dx, i64 rows, int c) {                                      \
    layer_norm_backward(x, gamma, mean, rstd, dy, dx, rows, c);                                              \
  }                                                                                                          \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                      \
      layer_norm_weights_##NAME(const T* x, const float* mean, const float* rstd, const T* dy,               \
                                float* partial, T* dgamma, T* dbeta, u32* done, i64 rows, int c,             \
                                i64 chunk) {                                                                 \
    layer_norm_weights(x, mean, rstd, dy, partial, dgamma, dbeta, done, rows, c, chunk);                     \
  }                                                                                                          \
  extern "C" __global__ void __launch_bounds__(THREADS) geglu_##NAME(const T* x, T* y, i64 rows, int c) {    \
    geglu(x, y, rows, c);                                                                                    \
  }                                                                                                          \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                      \
      geglu_backward_##NAME(const T* x, const T* dy, T* dx, i64 rows, int c) {                               \
    geglu_backward(x, dy, dx, rows, c);                                                                      \
  }

FOR_FLOATS(ROWS)
