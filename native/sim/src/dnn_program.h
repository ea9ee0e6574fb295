// What a finalized cuDNN graph computes, apart from the descriptors that said so.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "memory.h"
#include "numbers.h"

namespace sim::dnn {

struct Tensor {
  int64_t id = 0;
  Type type = Type::F32;
  std::vector<int64_t> dims, strides;
  int64_t alignment = 1;
  bool is_virtual = false, by_value = false;

  size_t elements() const;
  size_t span() const;  // elements from the first to the last, both included
};

struct Convolution {
  int64_t stride[2], before[2], after[2], dilation[2];
};

enum class Kind { FORWARD, INPUT_GRADIENT, WEIGHT_GRADIENT, POINTWISE, ATTENTION, PRODUCT, REDUCTION, RESHAPE };

// Tensors by their role in the operation.
struct Operation {
  Kind kind;
  Convolution convolution{};
  int mode = 0;  // of a pointwise operation or a reduction
  std::map<std::string, Tensor> tensors;
};

struct Program {
  std::vector<Operation> operations;
  bool tf32 = false;

  // Whether these are the operations that attention's gradient is made of.
  bool is_attention_gradient() const;
  // Whether these are the operations that attention is made of; cuDNN knows them with the logarithms only.
  bool is_composed_attention() const;
  // Whether an operation behind a convolution adds a number a channel, or an image to an image.
  bool is_bias(size_t at) const;
  bool is_residual(size_t at) const;
  // In words, for who reads what was asked.
  std::string title() const;
  // What cuDNN would refuse, and the status for it; 0 if nothing.
  int unsupported(std::string& why) const;
  // All tensors that a caller gives memory for.
  std::map<int64_t, Tensor> operands() const;
  std::string run(const std::map<int64_t, Address>& addresses, const std::map<int64_t, float>& scalars) const;

 private:
  struct Step {
    Kind kind;
    int mode;
  };
  bool consists_of(const std::vector<Step>& steps) const;
};

}  // namespace sim::dnn
