// The last error's whole story, given back where the interfaces ask for an error's text.
#pragma once

#include <string>

#include "cuda_abi.h"

namespace sim {

// Keeps the story for cuGetErrorString and gives the code back.
CUresult fail(CUresult code, std::string story);
std::string format(const char* pattern, ...) __attribute__((format(printf, 1, 2)));

}  // namespace sim
