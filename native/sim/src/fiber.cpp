#include "fiber.h"

namespace sim {

#if defined(__x86_64__)

// Callee-saved registers of the System V calling convention; the rest is saved by the caller.
asm(R"(
.text
.type nacre_sim_switch, @function
nacre_sim_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq (%rsi), %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size nacre_sim_switch, .-nacre_sim_switch
)");
extern "C" __attribute__((visibility("hidden"))) void nacre_sim_switch(void** from, void** to);

void switch_context(Context& from, Context& to) {
  nacre_sim_switch(&from.stack_pointer, &to.stack_pointer);
}

void make_context(Context& context, char* stack, void (*body)()) {
  uintptr_t top = (reinterpret_cast<uintptr_t>(stack) + STACK_BYTES) & ~uintptr_t(15);
  void** sp = reinterpret_cast<void**>(top);
  *--sp = nullptr;  // the body's return address, which it never uses; keeps the stack aligned
  *--sp = reinterpret_cast<void*>(body);
  for (int i = 0; i < 6; i++) *--sp = nullptr;
  context.stack_pointer = sp;
}

#else

void switch_context(Context& from, Context& to) { swapcontext(&from.saved, &to.saved); }

void make_context(Context& context, char* stack, void (*body)()) {
  getcontext(&context.saved);
  context.saved.uc_stack.ss_sp = stack;
  context.saved.uc_stack.ss_size = STACK_BYTES;
  context.saved.uc_link = nullptr;
  makecontext(&context.saved, body, 0);
}

#endif

}  // namespace sim
