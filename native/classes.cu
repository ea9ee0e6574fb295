// What is computed of rows of scores [rows, c], one score a class: where the largest stands, and the
// cross-entropy of softmax with a class a row.
#include "common.cuh"
#include "rows.cuh"

// Whether score v at i goes before score w at j: the larger one, of equals the first, NaN above all.
DEVICE bool before(float v, int i, float w, int j) {
  bool v_none = v != v;
  bool w_none = w != w;
  if (v_none || w_none) return v_none && (!w_none || i < j);
  return v > w || (v == w && i < j);
}

template <class T>
DEVICE void argmax(const T* x, int* y, i64 rows, int c) {
  i64 row = own_row();
  if (row >= rows) return;
  float best = -__int_as_float(0x7F800000);
  int at = c;  // behind all that there are
  for_row(x + row * c, c, [&](int i, float v) {
    if (before(v, i, best, at)) {
      best = v;
      at = i;
    }
  });
#pragma unroll
  for (int off = 16; off > 0; off >>= 1) {
    float other = __shfl_xor_sync(0xFFFFFFFFu, best, off);
    int there = __shfl_xor_sync(0xFFFFFFFFu, at, off);
    if (before(other, there, best, at)) {
      best = other;
      at = there;
    }
  }
  if ((threadIdx.x & 31) == 0) y[row] = at;
}

// The largest of a row, and the sum of e^(v - largest).
template <class T>
DEVICE void denominator(const T* from, int c, float& top, float& sum) {
  top = -__int_as_float(0x7F800000);
  for_row(from, c, [&](int, float v) { top = fmaxf(top, v); });
  top = warp_max(top);
  sum = 0.0f;
  for_row(from, c, [&](int, float v) { sum += expf(v - top); });
  sum = warp_sum(sum);
}

template <class T, class I>
DEVICE void cross_entropy(const T* x, const I* targets, float* losses, i64 rows, int c, IndexFault* fault) {
  i64 row = own_row();
  if (row >= rows) return;
  const T* from = x + row * c;
  float top;
  float sum;
  denominator(from, c, top, sum);
  if ((threadIdx.x & 31) == 0) {
    i64 target = index_at(targets, row, c, CROSS_ENTROPY_TARGET, fault);
    losses[row] = target < 0 ? 0.0f : logf(sum) + (top - to_float(from[target]));
  }
}

template <class T, class I>
DEVICE void cross_entropy_backward(const T* x, const I* targets, const float* dy, T* dx, i64 rows, int c,
                                   float one_of_rows, IndexFault* fault) {
  i64 row = own_row();
  if (row >= rows) return;
  const T* from = x + row * c;
  float top;
  float sum;
  denominator(from, c, top, sum);
  float factor = *dy * one_of_rows;
  int target = static_cast<int>(index_at(targets, row, c, CROSS_ENTROPY_TARGET, fault));
  map_row(from, dx + row * c, c, [&](int i, float v) {
    return factor * (expf(v - top) / sum - (i == target ? 1.0f : 0.0f));
  });
}

#define CROSS_ENTROPY(NAME, T, INDEX, I)                                                                  \
  extern "C" __global__ void __launch_bounds__(THREADS) cross_entropy_##INDEX##_##NAME(                   \
      const T* x, const I* targets, float* losses, i64 rows, int c, IndexFault* fault) {                  \
    cross_entropy(x, targets, losses, rows, c, fault);                                                    \
  }                                                                                                       \
  extern "C" __global__ void __launch_bounds__(THREADS) cross_entropy_backward_##INDEX##_##NAME(          \
      const T* x, const I* targets, const float* dy, T* dx, i64 rows, int c, float one_of_rows,           \
      IndexFault* fault) {                                                                                \
    cross_entropy_backward(x, targets, dy, dx, rows, c, one_of_rows, fault);                              \
  }

#define CLASSES(NAME, T)                                                                                  \
  extern "C" __global__ void __launch_bounds__(THREADS) argmax_##NAME(const T* x, int* y, i64 rows, int c) { \
    argmax(x, y, rows, c);                                                                                \
  }                                                                                                       \
  CROSS_ENTROPY(NAME, T, i32, int)                                                                        \
  CROSS_ENTROPY(NAME, T, i64, i64)

FOR_FLOATS(CLASSES)
