// The checks that the host compiler puts before every access of a kernel (-fsanitize=kernel-address and
// -fsanitize=alignment, with these functions in place of those of a sanitizer's runtime).
#include "instance.h"

using namespace nacre_sim;

extern "C" __attribute__((visibility("hidden"))) Instance nacre_sim_instance;  // defined by shim.h

namespace {

// Whether all of it lies in [begin, end).
inline bool within(uintptr_t a, size_t bytes, uintptr_t begin, uintptr_t end) { return a >= begin && a + bytes <= end; }

inline bool is_dynamic(uintptr_t a, size_t bytes) {
  return within(a, bytes, nacre_sim_instance.dynamic_begin, nacre_sim_instance.dynamic_end);
}

inline bool is_own(uintptr_t a, size_t bytes) {
  return within(a, bytes, nacre_sim_instance.stack_begin, nacre_sim_instance.stack_end);
}

// Kernels go on with the variable that they used last, and there may be thousands.
bool is_variable(uintptr_t a, size_t bytes, bool constants) {
  static size_t last = 0;
  const Instance& i = nacre_sim_instance;
  size_t count = constants ? i.variable_count : i.shared_count;
  auto holds = [&](size_t v) {
    return within(a, bytes, i.variables[v].begin, i.variables[v].begin + i.variables[v].bytes);
  };
  if (last < count && holds(last)) return true;
  for (size_t v = 0; v < count; v++) {
    if (holds(v)) {
      last = v;
      return true;
    }
  }
  return false;
}

void slow_load(uintptr_t a, size_t bytes, Access access) {
  if (a - ARENA < ARENA_BYTES) {
    const unsigned char* state = reinterpret_cast<const unsigned char*>(a - ARENA + SHADOW);
    for (size_t i = 0; i < bytes; i++) {
      if (state[i] != WRITTEN) nacre_sim_instance.services.fault(a + i, bytes, access);
    }
  } else if (!is_own(a, bytes) && !is_variable(a, bytes, true)) {
    nacre_sim_instance.services.fault(a, bytes, access);
  }
}

void slow_store(uintptr_t a, size_t bytes) {
  if (a - ARENA < ARENA_BYTES) {
    unsigned char* state = reinterpret_cast<unsigned char*>(a - ARENA + SHADOW);
    for (size_t i = 0; i < bytes; i++) {
      if (state[i] != FRESH && state[i] != WRITTEN) {
        nacre_sim_instance.services.fault(a + i, bytes, Access::STORE);
      }
      state[i] = WRITTEN;
    }
  } else if (!is_own(a, bytes) && !is_variable(a, bytes, false)) {
    nacre_sim_instance.services.fault(a, bytes, Access::STORE);
  }
}

struct Sixteen {
  uint64_t low, high;
};

template <class T>
bool all_written(uintptr_t a) {
  return *reinterpret_cast<const T*>(a - ARENA + SHADOW) == static_cast<T>(0x0202020202020202ull);
}

template <>
bool all_written<Sixteen>(uintptr_t a) {
  const Sixteen* s = reinterpret_cast<const Sixteen*>(a - ARENA + SHADOW);
  return s->low == 0x0202020202020202ull && s->high == 0x0202020202020202ull;
}

template <class T>
inline void load(uintptr_t a) {
  if (is_dynamic(a, sizeof(T)) || (a - ARENA < ARENA_BYTES && all_written<T>(a))) return;
  slow_load(a, sizeof(T), Access::LOAD);
}

template <class T>
inline void store(uintptr_t a) {
  if (is_dynamic(a, sizeof(T)) || (a - ARENA < ARENA_BYTES && all_written<T>(a))) return;
  slow_store(a, sizeof(T));
}

}  // namespace

// What GCC gives to __asan_register_globals.
struct Global {
  const void* begin;
  uintptr_t bytes;
  uintptr_t bytes_with_redzone;
  const void* name;
  const void* file;
  uintptr_t initialized_at_run_time;
  const void* location;
  uintptr_t indicator;
};

// What GCC gives to __ubsan_handle_type_mismatch.
struct Mismatch {
  const char* file;
  unsigned line, column;
  const void* type;
  unsigned char log_alignment;
  unsigned char kind;
};

extern "C" {
void __asan_load1_noabort(uintptr_t a) { load<uint8_t>(a); }
void __asan_load2_noabort(uintptr_t a) { load<uint16_t>(a); }
void __asan_load4_noabort(uintptr_t a) { load<uint32_t>(a); }
void __asan_load8_noabort(uintptr_t a) { load<uint64_t>(a); }
void __asan_load16_noabort(uintptr_t a) { load<Sixteen>(a); }
void __asan_loadN_noabort(uintptr_t a, size_t n) {
  if (!is_dynamic(a, n)) slow_load(a, n, Access::LOAD);
}
void __asan_store1_noabort(uintptr_t a) { store<uint8_t>(a); }
void __asan_store2_noabort(uintptr_t a) { store<uint16_t>(a); }
void __asan_store4_noabort(uintptr_t a) { store<uint32_t>(a); }
void __asan_store8_noabort(uintptr_t a) { store<uint64_t>(a); }
void __asan_store16_noabort(uintptr_t a) { store<Sixteen>(a); }
void __asan_storeN_noabort(uintptr_t a, size_t n) {
  if (!is_dynamic(a, n)) slow_store(a, n);
}
void __asan_handle_no_return() {}

void __asan_register_globals(const Global* globals, uintptr_t count) {
  Instance& i = nacre_sim_instance;
  for (uintptr_t g = 0; g < count; g++) {
    if (i.variable_count == sizeof i.variables / sizeof *i.variables) __builtin_trap();
    i.variables[i.variable_count++] = Variable{static_cast<const char*>(globals[g].name),
                                               reinterpret_cast<uintptr_t>(globals[g].begin),
                                               globals[g].bytes};
  }
}
void __asan_unregister_globals(const Global*, uintptr_t) {}

void __ubsan_handle_type_mismatch_v1_abort(const Mismatch* what, uintptr_t a) {
  nacre_sim_instance.services.misaligned(a, size_t(1) << what->log_alignment);
}
}
