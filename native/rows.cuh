// Rows [rows, c], a warp each. A row is read again for each pass: it is in the first-level cache by then.
#pragma once

// Calls body(column, values) for the elements of a row that this lane has, in packs where they fit.
template <class T, class Body>
DEVICE void for_row(const T* row, int c, Body body) {
  constexpr int N = PACK<T>;
  int lane = threadIdx.x & 31;
  int packs = aligned16(row) ? c / N : 0;
  for (int p = lane; p < packs; p += 32) {
    float v[N];
    load_pack(row + p * N, v);
#pragma unroll
    for (int j = 0; j < N; j++) body(p * N + j, v[j]);
  }
  for (int i = packs * N + lane; i < c; i += 32) body(i, to_float(row[i]));
}

// to = body(column, value), with packed stores where both rows allow it.
template <class T, class Body>
DEVICE void map_row(const T* row, T* to, int c, Body body) {
  constexpr int N = PACK<T>;
  int lane = threadIdx.x & 31;
  int packs = aligned16(row, to) ? c / N : 0;
  for (int p = lane; p < packs; p += 32) {
    float v[N];
    load_pack(row + p * N, v);
#pragma unroll
    for (int j = 0; j < N; j++) v[j] = body(p * N + j, v[j]);
    store_pack(to + p * N, v);
  }
  for (int i = packs * N + lane; i < c; i += 32) to[i] = from_float<T>(body(i, to_float(row[i])));
}

DEVICE i64 own_row() { return static_cast<i64>(blockIdx.x) * (THREADS / 32) + (threadIdx.x >> 5); }
