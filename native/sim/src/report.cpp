#include "report.h"

#include <cstdio>
#include <cstdlib>
#include <sstream>

namespace sim {

void note(const std::string& line) {
  const char* name = std::getenv("NACRE_SIM_LOG");
  if (!name) return;
  // Opened each time and written at once: several processes may share it, and tests set it while they run.
  if (FILE* file = std::fopen(name, "a")) {
    std::string whole = line + "\n";
    std::fwrite(whole.data(), 1, whole.size(), file);
    std::fclose(file);
  }
}

double cost_of(const char* setting, int64_t number) {
  const char* asked = std::getenv(setting);
  if (!asked) return 0;
  std::istringstream all(asked);
  for (std::string one; std::getline(all, one, ',');) {
    size_t colon = one.find(':');
    if (colon != std::string::npos && std::atoll(one.c_str()) == number) return std::atof(one.c_str() + colon + 1);
  }
  return 0;
}

}  // namespace sim
