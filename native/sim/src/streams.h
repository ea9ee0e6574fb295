// Streams run late on purpose: what is put on one runs when somebody waits for it, so that a program that
// forgets to wait reads what was not written yet.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cuda_abi.h"

namespace sim {

// One piece of work. Gives back an empty text, or what went wrong.
struct Work {
  std::string name;
  std::function<std::string()> run;
  bool orders = false;  // others wait for it, or use its memory again: done even where work is only counted
  double cost = 0;      // milliseconds that events find it to take longer than it does
};

// One lock for the whole simulated driver; calls may come from many threads.
std::recursive_mutex& device_lock();

// What stopped the context for good, or CUDA_SUCCESS.
CUresult context_error();

// Puts work on a stream, or into the graph that it captures.
CUresult enqueue(CUstream stream, Work work);

bool is_capturing(CUstream stream);
// True while any stream captures: then nothing may wait or allocate.
bool any_capture();

// Calls in which the host waits for the device, and those that copy from it.
unsigned long long& waits_of_host();
unsigned long long& downloads();

CUresult synchronize(CUstream stream);
CUresult synchronize_all();

}  // namespace sim
