// Runs the blocks of a launch: threads as fibers of one worker, so that barriers and shuffles work, and
// blocks spread over the workers.
#pragma once

#include <string>

#include "../device/instance.h"

namespace sim {

// A module as it was loaded, once for each worker.
struct LoadedModule {
  nacre_sim::Instance* instances[64];
  const nacre_sim::Kernel* kernels[64];
};

struct Launch {
  const LoadedModule* module;
  int kernel;  // its place in the module's table
  nacre_sim::Index grid, block;
  unsigned shared_bytes;
  const unsigned char* arguments;
};

namespace blocks {

int workers();
// Empty if all went well, else what went wrong and where.
std::string run(const Launch& launch);

}  // namespace blocks
}  // namespace sim
