// One stack of its own, to be entered and left.
#pragma once

#include <cstddef>
#include <cstdint>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace sim {

struct Context {
#if defined(__x86_64__)
  void* stack_pointer = nullptr;
#else
  ucontext_t saved;
#endif
};

// Saves the running context in `from` and goes on where `to` was left.
void switch_context(Context& from, Context& to);

constexpr size_t STACK_BYTES = 128 << 10;

// Prepares `context` to run body on a stack that ends at `top`. The body never returns.
void make_context(Context& context, char* stack, void (*body)());

}  // namespace sim
