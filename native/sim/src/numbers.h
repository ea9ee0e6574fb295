// Elements of 16 and 32 bits as floats, and the product that the simulated libraries compute with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "memory.h"

namespace sim {

enum class Type { F32, F16, BF16 };

constexpr size_t bytes_of(Type t) { return t == Type::F32 ? 4 : 2; }

float read_element(Type type, const void* base, size_t index);
void write_element(Type type, void* base, size_t index, float value);

// What tensor cores keep of an f32 operand: 10 bits of fraction.
float to_tf32(float v);

// c [m, n] += a [m, k] * b [k, n], row-major.
void multiply(const float* a, const float* b, float* c, size_t m, size_t n, size_t k);

float gelu_tanh(float x);
float gelu_tanh_slope(float x);
float gelu_erf(float x);
float gelu_erf_slope(float x);
float logistic(float x);

}  // namespace sim
