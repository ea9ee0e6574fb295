// cuDNN's backend interface: descriptors, heuristics, plans.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "dnn_plans.h"
#include "errors.h"
#include "report.h"
#include "streams.h"

using namespace sim;
using dnn::Kind;
using dnn::Operation;
using dnn::Program;
using dnn::Tensor;

namespace sim {
CUresult require_context();
}
EXPORT size_t cudnnGetVersion();
EXPORT CUresult cuDeviceGetAttribute(int* value, int attribute, int device);


namespace {

enum Status {
  SUCCESS = 0,
  NOT_INITIALIZED = 1001,
  BAD_PARAM = 2000,
  NULL_POINTER = 2002,
  MISALIGNED_POINTER = 2003,
  NOT_FINALIZED = 2004,
  SIZE_INSUFFICIENT = 2006,
  ATTRIBUTE_TYPE = 2010,
  DESCRIPTOR_TYPE = 2012,
  NOT_SUPPORTED = 3000,
  NOT_SUPPORTED_TYPE = 3003,
  INTERNAL_ERROR = 4000,
  EXECUTION_FAILED = 5000,
};

// Types of descriptors.
enum {
  POINTWISE = 0, CONVOLUTION = 1, ENGINE = 2, ENGINE_CONFIGURATION = 3, HEURISTICS = 4, PLAN = 5, FORWARD = 10,
  WEIGHT_GRADIENT = 11, INPUT_GRADIENT = 12, POINTWISE_OPERATION = 13, GRAPH = 15, VARIANT_PACK = 16, TENSOR = 17,
  MATMUL = 18, MATMUL_OPERATION = 19, REDUCTION = 21, REDUCTION_OPERATION = 22, RESHAPE_OPERATION = 31,
  DEVICE_PROPERTIES = 38, ATTENTION = 41,
};

// Types of attributes.
enum { HANDLE = 0, DATA_TYPE = 1, BOOLEAN = 2, INT64 = 3, FLOAT = 4, VOID_PTR = 6, CONVOLUTION_MODE = 7, HEUR_MODE = 8,
       NUMERICAL_NOTE = 11, BEHAVIOR_NOTE = 19, POINTWISE_MODE = 14, DESCRIPTOR = 15, REDUCTION_OPERATOR = 18, CHAR = 24 };

// Behavior notes.
enum { RUNTIME_COMPILATION = 0 };

// Numerical notes.
enum { TENSOR_CORE = 0, DOWN_CONVERT_INPUTS = 1, NONDETERMINISTIC = 4 };

thread_local std::string last_story;

int refuse(int status, const std::string& story) {
  last_story = "simulated device: " + story;
  return status;
}

size_t size_of(int type) {
  switch (type) {
    case HANDLE: case INT64: case VOID_PTR: case DESCRIPTOR: return 8;
    case BOOLEAN: case CHAR: return 1;
    default: return 4;
  }
}

struct Attribute {
  int type;
  std::vector<unsigned char> bytes;
};

struct Engine {
  int64_t number;
  std::vector<int> notes;
  bool tf32, compiled;
  int place;  // among all engines of its graph
};

}  // namespace

struct Descriptor {
  int type;
  bool finalized = false;
  std::map<int, Attribute> attributes;
  // What finalizing made of it.
  std::shared_ptr<Program> program;
  Engine engine{};
};

