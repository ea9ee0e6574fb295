// Philox 4x32-10 by element number, bit for bit the numbers of nacre.tensor.Philox on the CPU: every f64
// operation is rounded by itself (the __d*_rn functions are never fused), in the order written there.
#include "common.cuh"

struct Words {
  u32 w[4];
};

DEVICE Words philox(u64 seed, u64 stream, u64 block) {
  u32 c0 = static_cast<u32>(block);
  u32 c1 = static_cast<u32>(block >> 32);
  u32 c2 = static_cast<u32>(stream);
  u32 c3 = static_cast<u32>(stream >> 32);
  u32 k0 = static_cast<u32>(seed);
  u32 k1 = static_cast<u32>(seed >> 32);
#pragma unroll
  for (int round = 0; round < 10; round++) {
    u64 p0 = static_cast<u64>(0xD2511F53u) * c0;
    u64 p1 = static_cast<u64>(0xCD9E8D57u) * c2;
    c0 = static_cast<u32>(p1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<u32>(p1);
    c2 = static_cast<u32>(p0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<u32>(p0);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return Words{{c0, c1, c2, c3}};
}

DEVICE int numerator(u32 word) { return static_cast<int>(word >> 8) + 1; }

DEVICE double times(double a, double b) { return __dmul_rn(a, b); }
DEVICE double plus(double a, double b) { return __dadd_rn(a, b); }

// sqrt(-2 ln u), u = k / 2^24.
DEVICE double radius(int k) {
  int exponent = 31 - __clz(k);
  double m = __ddiv_rn(static_cast<double>(k), static_cast<double>(1 << exponent));
  exponent -= 24;
  if (m > 1.4142135623730951) {
    m = times(m, 0.5);
    exponent++;
  }
  double s = __ddiv_rn(plus(m, -1.0), plus(m, 1.0));
  double z = times(s, s);
  double p = 1.0 / 21;
#pragma unroll
  for (int n = 19; n >= 1; n -= 2) p = plus(times(p, z), 1.0 / n);
  double log = plus(times(exponent, 0.6931471805599453), times(times(2.0, s), p));
  return __dsqrt_rn(times(-2.0, log));
}

// The cosine (quarters = 1) or sine (0) of 2 pi k / 2^24.
DEVICE double turn(int k, int quarters) {
  int q = (k + (1 << 21)) >> 22;
  double theta = times(k - (q << 22), 6.283185307179586 * (1.0 / 16777216.0));
  double z = times(theta, theta);
  int quadrant = (q + quarters) & 3;
  double v;
  if (quadrant & 1) {
    double p = 1.0 / 20922789888000.0;
    p = plus(times(p, z), -(1.0 / 87178291200.0));
    p = plus(times(p, z), 1.0 / 479001600.0);
    p = plus(times(p, z), -(1.0 / 3628800.0));
    p = plus(times(p, z), 1.0 / 40320.0);
    p = plus(times(p, z), -(1.0 / 720.0));
    p = plus(times(p, z), 1.0 / 24.0);
    p = plus(times(p, z), -0.5);
    v = plus(times(p, z), 1.0);
  } else {
    double p = 1.0 / 355687428096000.0;
    p = plus(times(p, z), -(1.0 / 1307674368000.0));
    p = plus(times(p, z), 1.0 / 6227020800.0);
    p = plus(times(p, z), -(1.0 / 39916800.0));
    p = plus(times(p, z), 1.0 / 362880.0);
    p = plus(times(p, z), -(1.0 / 5040.0));
    p = plus(times(p, z), 1.0 / 120.0);
    p = plus(times(p, z), -(1.0 / 6.0));
    p = plus(times(p, z), 1.0);
    v = times(p, theta);
  }
  return quadrant >= 2 ? -v : v;
}

// A thread makes the four numbers of one block of words.
template <class Numbers>
DEVICE void fill_blocks(u64 seed, u64 stream, float* y, i64 n, Numbers numbers) {
  for (i64 block = first_index(); block * 4 < n; block += index_step()) {
    float v[4];
    numbers(philox(seed, stream, block), v);
    if (aligned16(y) && block * 4 + 4 <= n) {
      store_pack(y + block * 4, v);
    } else {
#pragma unroll
      for (int j = 0; j < 4; j++) {
        if (block * 4 + j < n) y[block * 4 + j] = v[j];
      }
    }
  }
}

extern "C" __global__ void __launch_bounds__(THREADS)
    uniform_f32(u64 seed, u64 stream, float* y, i64 n) {
  fill_blocks(seed, stream, y, n, [](Words words, float (&v)[4]) {
#pragma unroll
    for (int j = 0; j < 4; j++) v[j] = numerator(words.w[j]) * (1.0f / 16777216.0f);
  });
}

extern "C" __global__ void __launch_bounds__(THREADS)
    normal_f32(u64 seed, u64 stream, float* y, i64 n) {
  fill_blocks(seed, stream, y, n, [](Words words, float (&v)[4]) {
#pragma unroll
    for (int pair = 0; pair < 4; pair += 2) {
      double r = radius(numerator(words.w[pair]));
      int angle = numerator(words.w[pair + 1]);
      v[pair] = static_cast<float>(times(r, turn(angle, 1)));
      v[pair + 1] = static_cast<float>(times(r, turn(angle, 0)));
    }
  });
}

// y = x * scale where the uniform number of the element is above p, else zero.
template <class T>
DEVICE void dropout(u64 seed, u64 stream, float p, float scale, const T* x, T* y, i64 n) {
  for (i64 block = first_index(); block * 4 < n; block += index_step()) {
    Words words = philox(seed, stream, block);
#pragma unroll
    for (int j = 0; j < 4; j++) {
      i64 i = block * 4 + j;
      bool keep = numerator(words.w[j]) * (1.0f / 16777216.0f) > p;
      if (i < n) y[i] = from_float<T>(keep ? to_float(x[i]) * scale : 0.0f);
    }
  }
}

#define DROPOUT(NAME, T)                                                                              \
  extern "C" __global__ void __launch_bounds__(THREADS)                                               \
      dropout_##NAME(u64 seed, u64 stream, float p, float scale, const T* x, T* y, i64 n) {           \
    dropout(seed, stream, p, scale, x, y, n);                                                         \
  }

FOR_FLOATS(DROPOUT)
