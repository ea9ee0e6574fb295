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

// The same with the elements of two more rows, a and b, which are read in packs as well: body(value, a's, b's).
template <class T, class Body>
DEVICE void for_row_with(const T* row, const T* a, const T* b, int c, Body body) {
  constexpr int N = PACK<T>;
  int lane = threadIdx.x & 31;
  int packs = aligned16(row, a, b) ? c / N : 0;
  for (int p = lane; p < packs; p += 32) {
    float v[N];
    float va[N];
    float vb[N];
    load_pack(row + p * N, v);
    load_pack(a + p * N, va);
    load_pack(b + p * N, vb);
#pragma unroll
    for (int j = 0; j < N; j++) body(v[j], va[j], vb[j]);
  }
  for (int i = packs * N + lane; i < c; i += 32) body(to_float(row[i]), to_float(a[i]), to_float(b[i]));
}

template <class T, class Body>
DEVICE void map_row_with(const T* row, const T* a, const T* b, T* to, int c, Body body) {
  constexpr int N = PACK<T>;
  int lane = threadIdx.x & 31;
  int packs = aligned16(row, a, b) && aligned16(to) ? c / N : 0;
  for (int p = lane; p < packs; p += 32) {
    float v[N];
    float va[N];
    float vb[N];
    load_pack(row + p * N, v);
    load_pack(a + p * N, va);
    load_pack(b + p * N, vb);
#pragma unroll
    for (int j = 0; j < N; j++) v[j] = body(v[j], va[j], vb[j]);
    store_pack(to + p * N, v);
  }
  for (int i = packs * N + lane; i < c; i += 32) {
    to[i] = from_float<T>(body(to_float(row[i]), to_float(a[i]), to_float(b[i])));
  }
}

DEVICE i64 own_row() { return static_cast<i64>(blockIdx.x) * (THREADS / 32) + (threadIdx.x >> 5); }