namespace {

std::set<Descriptor*>& descriptors() {
  static std::set<Descriptor*> all;
  return all;
}

struct Handle {
  CUstream stream = nullptr;
};

std::set<Handle*>& handles() {
  static std::set<Handle*> all;
  return all;
}

// The type that an attribute must be set with; none where the simulator does not know the attribute.
std::optional<int> attribute_type(int a) {
  if (a == 0) return POINTWISE_MODE;
  if (a == 1 || a == 100 || a == 901) return DATA_TYPE;
  if (a == 101) return CONVOLUTION_MODE;
  if ((a >= 102 && a <= 106) || a == 900 || a == 902 || a == 903 || a == 906) return INT64;
  if (a == 200) return HEUR_MODE;
  if (a == 201 || a == 204 || a == 300 || a == 401 || a == 407 || a == 750 || (a >= 751 && a <= 753)) return DESCRIPTOR;
  if (a == 400 || a == 800) return HANDLE;
  if (a == 700 || a == 701 || a == 706 || a == 707 || a == 712 || a == 713) return FLOAT;
  if ((a >= 702 && a <= 705) || (a >= 708 && a <= 711) || (a >= 714 && a <= 717) || a == 801) return DESCRIPTOR;
  if (a == 907 || a == 908) return BOOLEAN;
  if (a == 1000) return INT64;
  if (a == 1001 || a == 1003) return VOID_PTR;
  if (a == 405 || a == 2702) return CHAR;
  if (a == 1500 || a == 1601) return DATA_TYPE;
  if (a == 1600) return REDUCTION_OPERATOR;
  if ((a >= 1520 && a <= 1523) || (a >= 1610 && a <= 1612) || a == 2200 || a == 2201) return DESCRIPTOR;
  if (a >= 2800 && a <= 2805) return DESCRIPTOR;
  return std::nullopt;
}

template <class T>
std::vector<T> values(const Descriptor& d, int attribute) {
  auto at = d.attributes.find(attribute);
  if (at == d.attributes.end()) return {};
  std::vector<T> v(at->second.bytes.size() / sizeof(T));
  std::memcpy(v.data(), at->second.bytes.data(), v.size() * sizeof(T));
  return v;
}

template <class T>
T value(const Descriptor& d, int attribute, T usual) {
  std::vector<T> v = values<T>(d, attribute);
  return v.empty() ? usual : v[0];
}

// A failure of finalizing, carried up as a status with its story already told.
struct Refusal {
  int status;
};

[[noreturn]] void stop(int status, const std::string& story) { throw Refusal{refuse(status, story)}; }

const Descriptor& child(const Descriptor& d, int attribute, int type, const char* what) {
  auto* found = value<Descriptor*>(d, attribute, nullptr);
  if (!found || !descriptors().count(found)) stop(NULL_POINTER, format("%s is not set, or destroyed", what));
  if (found->type != type) stop(DESCRIPTOR_TYPE, format("%s is a descriptor of type %d", what, found->type));
  if (!found->finalized) stop(NOT_FINALIZED, format("%s is not finalized", what));
  return *found;
}

Tensor tensor(const Descriptor& d, int attribute, const char* what) {
  const Descriptor& t = child(d, attribute, TENSOR, what);
  Tensor out;
  out.id = value<int64_t>(t, 906, 0);
  int type = value<int>(t, 901, -1);
  if (type != 0 && type != 2 && type != 9) stop(NOT_SUPPORTED_TYPE, format("%s is of type %d", what, type));
  out.type = type == 0 ? Type::F32 : type == 2 ? Type::F16 : Type::BF16;
  out.dims = values<int64_t>(t, 902);
  out.strides = values<int64_t>(t, 903);
  out.alignment = value<int64_t>(t, 900, 1);
  out.is_virtual = value<unsigned char>(t, 907, 0) != 0;
  out.by_value = value<unsigned char>(t, 908, 0) != 0;
  return out;
}

dnn::Convolution convolution(const Descriptor& d, int attribute) {
  const Descriptor& c = child(d, attribute, CONVOLUTION, "the convolution");
  dnn::Convolution out{};
  auto take = [&](int name, int64_t (&to)[2]) {
    std::vector<int64_t> v = values<int64_t>(c, name);
    if (v.size() != 2) stop(BAD_PARAM, "convolutions here have two spatial dims");
    to[0] = v[0];
    to[1] = v[1];
  };
  take(102, out.dilation);
  take(103, out.stride);
  take(104, out.after);
  take(105, out.before);
  if (value<int>(c, 101, 1) != 1) stop(NOT_SUPPORTED, "a convolution that flips its kernel");
  return out;
}

Operation operation(const Descriptor& d) {
  Operation o{};
  auto take = [&](const char* role, int attribute) { o.tensors[role] = tensor(d, attribute, role); };
  switch (d.type) {
    case FORWARD:
      o.kind = Kind::FORWARD;
      o.convolution = convolution(d, 702);
      take("w", 703);
      take("x", 704);
      take("y", 705);
      break;
    case INPUT_GRADIENT:
      o.kind = Kind::INPUT_GRADIENT;
      o.convolution = convolution(d, 708);
      take("w", 709);
      take("x", 710);
      take("y", 711);
      break;
    case WEIGHT_GRADIENT:
      o.kind = Kind::WEIGHT_GRADIENT;
      o.convolution = convolution(d, 714);
      take("w", 715);
      take("x", 716);
      take("y", 717);
      break;
    case POINTWISE_OPERATION: {
      o.kind = Kind::POINTWISE;
      o.mode = value<int>(child(d, 750, POINTWISE, "the pointwise descriptor"), 0, -1);
      static const std::set<int> two{0, 1, 6, 9}, one{13, 15, 21, 100, 101, 102, 104, 106, 107};
      if (!two.count(o.mode) && !one.count(o.mode)) stop(NOT_SUPPORTED, format("pointwise mode %d", o.mode));
      take("x", 751);
      take("y", 753);
      if (two.count(o.mode)) take("b", 752);
      break;
    }
    case ATTENTION:
      o.kind = Kind::ATTENTION;
      take("q", 2800);
      take("k", 2801);
      take("v", 2802);
      take("o", 2803);
      if (d.attributes.count(2804)) take("stats", 2804);
      take("scale", 2805);
      break;
    case MATMUL_OPERATION:
      o.kind = Kind::PRODUCT;
      child(d, 1523, MATMUL, "the product's descriptor");
      take("a", 1520);
      take("b", 1521);
      take("c", 1522);
      break;
    case REDUCTION_OPERATION:
      o.kind = Kind::REDUCTION;
      o.mode = value<int>(child(d, 1612, REDUCTION, "the reduction's descriptor"), 1600, 0);
      if (o.mode != 0 && o.mode != 3) stop(NOT_SUPPORTED, "a reduction to neither sum nor maximum");
      take("x", 1610);
      take("y", 1611);
      break;
    case RESHAPE_OPERATION:
      o.kind = Kind::RESHAPE;
      take("x", 2200);
      take("y", 2201);
      break;
    default: stop(DESCRIPTOR_TYPE, format("a descriptor of type %d is no operation", d.type));
  }
  return o;
}

void finalize_tensor(const Descriptor& d) {
  std::vector<int64_t> dims = values<int64_t>(d, 902), strides = values<int64_t>(d, 903);
  if (dims.empty() || dims.size() != strides.size()) stop(BAD_PARAM, "a tensor without dims, or with other strides");
  for (size_t i = 0; i < dims.size(); i++) {
    if (dims[i] < 1 || strides[i] < 0) stop(BAD_PARAM, "a tensor with an empty dim or a negative stride");
  }
  for (int a : {900, 901, 906}) {
    if (!d.attributes.count(a)) stop(BAD_PARAM, format("a tensor without attribute %d", a));
  }
}

void finalize_graph(Descriptor& d) {
  auto program = std::make_shared<Program>();
  for (Descriptor* o : values<Descriptor*>(d, 801)) {
    if (!descriptors().count(o)) stop(NULL_POINTER, "an operation that is destroyed");
    if (!o->finalized) stop(NOT_FINALIZED, "an operation that is not finalized");
    program->operations.push_back(operation(*o));
  }
  if (program->operations.empty()) stop(BAD_PARAM, "a graph without operations");
  d.program = program;
}

// Whether cuDNN has engines for it that are compiled at run time and no others: attention, and convolutions with more
// behind them than a residual and a bias, of the same at every pixel or after a function.
bool only_compiled(const Program& program) {
  const Operation& first = program.operations.front();
  if (first.kind != Kind::FORWARD) return first.kind != Kind::INPUT_GRADIENT && first.kind != Kind::WEIGHT_GRADIENT;
  for (size_t i = 1; i < program.operations.size(); i++) {
    if (!program.is_bias(i) && !program.is_residual(i)) return true;
  }
  return false;
}

// The engines for a graph, best first, under numbers and notes that cuDNN has for an H100: one that uses tensor cores
// for f32 rounds operands to TF32 and says no more than TENSOR_CORE, and exact ones come after many of these.
std::vector<Engine> engines(const Program& program) {
  constexpr int ROUNDING = 28;
  const Operation& first = program.operations.front();
  bool f32 = first.tensors.count("x") != 0 && first.tensors.at("x").type == Type::F32;
  if (!f32 && only_compiled(program)) return {{4, {TENSOR_CORE}, false, true, 0}};
  std::vector<Engine> all;
  if (first.kind == Kind::WEIGHT_GRADIENT) all.push_back({1, {TENSOR_CORE, NONDETERMINISTIC}, f32, false, 0});
  if (f32) {
    for (int i = 0; i < ROUNDING; i++) all.push_back({51 + i, {TENSOR_CORE}, true, false, 0});
    all.push_back({44, {}, false, false, 0});
    all.push_back({0, {}, false, false, 0});
  } else {
    all.push_back({51, {TENSOR_CORE}, false, false, 0});
    all.push_back({4, {TENSOR_CORE}, false, true, 0});
  }
  for (size_t i = 0; i < all.size(); i++) all[i].place = static_cast<int>(i);
  return all;
}

// How many of a graph's engines fail at what a setting names, counted from the first that is exact; none where it is
// not set. What fails on a device is not known before.
bool fails(const char* setting, const Engine& engine, const Program& program) {
  const char* asked = std::getenv(setting);
  if (!asked) return false;
  std::vector<Engine> all = engines(program);
  auto exact = std::find_if(all.begin(), all.end(), [](const Engine& e) {
    return !e.tf32 && std::find(e.notes.begin(), e.notes.end(), NONDETERMINISTIC) == e.notes.end();
  });
  return engine.place < exact - all.begin() + std::atoi(asked);
}

// The device that plans are for: its compute capability, in hundredths, and its multiprocessors.
std::pair<int, int> device() {
  int major = 0, minor = 0, multiprocessors = 0;
  cuDeviceGetAttribute(&major, 75, 0);
  cuDeviceGetAttribute(&minor, 76, 0);
  cuDeviceGetAttribute(&multiprocessors, 16, 0);
  return {100 * major + 10 * minor, multiprocessors};
}

std::string text_of(const Descriptor& plan) {
  auto [architecture, multiprocessors] = device();
  return dnn::plan_text(*plan.program, plan.engine.number, static_cast<int>(cudnnGetVersion()), architecture,
                        multiprocessors);
}

// From a text that another process had: nothing is asked of heuristics, and nothing is compiled.
void read_plan(Descriptor& d) {
  std::vector<char> text = values<char>(d, 405);
  auto [architecture, multiprocessors] = device();
  d.program = std::make_shared<Program>();
  int64_t number = 0;
  std::string why;
  int status = dnn::plan_of({text.begin(), text.end()}, static_cast<int>(cudnnGetVersion()), architecture,
                            multiprocessors, *d.program, number, why);
  if (status) stop(status, why);
  std::vector<Engine> all = engines(*d.program);
  auto found = std::find_if(all.begin(), all.end(), [&](const Engine& e) { return e.number == number; });
  if (found == all.end()) stop(BAD_PARAM, format("a plan of engine %d, which there is not", static_cast<int>(number)));
  d.engine = *found;
  d.program->tf32 = d.engine.tf32;
  note(format("cuDNN reads a plan, engine %d", static_cast<int>(number)));
}

void finalize(Descriptor& d) {
  switch (d.type) {
    case TENSOR: finalize_tensor(d); break;
    case GRAPH: finalize_graph(d); break;
    case HEURISTICS: {
      const Descriptor& graph = child(d, 201, GRAPH, "the graph");
      note("cuDNN's heuristics are asked for " + graph.program->title());
      if (!d.attributes.count(200)) stop(BAD_PARAM, "heuristics without a mode");
      std::string why;
      if (int status = graph.program->unsupported(why)) stop(status, why);
      d.program = graph.program;
      break;
    }
    case PLAN: {
      if (!d.attributes.count(400) && !d.attributes.count(407)) stop(BAD_PARAM, "a plan without a handle");
      if (d.attributes.count(405)) {
        read_plan(d);
        break;
      }
      const Descriptor& chosen = child(d, 401, ENGINE_CONFIGURATION, "the engine configuration");
      d.program = std::make_shared<Program>(*chosen.program);
      d.program->tf32 = chosen.engine.tf32;
      d.engine = chosen.engine;
      note(format("cuDNN makes a plan, engine %d%s", static_cast<int>(d.engine.number),
                  d.engine.compiled ? ", compiled" : ""));
      if (fails("NACRE_SIM_CUDNN_FAIL_FINALIZE", d.engine, *d.program)) {
        stop(INTERNAL_ERROR, format("engine %d fails when its plan is finalized", static_cast<int>(d.engine.number)));
      }
      break;
    }
    case VARIANT_PACK:
      if (values<int64_t>(d, 1000).size() != values<Address>(d, 1001).size()) {
        stop(BAD_PARAM, "a variant pack with more identifiers than pointers, or fewer");
      }
      break;
    default: break;
  }
}

// Workspace that a plan asks for: some, so that callers must give some, and for attention's gradient the scores, in 16
// bits, as cuDNN's deterministic engine has them.
size_t workspace(const Program& program) {
  if (program.is_attention_gradient()) {
    size_t scores = 0;
    for (const auto& operation : program.operations) {
      for (const auto& [role, tensor] : operation.tensors) {
        if (tensor.is_virtual) scores = std::max(scores, tensor.elements());
      }
    }
    return (32 << 10) + 2 * scores;
  }
  return program.operations.front().kind == Kind::WEIGHT_GRADIENT ? 32 << 10 : 0;
}

template <class T>
int give(std::vector<T> all, int64_t asked, int64_t* count, void* to) {
  *count = static_cast<int64_t>(all.size());
  if (to) std::memcpy(to, all.data(), std::min<size_t>(all.size(), static_cast<size_t>(asked)) * sizeof(T));
  return SUCCESS;
}

int give_engines(const Descriptor& d, int64_t asked, int64_t* count, void* to) {
  std::vector<Engine> all = engines(*d.program);
  auto** wanted = static_cast<Descriptor**>(to);
  *count = static_cast<int64_t>(all.size());
  for (size_t i = 0; wanted && i < all.size() && i < static_cast<size_t>(asked); i++) {
    if (!descriptors().count(wanted[i]) || wanted[i]->type != ENGINE_CONFIGURATION) {
      return refuse(DESCRIPTOR_TYPE, "heuristics fill engine configurations that exist");
    }
    wanted[i]->finalized = true;
    wanted[i]->program = d.program;
    wanted[i]->engine = all[i];
  }
  return SUCCESS;
}

}  // namespace

