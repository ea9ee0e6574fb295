#include "dnn_plans.h"

#include <cstdio>
#include <sstream>

#include "errors.h"

namespace sim::dnn {
namespace {

constexpr int BAD_PARAM = 2000, VERSION_MISMATCH = 1002, ARCHITECTURE_MISMATCH = 3007;
constexpr int64_t MOST = 4096;  // of anything in a list

void write(std::ostream& out, const std::vector<int64_t>& all) {
  out << all.size() << ' ';
  for (int64_t one : all) out << one << ' ';
}

std::vector<int64_t> read_all(std::istream& in) {
  std::vector<int64_t> all;
  int64_t count = 0;
  in >> count;
  for (int64_t i = 0, one; i < count && i < MOST && in >> one; i++) all.push_back(one);
  return all;
}

// Numbers and roles with a space after each.
void write(std::ostream& out, const Operation& o) {
  out << static_cast<int>(o.kind) << ' ' << o.mode << ' ';
  for (const auto* two : {&o.convolution.stride, &o.convolution.before, &o.convolution.after, &o.convolution.dilation}) {
    out << (*two)[0] << ' ' << (*two)[1] << ' ';
  }
  out << o.tensors.size() << ' ';
  for (const auto& [role, t] : o.tensors) {
    out << role << ' ' << t.id << ' ' << static_cast<int>(t.type) << ' ' << t.alignment << ' ' << t.is_virtual << ' '
        << t.by_value << ' ';
    write(out, t.dims);
    write(out, t.strides);
  }
}

Operation read_operation(std::istream& in) {
  Operation o{};
  int kind = 0;
  in >> kind >> o.mode;
  o.kind = static_cast<Kind>(kind);
  for (auto* two : {&o.convolution.stride, &o.convolution.before, &o.convolution.after, &o.convolution.dilation}) {
    in >> (*two)[0] >> (*two)[1];
  }
  int64_t tensors = 0;
  in >> tensors;
  for (int64_t i = 0; i < tensors && i < MOST && in; i++) {
    std::string role;
    Tensor t;
    int type = 0;
    in >> role >> t.id >> type >> t.alignment >> t.is_virtual >> t.by_value;
    t.type = static_cast<Type>(type);
    t.dims = read_all(in);
    t.strides = read_all(in);
    o.tensors[role] = t;
  }
  return o;
}

}  // namespace

std::string plan_text(const Program& program, int64_t engine, int version, int architecture, int multiprocessors) {
  std::ostringstream out;
  out << "{\"cudnnVersion\":" << version << ",\"GPUProfile\":{\"deviceVer\":" << architecture
      << ",\"multiProcessorCount\":" << multiprocessors << "},\"engine\":{\"engineId\":" << engine
      << "},\"operations\":\"" << program.operations.size() << ' ';
  for (const Operation& o : program.operations) write(out, o);
  out << "\"}";
  return out.str();
}

int plan_of(const std::string& text, int version, int architecture, int multiprocessors, Program& program,
            int64_t& engine, std::string& why) {
  int of_version = 0, of_architecture = 0, of_multiprocessors = 0, from = 0;
  long long number = 0;
  int found = std::sscanf(text.c_str(),
                          "{\"cudnnVersion\":%d,\"GPUProfile\":{\"deviceVer\":%d,\"multiProcessorCount\":%d},"
                          "\"engine\":{\"engineId\":%lld},\"operations\":\"%n",
                          &of_version, &of_architecture, &of_multiprocessors, &number, &from);
  bool whole = text.size() > 2 && text.compare(text.size() - 2, 2, "\"}") == 0;
  if (found != 4 || from == 0 || !whole) {
    why = "!d.IsObject()";
    return BAD_PARAM;
  }
  if (of_version != version) {
    why = format("a plan of version %d", of_version);
    return VERSION_MISMATCH;
  }
  if (of_architecture != architecture || of_multiprocessors != multiprocessors) {
    why = format("a plan for %d multiprocessors of compute capability %d", of_multiprocessors, of_architecture);
    return ARCHITECTURE_MISMATCH;
  }
  std::istringstream in(text.substr(static_cast<size_t>(from), text.size() - 2 - static_cast<size_t>(from)));
  int64_t operations = 0;
  in >> operations;
  for (int64_t i = 0; i < operations && i < MOST && in; i++) program.operations.push_back(read_operation(in));
  if (!in || program.operations.empty()) {
    why = "a plan without its operations";
    return BAD_PARAM;
  }
  engine = number;
  return 0;
}

}  // namespace sim::dnn
