// Attention by tiles that never leave the chip, forward and backward: q [n, t, h, d], k and v [n, s, h, d], any
// lengths, d up to 512. For what the library refuses.
//
// A block of 8 warps keeps rows of one side (its own) in shared memory and walks over the other side in tiles of
// 32 rows; a warp has R of the own rows, and each of its lanes one row of the tile. Kernels come for the largest d
// that they serve, as sums over d live in registers.
#include "common.cuh"

constexpr int WARPS = THREADS / 32;
constexpr int ROWS = ATTENTION_ROWS;  // of a tile

struct Sizes {
  int t, s, h, d;
};

// Rows first ... first + count of the head's slice of x [n, length, h, d], as floats with a stride of d + 1, which
// keeps lanes on different banks. Rows outside are zero.
template <class T>
DEVICE void load_rows(const T* x, float* to, int first, int count, int length, int h, int d) {
  const T* from = x + (static_cast<i64>(blockIdx.z) * length * h + blockIdx.y) * d;
  for (int i = threadIdx.x; i < count * d; i += THREADS) {
    int row = i / d;
    int e = i - row * d;
    float v = 0.0f;
    if (first + row < length) v = to_float(from[static_cast<i64>(first + row) * h * d + e]);
    to[row * (d + 1) + e] = v;
  }
}

// sum[r] = dot products of own rows with the lane's row of the tile.
template <int R>
DEVICE void dots(const float* own, const float* tile, int d, float (&sum)[R]) {
  int warp = threadIdx.x >> 5;
  const float* mine = tile + (threadIdx.x & 31) * (d + 1);
#pragma unroll
  for (int r = 0; r < R; r++) sum[r] = 0.0f;
#pragma unroll 4
  for (int e = 0; e < d; e++) {
#pragma unroll
    for (int r = 0; r < R; r++) sum[r] = fmaf(own[(warp * R + r) * (d + 1) + e], mine[e], sum[r]);
  }
}

// out[r][i] += sum over the tile's rows j of weight[r] (of lane j) * tile[j][lane + 32 i].
template <int R, int N>
DEVICE void add_rows(const float (&weight)[R], const float* tile, int d, float (&out)[R][N]) {
  int lane = threadIdx.x & 31;
#pragma unroll 2
  for (int j = 0; j < ROWS; j++) {
    float w[R];
#pragma unroll
    for (int r = 0; r < R; r++) w[r] = __shfl_sync(0xFFFFFFFFu, weight[r], j);
#pragma unroll
    for (int i = 0; i < N; i++) {
      float v = lane + 32 * i < d ? tile[j * (d + 1) + lane + 32 * i] : 0.0f;
#pragma unroll
      for (int r = 0; r < R; r++) out[r][i] = fmaf(w[r], v, out[r][i]);
    }
  }
}

template <class T, int R, int N>
DEVICE void store_rows(T* x, const float (&v)[R][N], int first, int length, int h, int d) {
  T* to = x + (static_cast<i64>(blockIdx.z) * length * h + blockIdx.y) * d;
  int row = first + static_cast<int>(threadIdx.x >> 5) * R;
  int lane = threadIdx.x & 31;
#pragma unroll
  for (int r = 0; r < R; r++) {
#pragma unroll
    for (int i = 0; i < N; i++) {
      int e = lane + 32 * i;
      if (row + r < length && e < d) to[static_cast<i64>(row + r) * h * d + e] = from_float<T>(v[r][i]);
    }
  }
}

DEVICE i64 state_index(const Sizes& z, int t) {
  return (static_cast<i64>(blockIdx.z) * z.h + blockIdx.y) * z.t + t;
}

