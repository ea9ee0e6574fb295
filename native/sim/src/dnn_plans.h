// Plans as text, by which another process has them without making them.
#pragma once

#include <cstdint>
#include <string>

#include "dnn_program.h"

namespace sim::dnn {

// A plan of an engine in JSON, with the version and the device that it is for.
std::string plan_text(const Program& program, int64_t engine, int version, int architecture, int multiprocessors);

// The other way round: 0, or cuDNN's status for a text that is none of these, or one of another version or device.
int plan_of(const std::string& text, int version, int architecture, int multiprocessors, Program& program,
            int64_t& engine, std::string& why);

}  // namespace sim::dnn
