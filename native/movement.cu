// What moves elements and does not look at them, by size in bytes: slices, placements, permutations, rows by
// index. And the sums of rows by index, which do look.
#include "common.cuh"

template <class T>
DEVICE void copy(const T* x, T* y, const Box& box, i64 n) {
  for (i64 i = first_index(); i < n; i += index_step()) {
    i64 from = box.at_x;
    i64 to = box.at_y;
    u32 rest = static_cast<u32>(i);
    for (int axis = box.rank - 1; axis >= 0; axis--) {
      u32 next = rest / static_cast<u32>(box.dims[axis]);
      u32 k = rest - next * box.dims[axis];
      from += k * box.step_x[axis];
      to += k * box.step_y[axis];
      rest = next;
    }
    y[to] = x[from];
  }
}

// x [batch, rows, columns] -> y [batch, columns, rows], by tiles of 32 x 32 and blocks of 32 x 8 threads.
template <class T>
DEVICE void transpose(const T* x, T* y, int rows, int columns) {
  __shared__ T tile[32][33];
  const T* from = x + static_cast<i64>(blockIdx.z) * rows * columns;
  T* to = y + static_cast<i64>(blockIdx.z) * rows * columns;
  int column = blockIdx.x * 32 + threadIdx.x;
  int row = blockIdx.y * 32 + threadIdx.y;
#pragma unroll
  for (int k = 0; k < 32; k += 8) {
    if (row + k < rows && column < columns) {
      tile[threadIdx.y + k][threadIdx.x] = from[static_cast<i64>(row + k) * columns + column];
    }
  }
  __syncthreads();
  column = blockIdx.y * 32 + threadIdx.x;
  row = blockIdx.x * 32 + threadIdx.y;
#pragma unroll
  for (int k = 0; k < 32; k += 8) {
    if (row + k < columns && column < rows) {
      to[static_cast<i64>(row + k) * rows + column] = tile[threadIdx.x][threadIdx.y + k];
    }
  }
}

// y [rows, d] = rows of table [v, d]; zeros where an index is out of range.
template <class T, class I>
DEVICE void gather(const T* table, const I* indices, T* y, i64 rows, int d, i64 v, IndexFault* fault) {
  constexpr int N = 16 / sizeof(T);
  if (d % N == 0 && aligned16(table, y)) {
    int packs = d / N;
    for (i64 p = first_index(); p < rows * packs; p += index_step()) {
      i64 row = p / packs;
      i64 from = index_at(indices, row, v, GATHERED, fault);
      reinterpret_cast<uint4*>(y)[p] =
          from < 0 ? make_uint4(0, 0, 0, 0) : reinterpret_cast<const uint4*>(table)[from * packs + (p - row * packs)];
    }
  } else {
    for (i64 i = first_index(); i < rows * d; i += index_step()) {
      i64 from = index_at(indices, i / d, v, GATHERED, fault);
      y[i] = from < 0 ? T(0) : table[from * d + i % d];
    }
  }
}

#define GATHER(BYTES, T, NAME, I)                                                                   \
  extern "C" __global__ void __launch_bounds__(THREADS) gather_##BYTES##_##NAME(                    \
      const T* table, const I* indices, T* y, i64 rows, int d, i64 v, IndexFault* fault) {          \
    gather(table, indices, y, rows, d, v, fault);                                                   \
  }

#define MOVEMENT(BYTES, T)                                                                          \
  extern "C" __global__ void __launch_bounds__(THREADS)                                             \
      copy_##BYTES(const T* x, T* y, Box box, i64 n) {                                              \
    copy(x, y, box, n);                                                                             \
  }                                                                                                 \
  extern "C" __global__ void __launch_bounds__(THREADS)                                             \
      transpose_##BYTES(const T* x, T* y, int rows, int columns) {                                  \
    transpose(x, y, rows, columns);                                                                 \
  }                                                                                                 \
  GATHER(BYTES, T, i32, int)                                                                        \
  GATHER(BYTES, T, i64, i64)

MOVEMENT(1, u8)
MOVEMENT(2, unsigned short)
MOVEMENT(4, u32)
MOVEMENT(8, u64)

extern "C" __global__ void __launch_bounds__(THREADS) copy_16(const uint4* x, uint4* y, Box box, i64 n) {
  copy(x, y, box, n);
}

// dtable [v, d]: a warp for each row of the table looks through all indices and adds up, in their order, the
// rows of dy that name it. No atomic additions, so the sums never depend on which came first.
template <class T, class I>
DEVICE void gather_backward(const I* indices, const T* dy, T* dtable, i64 count, int d, i64 v, IndexFault* fault) {
  constexpr int N = 4;  // columns of a lane at a time
  i64 row = static_cast<i64>(blockIdx.x) * (THREADS / 32) + (threadIdx.x >> 5);
  if (row >= v) return;
  int lane = threadIdx.x & 31;
  if (row == 0) {
    for (i64 i = lane; i < count; i += 32) index_at(indices, i, v, GATHERED, fault);
  }
  for (int first = 0; first < d; first += 32 * N) {
    float sum[N] = {};
    for (i64 base = 0; base < count; base += 32) {
      bool named = base + lane < count && static_cast<i64>(indices[base + lane]) == row;
      u32 votes = __ballot_sync(0xFFFFFFFFu, named);
      while (votes != 0) {
        i64 at = base + __ffs(static_cast<int>(votes)) - 1;
        votes &= votes - 1;
#pragma unroll
        for (int j = 0; j < N; j++) {
          int column = first + j * 32 + lane;
          if (column < d) sum[j] += to_float(dy[at * d + column]);
        }
      }
    }
#pragma unroll
    for (int j = 0; j < N; j++) {
      int column = first + j * 32 + lane;
      if (column < d) dtable[row * d + column] = from_float<T>(sum[j]);
    }
  }
}

#define GATHER_BACKWARD(NAME, T)                                                                       \
  extern "C" __global__ void __launch_bounds__(THREADS) gather_backward_##NAME##_i32(                  \
      const int* indices, const T* dy, T* dtable, i64 count, int d, i64 v, IndexFault* fault) {        \
    gather_backward(indices, dy, dtable, count, d, v, fault);                                          \
  }                                                                                                    \
  extern "C" __global__ void __launch_bounds__(THREADS) gather_backward_##NAME##_i64(                  \
      const i64* indices, const T* dy, T* dtable, i64 count, int d, i64 v, IndexFault* fault) {        \
    gather_backward(indices, dy, dtable, count, d, v, fault);                                          \
  }

FOR_FLOATS(GATHER_BACKWARD)