#define LOCK std::lock_guard hold(device_lock())

EXPORT size_t cudnnGetVersion() {
  const char* asked = std::getenv("NACRE_SIM_CUDNN_VERSION");
  return asked ? static_cast<size_t>(std::atoll(asked)) : 92400;
}
EXPORT size_t cudnnGetCudartVersion() { return 13000; }

EXPORT const char* cudnnGetErrorString(int status) {
  switch (status) {
    case SUCCESS: return "CUDNN_STATUS_SUCCESS";
    case NOT_INITIALIZED: return "CUDNN_STATUS_NOT_INITIALIZED";
    case BAD_PARAM: return "CUDNN_STATUS_BAD_PARAM";
    case NULL_POINTER: return "CUDNN_STATUS_BAD_PARAM_NULL_POINTER";
    case MISALIGNED_POINTER: return "CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER";
    case NOT_FINALIZED: return "CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED";
    case SIZE_INSUFFICIENT: return "CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT";
    case 2008: return "CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH";
    case ATTRIBUTE_TYPE: return "CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE";
    case DESCRIPTOR_TYPE: return "CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE";
    case NOT_SUPPORTED: return "CUDNN_STATUS_NOT_SUPPORTED";
    case 3001: return "CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN";
    case 3002: return "CUDNN_STATUS_NOT_SUPPORTED_SHAPE";
    case NOT_SUPPORTED_TYPE: return "CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE";
    case INTERNAL_ERROR: return "CUDNN_STATUS_INTERNAL_ERROR";
    case EXECUTION_FAILED: return "CUDNN_STATUS_EXECUTION_FAILED";
  }
  return "CUDNN_STATUS of another kind";
}

