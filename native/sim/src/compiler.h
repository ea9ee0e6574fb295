// Builds kernel sources, with a cache on disk.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sim::compiler {

struct Source {
  std::string text;
  std::vector<std::pair<std::string, std::string>> headers;  // name, text
  std::vector<std::string> options;
};

struct Result {
  std::string code;  // a shared library
  std::string log;
  bool good;
};

// What stands before the library in a module image.
struct ImageHeader {
  char magic[8];
  int32_t architecture;  // 90 for sm_90
  int32_t reserved;
  uint64_t bytes;
};
constexpr const char* MAGIC = "NACRESIM";

Result compile(const Source& source);
std::string cache_folder();

}  // namespace sim::compiler
