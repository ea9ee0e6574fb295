// What tests ask of the simulated libraries besides results: how often they did what takes long, and how long their
// engines are said to take.
#pragma once

#include <cstdint>
#include <string>

namespace sim {

// Appends a line to the file that NACRE_SIM_LOG names, if it names one.
void note(const std::string& line);

// Milliseconds that a setting says of an engine or algorithm, as in "51:40,4:10"; 0 of those that it does not name.
double cost_of(const char* setting, int64_t number);

}  // namespace sim
