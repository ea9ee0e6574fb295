// A tile of 64 x 64 of a matrix product, by a block of 256 threads through shared memory, 4 x 4 sums a thread.
// For what the libraries refuse: products and convolutions in any shape, in f32 arithmetic.
#pragma once

constexpr int EDGE = TILE_EDGE;
constexpr int DEPTH = 16;

// A and B say how to read an operand: row(r) and column(k) work out once what belongs to a row and to a step along
// the sum, at(row, column) reads the element, zero outside. Where COLUMNS_NEAR, columns lie side by side in memory,
// else rows do. out(row of A, row of B, sum) takes a result.
template <class A, class B, class Out>
DEVICE void tile_product(int rows_a, int rows_b, int depth, int tile_a, int tile_b, A a, B b, Out out) {
  __shared__ __align__(16) float left[DEPTH][EDGE + 4];
  __shared__ __align__(16) float right[DEPTH][EDGE + 4];
  constexpr int EACH = EDGE * DEPTH / THREADS;
  int t = threadIdx.x;
  int first_a = tile_a * EDGE;
  int first_b = tile_b * EDGE;
  auto row_of = [t](bool near, int i) { return near ? t / DEPTH + i * (THREADS / DEPTH) : t % EDGE; };
  auto column_of = [t](bool near, int i) { return near ? t % DEPTH : t / EDGE + i * (THREADS / EDGE); };

  decltype(a.row(0)) rows_left[EACH];
  decltype(b.row(0)) rows_right[EACH];
#pragma unroll
  for (int i = 0; i < EACH; i++) {
    rows_left[i] = a.row(first_a + row_of(A::COLUMNS_NEAR, i));
    rows_right[i] = b.row(first_b + row_of(B::COLUMNS_NEAR, i));
  }
  float sum[4][4] = {};
  int y = t / 16 * 4;
  int x = t % 16 * 4;
  for (int k = 0; k < depth; k += DEPTH) {
#pragma unroll
    for (int i = 0; i < EACH; i++) {
      int c = column_of(A::COLUMNS_NEAR, i);
      left[c][row_of(A::COLUMNS_NEAR, i)] = a.at(rows_left[i], a.column(k + c));
    }
#pragma unroll
    for (int i = 0; i < EACH; i++) {
      int c = column_of(B::COLUMNS_NEAR, i);
      right[c][row_of(B::COLUMNS_NEAR, i)] = b.at(rows_right[i], b.column(k + c));
    }
    __syncthreads();
#pragma unroll
    for (int c = 0; c < DEPTH; c++) {
      float u[4];
      float v[4];
      load_pack(&left[c][y], u);
      load_pack(&right[c][x], v);
#pragma unroll
      for (int i = 0; i < 4; i++) {
#pragma unroll
        for (int j = 0; j < 4; j++) sum[i][j] = fmaf(u[i], v[j], sum[i][j]);
      }
    }
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < 4; i++) {
#pragma unroll
    for (int j = 0; j < 4; j++) {
      if (first_a + y + i < rows_a && first_b + x + j < rows_b) out(first_a + y + i, first_b + x + j, sum[i][j]);
    }
  }
}