EXPORT void cudnnGetLastErrorString(char* message, size_t most) {
  if (most == 0) return;
  std::strncpy(message, last_story.c_str(), most);
  message[most - 1] = 0;
  last_story.clear();
}

EXPORT int cudnnCreate(Handle** out) {
  LOCK;
  if (require_context() != CUDA_SUCCESS) return refuse(NOT_INITIALIZED, "cudnnCreate: no context is current");
  *out = new Handle;
  handles().insert(*out);
  return SUCCESS;
}
EXPORT int cudnnDestroy(Handle* h) {
  LOCK;
  if (!handles().erase(h)) return refuse(BAD_PARAM, "cudnnDestroy: no such handle");
  delete h;
  return SUCCESS;
}
EXPORT int cudnnSetStream(Handle* h, CUstream stream) {
  LOCK;
  if (!handles().count(h)) return refuse(BAD_PARAM, "cudnnSetStream: no such handle");
  h->stream = stream;
  return SUCCESS;
}

EXPORT int cudnnBackendCreateDescriptor(int type, Descriptor** out) {
  LOCK;
  static const std::set<int> known{POINTWISE, CONVOLUTION, ENGINE, ENGINE_CONFIGURATION, HEURISTICS, PLAN, FORWARD,
                                   WEIGHT_GRADIENT, INPUT_GRADIENT, POINTWISE_OPERATION, GRAPH, VARIANT_PACK, TENSOR,
                                   DEVICE_PROPERTIES, ATTENTION, MATMUL, MATMUL_OPERATION, REDUCTION,
                                   REDUCTION_OPERATION, RESHAPE_OPERATION};
  if (!known.count(type)) return refuse(NOT_SUPPORTED, format("descriptors of type %d", type));
  *out = new Descriptor();
  (*out)->type = type;
  descriptors().insert(*out);
  return SUCCESS;
}