// y and the logarithm of each softmax's denominator; state may be null. A warp has QUERIES queries: grid (ceil(t / 8
// QUERIES), h, n), shared memory (8 QUERIES + 32) (d + 1) floats, which the smallest GPUs have: 99 KiB.
template <class T, int N, int QUERIES>
DEVICE void attention(const T* q, const T* k, const T* v, T* y, float* state, Sizes z, float scale, bool causal) {
  DYNAMIC_SHARED(float, rows);
  float* tile = rows + WARPS * QUERIES * (z.d + 1);
  int first = blockIdx.x * WARPS * QUERIES;
  int own = first + static_cast<int>(threadIdx.x >> 5) * QUERIES;
  int lane = threadIdx.x & 31;
  int keys = causal && first + WARPS * QUERIES < z.s ? first + WARPS * QUERIES : z.s;
  load_rows(q, rows, first, WARPS * QUERIES, z.t, z.h, z.d);
  float out[QUERIES][N] = {};
  float top[QUERIES];
  float sum[QUERIES] = {};
#pragma unroll
  for (int r = 0; r < QUERIES; r++) top[r] = -__int_as_float(0x7F800000);
  for (int key = 0; key < keys; key += ROWS) {
    __syncthreads();
    load_rows(k, tile, key, ROWS, z.s, z.h, z.d);
    __syncthreads();
    float p[QUERIES];
    dots(rows, tile, z.d, p);
    __syncthreads();
    load_rows(v, tile, key, ROWS, z.s, z.h, z.d);
#pragma unroll
    for (int r = 0; r < QUERIES; r++) {
      bool seen = key + lane < z.s && (!causal || key + lane <= own + r);
      float score = seen ? p[r] * scale : -__int_as_float(0x7F800000);
      float higher = fmaxf(top[r], warp_max(score));
      // A tile that a query does not see at all leaves it as it was.
      float shrink = higher == top[r] ? 1.0f : expf(top[r] - higher);
      p[r] = seen ? expf(score - higher) : 0.0f;
      sum[r] = sum[r] * shrink + warp_sum(p[r]);
      top[r] = higher;
#pragma unroll
      for (int i = 0; i < N; i++) out[r][i] *= shrink;
    }
    __syncthreads();
    add_rows(p, tile, z.d, out);
  }
#pragma unroll
  for (int r = 0; r < QUERIES; r++) {
#pragma unroll
    for (int i = 0; i < N; i++) out[r][i] /= sum[r];
    if (state && lane == 0 && own + r < z.t) state[state_index(z, own + r)] = top[r] + logf(sum[r]);
  }
  store_rows(y, out, first, z.t, z.h, z.d);
}

// delta [n, h, t] = sum over d of y * dy: a warp for each row of [n, t, h].
template <class T>
DEVICE void attention_delta(const T* y, const T* dy, float* delta, int n, int t, int h, int d) {
  i64 row = static_cast<i64>(blockIdx.x) * WARPS + (threadIdx.x >> 5);
  if (row >= static_cast<i64>(n) * t * h) return;
  int lane = threadIdx.x & 31;
  float sum = 0.0f;
  for (int e = lane; e < d; e += 32) sum = fmaf(to_float(y[row * d + e]), to_float(dy[row * d + e]), sum);
  sum = warp_sum(sum);
  i64 line = row / h;
  if (lane == 0) delta[(line / t * h + row % h) * t + line % t] = sum;
}

