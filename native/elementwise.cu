// Functions of element i of everything: unary functions, affine maps, mixes, and binary operations with
// broadcasting. A destination may be one of the sources.
#include "common.cuh"
#include "functions.cuh"

template <class T, class F>
DEVICE void map(const T* x, T* y, i64 n, F f) {
  constexpr int N = PACK<T>;
  i64 packs = aligned16(x, y) ? n / N : 0;
  for (i64 p = first_index(); p < packs; p += index_step()) {
    float v[N];
    load_pack(x + p * N, v);
#pragma unroll
    for (int j = 0; j < N; j++) v[j] = f(v[j]);
    store_pack(y + p * N, v);
  }
  for (i64 i = packs * N + first_index(); i < n; i += index_step()) {
    y[i] = from_float<T>(f(to_float(x[i])));
  }
}

template <class T, class F>
DEVICE void map(const T* a, const T* b, T* y, i64 n, F f) {
  constexpr int N = PACK<T>;
  i64 packs = aligned16(a, b, y) ? n / N : 0;
  for (i64 p = first_index(); p < packs; p += index_step()) {
    float u[N];
    float v[N];
    load_pack(a + p * N, u);
    load_pack(b + p * N, v);
#pragma unroll
    for (int j = 0; j < N; j++) v[j] = f(u[j], v[j]);
    store_pack(y + p * N, v);
  }
  for (i64 i = packs * N + first_index(); i < n; i += index_step()) {
    y[i] = from_float<T>(f(to_float(a[i]), to_float(b[i])));
  }
}

template <class T>
DEVICE void load_along(const T* from, int step, float (&v)[PACK<T>]) {
  if (step == 0) {
    float one = to_float(*from);
#pragma unroll
    for (int j = 0; j < PACK<T>; j++) v[j] = one;
  } else {
    load_pack(from, v);
  }
}

// Finds the elements of a and b that belong to element `at` of y, whose last axis has `last` steps.
DEVICE void locate(const Broadcast& s, u32 at, u32 last, u32 width, u32& a, u32& b) {
  u32 rest = at / last;
  u32 i = at - rest * last;
  a = i * width * s.step_a[s.rank - 1];
  b = i * width * s.step_b[s.rank - 1];
  for (int axis = s.rank - 2; axis >= 0; axis--) {
    u32 next = rest / static_cast<u32>(s.dims[axis]);
    u32 k = rest - next * s.dims[axis];
    a += k * s.step_a[axis];
    b += k * s.step_b[axis];
    rest = next;
  }
}

template <class T, class F>
DEVICE void broadcast(const T* a, const T* b, T* y, u32 n, const Broadcast& s, F f) {
  constexpr int N = PACK<T>;
  u32 last = s.dims[s.rank - 1];
  bool packed = aligned16(a, b, y) && last % N == 0;
  for (int axis = 0; axis < s.rank - 1; axis++) {
    // A broadcast last axis reads single elements, from wherever they are.
    packed = packed && (s.step_a[s.rank - 1] == 0 || s.step_a[axis] % N == 0);
    packed = packed && (s.step_b[s.rank - 1] == 0 || s.step_b[axis] % N == 0);
  }
  u32 at_a;
  u32 at_b;
  if (packed) {
    for (i64 p = first_index(); p < n / N; p += index_step()) {
      locate(s, static_cast<u32>(p), last / N, N, at_a, at_b);
      float u[N];
      float v[N];
      load_along(a + at_a, s.step_a[s.rank - 1], u);
      load_along(b + at_b, s.step_b[s.rank - 1], v);
#pragma unroll
      for (int j = 0; j < N; j++) v[j] = f(u[j], v[j]);
      store_pack(y + p * N, v);
    }
  } else {
    for (i64 i = first_index(); i < n; i += index_step()) {
      locate(s, static_cast<u32>(i), last, 1, at_a, at_b);
      y[i] = from_float<T>(f(to_float(a[at_a]), to_float(b[at_b])));
    }
  }
}

DEVICE bool chosen(float m) { return m != 0.0f; }
DEVICE bool chosen(bf16 m) { return (m.bits & 0x7FFF) != 0; }
DEVICE bool chosen(f16 m) { return (m.bits & 0x7FFF) != 0; }
DEVICE bool chosen(u8 m) { return m != 0; }

// y = a where the mask is not zero, else b; null stands for zeros.
template <class M, class T>
DEVICE void select(const M* mask, const T* a, const T* b, T* y, i64 n) {
  for (i64 i = first_index(); i < n; i += index_step()) {
    const T* from = chosen(mask[i]) ? a : b;
    y[i] = from ? from[i] : T{};
  }
}

#define SELECT(MASK, M, NAME, T)                                                                  \
  extern "C" __global__ void __launch_bounds__(THREADS)                                           \
      select_##MASK##_##NAME(const M* mask, const T* a, const T* b, T* y, i64 n) {                \
    select(mask, a, b, y, n);                                                                     \
  }

#define SELECT_FOR(NAME, T) SELECT(NAME, T, NAME, T) SELECT(u8, u8, NAME, T)

FOR_FLOATS(SELECT_FOR)

#define ELEMENTWISE(NAME, T)                                                                      \
  extern "C" __global__ void __launch_bounds__(THREADS)                                           \
      unary_##NAME(int f, const T* x, T* y, i64 n) {                                              \
    with_function(f, [&](auto chosen) {                                                           \
      map(x, y, n, [](float v) { return value<decltype(chosen)::value, T>(v); });                 \
    });                                                                                           \
  }                                                                                               \
  extern "C" __global__ void __launch_bounds__(THREADS)                                           \
      unary_backward_##NAME(int f, const T* x, const T* dy, T* dx, i64 n) {                       \
    with_function(f, [&](auto chosen) {                                                           \
      map(x, dy, dx, n,                                                                           \
          [](float v, float g) { return slope<decltype(chosen)::value, T>(v) * g; });             \
    });                                                                                           \
  }                                                                                               \
  extern "C" __global__ void __launch_bounds__(THREADS)                                           \
      affine_##NAME(const T* x, float scale, float shift, T* y, i64 n) {                          \
    map(x, y, n, [=](float v) { return fmaf(scale, v, shift); });                                 \
  }                                                                                               \
  extern "C" __global__ void __launch_bounds__(THREADS)                                           \
      mix_##NAME(const T* a, float scale_a, const T* b, float scale_b, T* y, i64 n) {             \
    map(a, b, y, n, [=](float u, float v) { return fmaf(u, scale_a, v * scale_b); });             \
  }                                                                                               \
  extern "C" __global__ void __launch_bounds__(THREADS)                                           \
      binary_##NAME(int f, const T* a, const T* b, T* y, i64 n) {                                 \
    with_binary(f, [&](auto chosen) { map(a, b, y, n, chosen); });                                \
  }                                                                                               \
  extern "C" __global__ void __launch_bounds__(THREADS)                                           \
      broadcast_##NAME(int f, const T* a, const T* b, T* y, i64 n, Broadcast s) {                 \
    with_binary(f, [&](auto chosen) {                                                             \
      broadcast(a, b, y, static_cast<u32>(n), s, chosen);                                         \
    });                                                                                           \
  }

FOR_FLOATS(ELEMENTWISE)