EXPORT int cudnnBackendDestroyDescriptor(Descriptor* d) {
  LOCK;
  if (!descriptors().erase(d)) return refuse(BAD_PARAM, "a descriptor that is destroyed already");
  delete d;
  return SUCCESS;
}

EXPORT int cudnnBackendSetAttribute(Descriptor* d, int attribute, int type, int64_t count, const void* from) {
  LOCK;
  if (!descriptors().count(d)) return refuse(BAD_PARAM, "a descriptor that is destroyed");
  if (d->finalized) return refuse(BAD_PARAM, "an attribute set after finalizing");
  std::optional<int> wanted = attribute_type(attribute);
  if (!wanted) return refuse(NOT_SUPPORTED, format("attribute %d", attribute));
  if (*wanted != type) {
    return refuse(ATTRIBUTE_TYPE, format("attribute %d is of type %d, not %d", attribute, *wanted, type));
  }
  if (count < 0 || (count > 0 && !from)) return refuse(NULL_POINTER, format("attribute %d without values", attribute));
  const auto* bytes = static_cast<const unsigned char*>(from);
  d->attributes[attribute] = Attribute{type, {bytes, bytes + static_cast<size_t>(count) * size_of(type)}};
  return SUCCESS;
}

EXPORT int cudnnBackendGetAttribute(const Descriptor* d, int attribute, int type, int64_t asked, int64_t* count, void* to) {
  LOCK;
  if (!descriptors().count(const_cast<Descriptor*>(d))) return refuse(BAD_PARAM, "a descriptor that is destroyed");
  if (!d->finalized) return refuse(NOT_FINALIZED, "an attribute asked of what is not finalized");
  if (attribute == 202 && d->type == HEURISTICS && type == DESCRIPTOR) return give_engines(*d, asked, count, to);
  if (attribute == 300 && d->type == ENGINE_CONFIGURATION && type == DESCRIPTOR && to) {
    Descriptor* engine = *static_cast<Descriptor**>(to);
    if (!descriptors().count(engine) || engine->type != ENGINE) return refuse(DESCRIPTOR_TYPE, "an engine is filled");
    engine->finalized = true;
    engine->engine = d->engine;
    *count = 1;
    return SUCCESS;
  }
  if (attribute == 1303 && d->type == ENGINE && type == NUMERICAL_NOTE) return give(d->engine.notes, asked, count, to);
  if (attribute == 1301 && d->type == ENGINE && type == INT64) {
    return give(std::vector<int64_t>{d->engine.number}, asked, count, to);
  }
  if (attribute == 1305 && d->type == ENGINE && type == BEHAVIOR_NOTE) {
    return give(d->engine.compiled ? std::vector<int>{RUNTIME_COMPILATION} : std::vector<int>{}, asked, count, to);
  }
  if (attribute == 405 && d->type == PLAN && type == CHAR) {
    std::string text = text_of(*d);
    return give(std::vector<char>(text.begin(), text.end()), asked, count, to);
  }
  if (attribute == 402 && d->type == PLAN && type == INT64) {
    return give(std::vector<int64_t>{static_cast<int64_t>(workspace(*d->program))}, asked, count, to);
  }
  return refuse(NOT_SUPPORTED, format("attribute %d of a descriptor of type %d", attribute, d->type));
}

