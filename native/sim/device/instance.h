// The border between the simulator and the kernels that it builds. A built module is loaded once for each
// worker thread, and every copy has one Instance: blocks run side by side without sharing __shared__.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nacre_sim {

struct Index {
  unsigned x, y, z;
};

constexpr uintptr_t ARENA = 0x200000000000;         // device addresses begin here
constexpr uintptr_t ARENA_BYTES = uintptr_t(1) << 38;
constexpr uintptr_t SHADOW = 0x210000000000;        // one byte of state for each byte of the arena

// States of a byte.
constexpr unsigned char NOTHING = 0, FRESH = 1, WRITTEN = 2, FREED = 3;

enum class Access { LOAD, STORE, ATOMIC };

struct Kernel {
  const char* name;
  void (*invoke)(const unsigned char* arguments);
  unsigned bytes;  // of all arguments, packed with natural alignment
  unsigned count;
  const unsigned* sizes;
  const unsigned* offsets;
  unsigned most_threads;  // of a block: __launch_bounds__, or 1024
};

// A __shared__ variable, or a table of constants.
struct Variable {
  const char* name;
  uintptr_t begin;
  size_t bytes;
};

// What the simulator does for a running thread.
struct Services {
  [[noreturn]] void (*fault)(uintptr_t address, size_t bytes, Access access);
  [[noreturn]] void (*misaligned)(uintptr_t address, size_t alignment);
  [[noreturn]] void (*trap)(const char* what, int line);
  void (*block_barrier)(int line);
  void (*warp_barrier)(unsigned mask, int line);
};

struct Instance {
  Services services;
  Index thread, block, block_extent, grid_extent;
  uintptr_t stack_begin, stack_end;        // of the running thread
  uintptr_t dynamic_begin, dynamic_end;    // dynamic shared memory of the running block
  uint64_t (*exchange)[32];                // values given away in shuffles, two rows a warp
  unsigned* turns;                         // shuffles so far, by thread of the block
  // __shared__ variables first, then tables of constants.
  Variable variables[16384];
  size_t shared_count, variable_count;
};

// What a built module tells of itself through nacre_sim_entry.
struct Entry {
  Instance* instance;
  const Kernel* kernels;
  unsigned kernel_count;
};

}  // namespace nacre_sim
