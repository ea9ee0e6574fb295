// A linear layer and the GEGLU behind it, by tensor cores: the layer's wide result, twice as wide as y, never leaves the
// registers. What cuBLASLt has no epilogue for.
#include "common.cuh"
#include "functions.cuh"
#include "tensor_cores.cuh"

constexpr int STAGES = 3;   // steps along k that are in shared memory
constexpr int DEPTH = 32;   // of a step: 64 bytes of a row
constexpr int CHUNKS = 4;   // of 16 bytes, in these
constexpr int ROWS = GEGLU_ROWS;
constexpr int COLUMNS = GEGLU_COLUMNS;
constexpr int TILE = ROWS * CHUNKS;  // chunks of an operand in a step; as many rows of w as of x
static_assert(ROWS == 2 * COLUMNS && ROWS == 4 * 32, "8 warps, 32 rows and 32 columns of y each");

// Where a chunk of a row is in a tile: any 8 rows' chunks that are loaded together are on banks of their own.
DEVICE int place(int row, int chunk) { return row * CHUNKS + (chunk ^ (row >> 1 & 3)); }

// The row of w [2c, k] whose products with x stand in row r of the tile, counted from the block's first column. Of each
// 64 rows a warp has 32 for 32 columns of y, and 32 for their gates. They take turns so that the sums of a lane, two of
// each eight rows, are of eight columns side by side.
DEVICE int column_of(int r) { return r / 64 * 32 + r % 8 / 2 * 8 + r % 32 / 8 * 2 + r % 2; }
DEVICE bool is_gate(int r) { return r % 64 >= 32; }

// y [rows, c] = a * gelu(g), where (a, g) = x [rows, k] * w [2c, k]^T + bias [2c]. k and c are multiples of 8, and all
// addresses of 16. Grid (tiles of rows, tiles of columns).
template <class T>
DEVICE void linear_geglu(const T* x, const T* w, const T* bias, T* y, int rows, int c, int k) {
  __shared__ __align__(16) uint4 left[STAGES][TILE];
  __shared__ __align__(16) uint4 right[STAGES][TILE];
  int t = threadIdx.x;
  int lane = t & 31;
  int first_row = blockIdx.x * ROWS;
  int first_column = blockIdx.y * COLUMNS;

  // A thread copies the same chunk of two rows of each operand, step after step.
  int chunk = t % CHUNKS;
  const T* from_x[2];
  const T* from_w[2];
  bool in_x[2];
  bool in_w[2];
#pragma unroll
  for (int i = 0; i < 2; i++) {
    int r = t / CHUNKS + i * ROWS / 2;
    int column = first_column + column_of(r);
    in_x[i] = first_row + r < rows;
    in_w[i] = column < c;
    from_x[i] = x + (in_x[i] ? static_cast<i64>(first_row + r) * k : 0);
    from_w[i] = w + (in_w[i] ? static_cast<i64>(is_gate(r) ? column + c : column) * k : 0);
  }
  Copies<STAGES, 4> copies;
  auto load = [&](int step) {
    int at = step * DEPTH + chunk * 8;
    bool inside = at < k;
#pragma unroll
    for (int i = 0; i < 2; i++) {
      int to = place(t / CHUNKS + i * ROWS / 2, chunk);
      copies.copy16(&left[step % STAGES][to], from_x[i] + (inside ? at : 0), inside && in_x[i]);
      copies.copy16(&right[step % STAGES][to], from_w[i] + (inside ? at : 0), inside && in_w[i]);
    }
  };

  float sum[2][8][4] = {};
  int row_of_x = t / 64 * 32 + lane % 16;
  int row_of_w = t / 32 % 2 * 64 + lane / 16 * 8 + lane % 8;
  auto multiply = [&](int stage) {
#pragma unroll
    for (int half = 0; half < 2; half++) {
      u32 a[2][4];
#pragma unroll
      for (int i = 0; i < 2; i++) {
        load_matrices(reinterpret_cast<const T*>(&left[stage][place(row_of_x + i * 16, half * 2 + lane / 16)]), a[i]);
      }
#pragma unroll
      for (int j = 0; j < 8; j += 2) {
        u32 b[4];
        load_matrices(reinterpret_cast<const T*>(&right[stage][place(row_of_w + j * 8, half * 2 + lane / 8 % 2)]), b);
#pragma unroll
        for (int i = 0; i < 2; i++) {
          add_product(T{}, a[i], b[0], b[1], sum[i][j]);
          add_product(T{}, a[i], b[2], b[3], sum[i][j + 1]);
        }
      }
    }
  };

  int steps = (k + DEPTH - 1) / DEPTH;
#pragma unroll
  for (int step = 0; step < STAGES - 1; step++) {
    if (step < steps) load(step);
    copies.close();
  }
  for (int step = 0; step < steps; step++) {
    copies.template wait<STAGES - 2>();
    __syncthreads();  // all copies of this step are there, and nobody reads what the next ones overwrite
    if (step + STAGES - 1 < steps) load(step + STAGES - 1);
    copies.close();
    multiply(step % STAGES);
  }

  int column = first_column + t / 32 % 2 * 32 + lane % 4 * 8;
  if (column >= c) return;
  float bias_a[8] = {};
  float bias_g[8] = {};
  if (bias) {
    load_pack(bias + column, bias_a);
    load_pack(bias + c + column, bias_g);
  }
#pragma unroll
  for (int i = 0; i < 2; i++) {
#pragma unroll
    for (int lower = 0; lower < 2; lower++) {
      int row = first_row + t / 64 * 32 + i * 16 + lower * 8 + lane / 4;
      if (row >= rows) continue;
      float v[8];
#pragma unroll
      for (int e = 0; e < 8; e++) {
        float a = sum[i][e / 2][lower * 2 + e % 2] + bias_a[e];
        v[e] = a * gelu(sum[i][4 + e / 2][lower * 2 + e % 2] + bias_g[e]);
      }
      store_pack(y + static_cast<i64>(row) * c + column, v);
    }
  }
}

#define LINEAR_GEGLU(NAME, T)                                                                                    \
  extern "C" __global__ void __launch_bounds__(THREADS, 2)                                                       \
      linear_geglu_##NAME(const T* x, const T* w, const T* bias, T* y, int rows, int c, int k) {                 \
    linear_geglu(x, w, bias, y, rows, c, k);                                                                     \
  }

LINEAR_GEGLU(bf16, bf16)
LINEAR_GEGLU(f16, f16)