EXPORT int cudnnBackendFinalize(Descriptor* d) {
  LOCK;
  if (!descriptors().count(d)) return refuse(BAD_PARAM, "a descriptor that is destroyed");
  try {
    finalize(*d);
  } catch (const Refusal& r) {
    return r.status;
  }
  d->finalized = true;
  return SUCCESS;
}

EXPORT int cudnnBackendExecute(Handle* h, Descriptor* plan, Descriptor* pack) {
  LOCK;
  if (require_context() != CUDA_SUCCESS) return refuse(EXECUTION_FAILED, "the context is broken or absent");
  if (!handles().count(h) || !descriptors().count(plan) || !descriptors().count(pack) || plan->type != PLAN ||
      pack->type != VARIANT_PACK) {
    return refuse(BAD_PARAM, "cudnnBackendExecute wants a handle, a plan and a variant pack");
  }
  if (!plan->finalized || !pack->finalized) return refuse(NOT_FINALIZED, "a plan or variant pack that is not finalized");
  std::vector<int64_t> ids = values<int64_t>(*pack, 1000);
  std::vector<Address> pointers = values<Address>(*pack, 1001);
  std::map<int64_t, Address> addresses;
  std::map<int64_t, float> scalars;
  for (const auto& [id, tensor] : plan->program->operands()) {
    auto at = std::find(ids.begin(), ids.end(), id);
    if (at == ids.end()) return refuse(BAD_PARAM, format("the variant pack lacks tensor %d", static_cast<int>(id)));
    Address a = pointers[static_cast<size_t>(at - ids.begin())];
    if (tensor.by_value) {
      if (memory::inside(a)) return refuse(BAD_PARAM, "a scalar by value is read from the host");
      std::memcpy(&scalars[id], reinterpret_cast<const void*>(a), sizeof(float));
      continue;
    }
    if (a % static_cast<Address>(tensor.alignment) != 0) {
      return refuse(MISALIGNED_POINTER, format("tensor %d is not aligned to %d bytes", static_cast<int>(id),
                                               static_cast<int>(tensor.alignment)));
    }
    addresses[id] = a;
  }
  if (fails("NACRE_SIM_CUDNN_FAIL_EXECUTE", plan->engine, *plan->program)) {
    return refuse(EXECUTION_FAILED, format("engine %d does not run", static_cast<int>(plan->engine.number)));
  }
  Address scratch = value<Address>(*pack, 1003, 0);
  size_t bytes = workspace(*plan->program);
  std::shared_ptr<Program> program = plan->program;
  CUresult result = enqueue(h->stream, Work{"graph", [=]() -> std::string {
                                              std::string why = memory::why_not_writable(scratch, bytes);
                                              if (!why.empty()) return "cudnnBackendExecute: workspace: " + why;
                                              if (bytes) std::memset(memory::host<void>(scratch), 0xFF, bytes);
                                              memory::mark_written(scratch, bytes);
                                              return program->run(addresses, scalars);
                                            }, false, cost_of("NACRE_SIM_CUDNN_COST", plan->engine.number)});
  return result == CUDA_SUCCESS ? SUCCESS : refuse(EXECUTION_FAILED, "the stream refused the plan");
}
