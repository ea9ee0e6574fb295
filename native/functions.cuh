// The elementwise functions and their derivatives: what the generated table of them is written with.
#pragma once

constexpr float SQRT_HALF = 0.70710678118654752f;
constexpr float SQRT_2_OVER_PI = 0.79788456080286536f;
constexpr float INV_SQRT_2_PI = 0.39894228040143268f;

DEVICE float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

// The normal distribution function; erfc keeps its digits where x is far below zero.
DEVICE float normal_cdf(float x) { return 0.5f * erfcf(-x * SQRT_HALF); }

DEVICE float tanh_argument(float x) { return SQRT_2_OVER_PI * (x + 0.044715f * x * x * x); }

DEVICE float gelu(float x) { return x * normal_cdf(x); }
DEVICE float gelu_slope(float x) {
  return normal_cdf(x) + x * INV_SQRT_2_PI * expf(-0.5f * x * x);
}

// The same as exact as is wanted where numbers are stored as T. For 16 bits the GPU's own exponential and quotient do:
// of e^-|x| they are right to some 1.2 |x| + 4 units of f32's last place, and nothing overflows.
template <class T>
DEVICE float sigmoid_for(float x) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return sigmoid(x);
  } else {
    float e = __expf(-fabsf(x));
    float s = __fdividef(1.0f, 1.0f + e);
    return x < 0.0f ? e * s : s;
  }
}

template <class T>
DEVICE float silu(float x) {
  return x * sigmoid_for<T>(x);
}

template <class T>
DEVICE float silu_slope(float x) {
  return sigmoid_for<T>(x) * (1.0f + x * sigmoid_for<T>(-x));
}

DEVICE float gelu_tanh(float x) { return 0.5f * x * (1.0f + tanhf(tanh_argument(x))); }
DEVICE float gelu_tanh_slope(float x) {
  float t = tanhf(tanh_argument(x));
  float inner = SQRT_2_OVER_PI * (1.0f + 3.0f * 0.044715f * x * x);
  return 0.5f * (1.0f + t) + 0.5f * x * (1.0f - t * t) * inner;
}

DEVICE float quick_gelu_slope(float x) {
  return sigmoid(1.702f * x) * (1.0f + 1.702f * x * sigmoid(-1.702f * x));
}

DEVICE float tanh_slope(float x) {
  float t = tanhf(x);
  return 1.0f - t * t;
}

// log(1 + e^x), which neither overflows nor cancels.
DEVICE float softplus(float x) { return fmaxf(x, 0.0f) + log1pf(expf(-fabsf(x))); }

DEVICE float sign(float x) { return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x; }  // NaN stays

// The table of all functions: value<F, T>, slope<F, T>, with_function and with_binary.
#include "function_table.cuh"

// f(x), or x itself where f is -1.
DEVICE float apply(int f, float x) {
  float y = x;
  with_function(f, [&](auto chosen) { y = value<decltype(chosen)::value, float>(x); });
  return y;
}