// With p the softmax and ds = scale * p * (dy v - delta): the own side is the queries, and dq = sum ds k; or the
// keys, and dk = sum ds q, dv = sum p dy. grid (ceil(rows of the own side / 8 R), h, n), shared memory
// (16 R + 32) (d + 1) floats: one tile at a time, so that 99 KiB are enough.
template <class T, int N, int R, bool KEYS>
DEVICE void backward(const T* q, const T* k, const T* v, const T* dy, const float* state, const float* delta, T* d1,
                     T* d2, Sizes z, float scale, bool causal) {
  DYNAMIC_SHARED(float, rows);
  constexpr int OWN = WARPS * R;
  int stride = z.d + 1;
  float* own1 = rows;
  float* own2 = own1 + OWN * stride;
  float* tile = own2 + OWN * stride;
  int own_length = KEYS ? z.s : z.t;
  int tile_length = KEYS ? z.t : z.s;
  int first = blockIdx.x * OWN;
  int own = first + static_cast<int>(threadIdx.x >> 5) * R;
  int lane = threadIdx.x & 31;
  load_rows(KEYS ? k : q, own1, first, OWN, own_length, z.h, z.d);
  load_rows(KEYS ? v : dy, own2, first, OWN, own_length, z.h, z.d);
  // Queries see keys up to their own number.
  int begin = KEYS && causal ? first / ROWS * ROWS : 0;
  int end = !KEYS && causal && first + OWN < z.s ? first + OWN : tile_length;
  float out1[R][N] = {};
  float out2[R][KEYS ? N : 1] = {};
  for (int at = begin; at < end; at += ROWS) {
    __syncthreads();
    load_rows(KEYS ? q : k, tile, at, ROWS, tile_length, z.h, z.d);
    __syncthreads();
    float p[R];
    float ds[R];
    dots(own1, tile, z.d, p);
    __syncthreads();
    load_rows(KEYS ? dy : v, tile, at, ROWS, tile_length, z.h, z.d);
    __syncthreads();
    dots(own2, tile, z.d, ds);
#pragma unroll
    for (int r = 0; r < R; r++) {
      int query = KEYS ? at + lane : own + r;
      int key = KEYS ? own + r : at + lane;
      bool seen = query < z.t && key < z.s && (!causal || key <= query);
      float log = 0.0f;
      float weighted = 0.0f;
      if (seen) {
        log = state[state_index(z, query)];
        weighted = delta[state_index(z, query)];
      }
      p[r] = seen ? expf(p[r] * scale - log) : 0.0f;
      ds[r] = seen ? scale * p[r] * (ds[r] - weighted) : 0.0f;
    }
    if constexpr (KEYS) add_rows(p, tile, z.d, out2);
    __syncthreads();
    load_rows(KEYS ? q : k, tile, at, ROWS, tile_length, z.h, z.d);
    __syncthreads();
    add_rows(ds, tile, z.d, out1);
  }
  store_rows(d1, out1, first, own_length, z.h, z.d);
  if constexpr (KEYS) store_rows(d2, out2, first, own_length, z.h, z.d);
}

// The number at the end of a name is the largest d; a warp has R own rows.
#define ATTENTION_OF(NAME, T, D, R)                                                                                  \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                              \
      attention_##NAME##_##D(const T* q, const T* k, const T* v, T* y, float* state, int n, int t, int s, int h,     \
                             int d, float scale, int causal) {                                                       \
    attention<T, D / 32, R>(q, k, v, y, state, Sizes{t, s, h, d}, scale, causal);                                       \
  }                                                                                                                  \
  extern "C" __global__ void __launch_bounds__(THREADS) attention_backward_query_##NAME##_##D(                       \
      const T* q, const T* k, const T* v, const T* dy, const float* state, const float* delta, T* dq, int n, int t,  \
      int s, int h, int d, float scale, int causal) {                                                                \
    T* none = nullptr;                                                                                               \
    backward<T, D / 32, R, false>(q, k, v, dy, state, delta, dq, none, Sizes{t, s, h, d}, scale, causal);            \
  }                                                                                                                  \
  extern "C" __global__ void __launch_bounds__(THREADS) attention_backward_key_##NAME##_##D(                         \
      const T* q, const T* k, const T* v, const T* dy, const float* state, const float* delta, T* dk, T* dv, int n,  \
      int t, int s, int h, int d, float scale, int causal) {                                                         \
    backward<T, D / 32, R, true>(q, k, v, dy, state, delta, dk, dv, Sizes{t, s, h, d}, scale, causal);               \
  }

#define ATTENTION(NAME, T)                                                                                           \
  ATTENTION_OF(NAME, T, 64, 4)                                                                                       \
  ATTENTION_OF(NAME, T, 128, 4)                                                                                      \
  ATTENTION_OF(NAME, T, 256, 4)                                                                                      \
  ATTENTION_OF(NAME, T, 512, 1)                                                                                      \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                              \
      attention_delta_##NAME(const T* y, const T* dy, float* delta, int n, int t, int h, int d) {                    \
    attention_delta(y, dy, delta, n, t, h, d);                                                                       \
  }

FOR_FLOATS(ATTENTION)
