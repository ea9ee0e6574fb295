// Casts between all types, and fills. Floating stores round to nearest even by way of f32; integer stores
// round to nearest even and saturate, NaN becoming 0, as nacre.tensor.reference.Elements does.
#include "common.cuh"

template <class T>
struct Kind {
  static constexpr bool floating = false;
};
template <>
struct Kind<float> {
  static constexpr bool floating = true;
};
template <>
struct Kind<bf16> {
  static constexpr bool floating = true;
};
template <>
struct Kind<f16> {
  static constexpr bool floating = true;
};

DEVICE i64 saturate(i64 v, i64 low, i64 high) { return v < low ? low : v > high ? high : v; }

DEVICE void narrow(i64 v, int& y) { y = static_cast<int>(saturate(v, -2147483648LL, 2147483647LL)); }
DEVICE void narrow(i64 v, i64& y) { y = v; }
DEVICE void narrow(i64 v, u8& y) { y = static_cast<u8>(saturate(v, 0, 255)); }

DEVICE i64 to_integer(float v) {
  if (v != v) return 0;
  if (v >= 9223372036854775808.0f) return 9223372036854775807LL;
  if (v <= -9223372036854775808.0f) return -9223372036854775807LL - 1;
  return static_cast<i64>(rintf(v));
}

template <class S, class D>
DEVICE D convert(S v) {
  if constexpr (Kind<S>::floating && Kind<D>::floating) {
    return from_float<D>(to_float(v));
  } else if constexpr (Kind<S>::floating) {
    D y;
    narrow(to_integer(to_float(v)), y);
    return y;
  } else if constexpr (Kind<D>::floating) {
    return from_float<D>(static_cast<float>(static_cast<double>(v)));
  } else {
    D y;
    narrow(static_cast<i64>(v), y);
    return y;
  }
}

template <class T>
struct alignas(sizeof(T) * 4) Four {
  T v[4];
};

template <class S, class D>
DEVICE void cast(const S* x, D* y, i64 n) {
  u64 offsets = reinterpret_cast<u64>(x) % sizeof(Four<S>) | reinterpret_cast<u64>(y) % sizeof(Four<D>);
  i64 fours = offsets == 0 ? n / 4 : 0;
  for (i64 i = first_index(); i < fours; i += index_step()) {
    Four<S> from = reinterpret_cast<const Four<S>*>(x)[i];
    Four<D> to;
#pragma unroll
    for (int j = 0; j < 4; j++) to.v[j] = convert<S, D>(from.v[j]);
    reinterpret_cast<Four<D>*>(y)[i] = to;
  }
  for (i64 i = fours * 4 + first_index(); i < n; i += index_step()) y[i] = convert<S, D>(x[i]);
}

#define CAST(FROM, S, TO, D)                            \
  extern "C" __global__ void __launch_bounds__(THREADS) \
      cast_##FROM##_##TO(const S* x, D* y, i64 n) {     \
    cast(x, y, n);                                      \
  }

#define CAST_FROM(FROM, S)    \
  CAST(FROM, S, f32, float)   \
  CAST(FROM, S, bf16, bf16)   \
  CAST(FROM, S, f16, f16)     \
  CAST(FROM, S, i32, int)     \
  CAST(FROM, S, i64, i64)     \
  CAST(FROM, S, u8, u8)

CAST_FROM(f32, float)
CAST_FROM(bf16, bf16)
CAST_FROM(f16, f16)
CAST_FROM(i32, int)
CAST_FROM(i64, i64)
CAST_FROM(u8, u8)

template <class T>
DEVICE void fill(T* y, T bits, i64 n) {
  for (i64 i = first_index(); i < n; i += index_step()) y[i] = bits;
}

// Elements of so many bytes, all with the low bits of the given pattern.
#define FILL(BYTES, T)                                                                               \
  extern "C" __global__ void __launch_bounds__(THREADS) fill_##BYTES(T* y, u64 bits, i64 n) {        \
    fill(y, static_cast<T>(bits), n);                                                                \
  }

FILL(1, u8)
FILL(2, unsigned short)
FILL(4, u32)
FILL(8, u64)
