#include "numbers.h"

#include <cmath>
#include <cstring>

namespace sim {
namespace {

float from_bits(uint32_t bits) {
  float v;
  std::memcpy(&v, &bits, 4);
  return v;
}

uint32_t to_bits(float v) {
  uint32_t bits;
  std::memcpy(&bits, &v, 4);
  return bits;
}

float from_half(uint16_t h) {
  uint32_t sign = (h & 0x8000u) << 16, exponent = h >> 10 & 31, fraction = h & 0x3FFu;
  if (exponent == 31) return from_bits(sign | 0x7F800000u | fraction << 13);
  if (exponent != 0) return from_bits(sign | (exponent + 112) << 23 | fraction << 13);
  float small = static_cast<float>(fraction) * 0x1p-24f;
  return sign ? -small : small;
}

uint16_t to_half(float v) {
  uint32_t bits = to_bits(v), sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) return 0x7FFF;
  if (magnitude >= 0x477FF000u) return static_cast<uint16_t>(sign | 0x7C00);
  if (magnitude < 0x38800000u) {
    return static_cast<uint16_t>(sign | (to_bits(from_bits(magnitude) + 0.5f) - 0x3F000000u));
  }
  magnitude += 0xFFFu + (magnitude >> 13 & 1);
  return static_cast<uint16_t>(sign | (magnitude - 0x38000000u) >> 13);
}

uint16_t to_bfloat(float v) {
  uint32_t bits = to_bits(v);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return 0x7FFF;
  return static_cast<uint16_t>((bits + 0x7FFFu + (bits >> 16 & 1)) >> 16);
}

constexpr float SQRT_2_OVER_PI = 0.79788456080286536f;

float tanh_argument(float x) { return SQRT_2_OVER_PI * (x + 0.044715f * x * x * x); }

}  // namespace

float read_element(Type type, const void* base, size_t i) {
  switch (type) {
    case Type::F32: return static_cast<const float*>(base)[i];
    case Type::F16: return from_half(static_cast<const uint16_t*>(base)[i]);
    case Type::BF16: return from_bits(static_cast<uint32_t>(static_cast<const uint16_t*>(base)[i]) << 16);
  }
  return 0;
}

void write_element(Type type, void* base, size_t i, float v) {
  switch (type) {
    case Type::F32: static_cast<float*>(base)[i] = v; break;
    case Type::F16: static_cast<uint16_t*>(base)[i] = to_half(v); break;
    case Type::BF16: static_cast<uint16_t*>(base)[i] = to_bfloat(v); break;
  }
}

float to_tf32(float v) {
  uint32_t bits = to_bits(v);
  if ((bits & 0x7F800000u) == 0x7F800000u) return v;
  return from_bits((bits + 0xFFFu + (bits >> 13 & 1)) & ~0x1FFFu);
}

#if defined(__x86_64__)
__attribute__((target_clones("arch=haswell", "default")))
#endif
__attribute__((optimize("O3"))) void multiply(const float* a, const float* b, float* c, size_t m, size_t n, size_t k) {
  constexpr size_t ROWS = 4, DEPTH = 256;
  for (size_t k0 = 0; k0 < k; k0 += DEPTH) {
    size_t k1 = k0 + DEPTH < k ? k0 + DEPTH : k;
    size_t i = 0;
    for (; i + ROWS <= m; i += ROWS) {
      float* c0 = c + i * n;
      float* c1 = c0 + n;
      float* c2 = c1 + n;
      float* c3 = c2 + n;
      for (size_t p = k0; p < k1; p++) {
        const float* row = b + p * n;
        float a0 = a[i * k + p], a1 = a[(i + 1) * k + p], a2 = a[(i + 2) * k + p], a3 = a[(i + 3) * k + p];
#pragma GCC ivdep
        for (size_t j = 0; j < n; j++) {
          float v = row[j];
          c0[j] += a0 * v;
          c1[j] += a1 * v;
          c2[j] += a2 * v;
          c3[j] += a3 * v;
        }
      }
    }
    for (; i < m; i++) {
      for (size_t p = k0; p < k1; p++) {
        float v = a[i * k + p];
#pragma GCC ivdep
        for (size_t j = 0; j < n; j++) c[i * n + j] += v * b[p * n + j];
      }
    }
  }
}

float logistic(float x) { return 1.0f / (1.0f + std::exp(-x)); }
float gelu_tanh(float x) { return 0.5f * x * (1.0f + std::tanh(tanh_argument(x))); }
float gelu_tanh_slope(float x) {
  float t = std::tanh(tanh_argument(x));
  return 0.5f * (1.0f + t) + 0.5f * x * (1.0f - t * t) * SQRT_2_OVER_PI * (1.0f + 0.134145f * x * x);
}
float gelu_erf(float x) { return 0.5f * x * std::erfc(-x * 0.70710678118654752f); }
float gelu_erf_slope(float x) {
  return 0.5f * std::erfc(-x * 0.70710678118654752f) + x * 0.39894228040143268f * std::exp(-0.5f * x * x);
}

}  // namespace sim
