// Matrix products of any shape, and what may follow one: bias, residual, function.
#include "common.cuh"
#include "functions.cuh"
#include "tile.cuh"

// An operand [rows, depth], or [depth, rows] where !NEAR.
template <class T, bool NEAR>
struct Matrix {
  static constexpr bool COLUMNS_NEAR = NEAR;
  const T* data;
  int rows;
  int depth;

  DEVICE int row(int r) const { return r < rows ? r : -1; }
  DEVICE int column(int k) const { return k < depth ? k : -1; }
  DEVICE float at(int r, int k) const {
    if (r < 0 || k < 0) return 0.0f;
    return to_float(data[NEAR ? static_cast<i64>(r) * depth + k : static_cast<i64>(k) * rows + r]);
  }
};

// y [batch, m, n] = f(a [batch, m, k] * b [batch, k, n] + bias [n]); transposed operands are stored the other way
// round. One block for each tile: grid (tiles of n, tiles of m, batch).
template <class T, bool TRANSPOSE_A, bool TRANSPOSE_B>
DEVICE void matmul(const T* a, const T* b, const T* bias, T* y, int m, int n, int k, int f) {
  Matrix<T, !TRANSPOSE_A> left{a, m, k};
  Matrix<T, TRANSPOSE_B> right{b, n, k};
  tile_product(m, n, k, blockIdx.y, blockIdx.x, left, right, [=](int row, int column, float sum) {
    if (bias) sum += to_float(bias[column]);
    y[static_cast<i64>(row) * n + column] = from_float<T>(apply(f, sum));
  });
}

DEVICE i64 residual_at(i64 i, int c, i64 repeat) { return repeat == 1 ? i : i / (c * repeat) * c + i % c; }

// y = f(y + bias + residual), y [rows, c], where a library did the product alone. Each row of the residual is for
// `repeat` rows of y.
template <class T>
DEVICE void finish(T* y, const T* bias, const T* residual, i64 n, int c, i64 repeat, int f) {
  constexpr int N = PACK<T>;
  bool packed = c % N == 0 && aligned16(y, bias, residual);
  i64 packs = packed ? n / N : 0;
  for (i64 p = first_index(); p < packs; p += index_step()) {
    float v[N];
    float more[N];
    load_pack(y + p * N, v);
    if (bias) {
      load_pack(bias + p * N % c, more);
#pragma unroll
      for (int j = 0; j < N; j++) v[j] += more[j];
    }
    if (residual) {
      load_pack(residual + residual_at(p * N, c, repeat), more);
#pragma unroll
      for (int j = 0; j < N; j++) v[j] += more[j];
    }
#pragma unroll
    for (int j = 0; j < N; j++) v[j] = apply(f, v[j]);
    store_pack(y + p * N, v);
  }
  for (i64 i = packs * N + first_index(); i < n; i += index_step()) {
    float v = to_float(y[i]);
    if (bias) v += to_float(bias[i % c]);
    if (residual) v += to_float(residual[residual_at(i, c, repeat)]);
    y[i] = from_float<T>(apply(f, v));
  }
}

#define MATMUL(NAME, T)                                                                                     \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                     \
      matmul_##NAME(const T* a, const T* b, const T* bias, T* y, int batch, int m, int n, int k,            \
                    int transpose_a, int transpose_b, i64 stride_b, int f) {                                \
    i64 entry = blockIdx.z;                                                                                 \
    a += entry * m * k;                                                                                     \
    b += entry * stride_b;                                                                                  \
    y += entry * m * n;                                                                                     \
    if (transpose_a) {                                                                                      \
      if (transpose_b) {                                                                                    \
        matmul<T, true, true>(a, b, bias, y, m, n, k, f);                                                   \
      } else {                                                                                              \
        matmul<T, true, false>(a, b, bias, y, m, n, k, f);                                                  \
      }                                                                                                     \
    } else if (transpose_b) {                                                                               \
      matmul<T, false, true>(a, b, bias, y, m, n, k, f);                                                    \
    } else {                                                                                                \
      matmul<T, false, false>(a, b, bias, y, m, n, k, f);                                                   \
    }                                                                                                       \
  }                                                                                                         \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                     \
      finish_##NAME(T* y, const T* bias, const T* residual, i64 rows, int c, i64 repeat, int f) {           \
    finish(y, bias, residual, rows * c, c, repeat, f);                                                      \
  }

FOR_FLOATS(MATMUL)
