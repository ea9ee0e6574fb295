// The elementwise functions and their derivatives, in the order of Java's Unary.
#pragma once

enum Function { SILU, GELU, GELU_TANH, QUICK_GELU, SIGMOID, RELU, TANH, EXP, SQUARE, SQRT, SIN, COS };

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

DEVICE float silu(float x) { return x * sigmoid(x); }
DEVICE float silu_slope(float x) { return sigmoid(x) * (1.0f + x * sigmoid(-x)); }

template <int F>
DEVICE float value(float x) {
  if constexpr (F == SILU) return silu(x);
  if constexpr (F == GELU) return gelu(x);
  if constexpr (F == GELU_TANH) return 0.5f * x * (1.0f + tanhf(tanh_argument(x)));
  if constexpr (F == QUICK_GELU) return x * sigmoid(1.702f * x);
  if constexpr (F == SIGMOID) return sigmoid(x);
  if constexpr (F == RELU) return x <= 0.0f ? 0.0f : x;  // NaN stays
  if constexpr (F == TANH) return tanhf(x);
  if constexpr (F == EXP) return expf(x);
  if constexpr (F == SQUARE) return x * x;
  if constexpr (F == SQRT) return sqrtf(x);
  if constexpr (F == SIN) return sinf(x);
  if constexpr (F == COS) return cosf(x);
}

template <int F>
DEVICE float slope(float x) {
  if constexpr (F == SILU) return silu_slope(x);
  if constexpr (F == GELU) return gelu_slope(x);
  if constexpr (F == GELU_TANH) {
    float t = tanhf(tanh_argument(x));
    float inner = SQRT_2_OVER_PI * (1.0f + 3.0f * 0.044715f * x * x);
    return 0.5f * (1.0f + t) + 0.5f * x * (1.0f - t * t) * inner;
  }
  if constexpr (F == QUICK_GELU) {
    return sigmoid(1.702f * x) * (1.0f + 1.702f * x * sigmoid(-1.702f * x));
  }
  if constexpr (F == SIGMOID) return sigmoid(x) * sigmoid(-x);
  if constexpr (F == RELU) return x > 0.0f ? 1.0f : 0.0f;
  if constexpr (F == TANH) {
    float t = tanhf(x);
    return 1.0f - t * t;
  }
  if constexpr (F == EXP) return expf(x);
  if constexpr (F == SQUARE) return 2.0f * x;
  if constexpr (F == SQRT) return 0.5f / sqrtf(x);
  if constexpr (F == SIN) return cosf(x);
  if constexpr (F == COS) return -sinf(x);
}

// Calls body with the function as a constant, so that the choice is made once, outside of its loop.
template <class Body>
DEVICE void with_function(int f, Body body) {
  switch (f) {
    case SILU: return body(Constant<SILU>{});
    case GELU: return body(Constant<GELU>{});
    case GELU_TANH: return body(Constant<GELU_TANH>{});
    case QUICK_GELU: return body(Constant<QUICK_GELU>{});
    case SIGMOID: return body(Constant<SIGMOID>{});
    case RELU: return body(Constant<RELU>{});
    case TANH: return body(Constant<TANH>{});
    case EXP: return body(Constant<EXP>{});
    case SQUARE: return body(Constant<SQUARE>{});
    case SQRT: return body(Constant<SQRT>{});
    case SIN: return body(Constant<SIN>{});
    case COS: return body(Constant<COS>{});
  }
}

// f(x), or x itself where f is -1.
DEVICE float apply(int f, float x) {
  float y = x;
  with_function(f, [&](auto chosen) { y = value<decltype(chosen)::value>(x); });
  return y;
}
