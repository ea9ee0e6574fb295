// cuBLASLt: matrix products with epilogues, column-major as the library's.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "errors.h"
#include "memory.h"
#include "numbers.h"
#include "report.h"
#include "streams.h"

using namespace sim;

namespace sim {
CUresult require_context();
}

namespace {

enum Status { SUCCESS = 0, NOT_INITIALIZED = 1, INVALID_VALUE = 7, EXECUTION_FAILED = 13, NOT_SUPPORTED = 15 };

std::map<int, const char*>& stories() {
  static std::map<int, const char*> all;
  return all;
}

// Keeps the story for cublasLtGetStatusString.
int refuse(Status status, const std::string& story) {
  static std::set<std::string> kept;
  std::lock_guard hold(device_lock());
  stories()[status] = kept.insert(story).first->c_str();
  return status;
}

struct Layout {
  int type;
  uint64_t rows, columns;
  int64_t leading;
  int order = 0;
  int batch = 1;
  int64_t batch_step = 0;
};

struct Description {
  int compute, scale;
  int pointer_mode = 0, transpose_a = 0, transpose_b = 0;
  int epilogue = 1;
  uint64_t bias = 0, aux = 0;
  int64_t bias_step = 0, aux_leading = 0, aux_step = 0;
  int bias_type = -1, aux_type = -1;
};

struct Preference {
  uint64_t most_workspace = 0;
  uint32_t alignment[4] = {256, 256, 256, 256};  // of A, B, C and D, in bytes
};

struct Algorithm {
  uint64_t data[8];
};

struct Heuristic {
  Algorithm algorithm;
  size_t workspace;
  int state;
  float waves;
  int reserved[4];
};

constexpr int EPILOGUE_RELU = 2, EPILOGUE_BIAS = 4, EPILOGUE_DRELU = 8, EPILOGUE_BGRAD = 16, EPILOGUE_GELU = 32,
              EPILOGUE_DGELU = 64, EPILOGUE_AUX = 128, EPILOGUE_BGRADA = 256, EPILOGUE_BGRADB = 512;
constexpr uint64_t ALGORITHM_MAGIC = 0x4e61637265536d31;
constexpr size_t WORKSPACE = 64 << 10;
constexpr int ALGORITHMS = 3;  // of each product, which compute the same

std::optional<Type> type_of(int cuda) {
  switch (cuda) {
    case 0: return Type::F32;
    case 2: return Type::F16;
    case 14: return Type::BF16;
  }
  return std::nullopt;
}

// Why the product cannot be, or nothing.
std::string problem(const Description& d, const Layout& a, const Layout& b, const Layout& c, const Layout& o,
                    Status& status) {
  status = INVALID_VALUE;
  uint64_t m = d.transpose_a ? a.columns : a.rows, k = d.transpose_a ? a.rows : a.columns;
  uint64_t n = d.transpose_b ? b.rows : b.columns, k2 = d.transpose_b ? b.columns : b.rows;
  if (k != k2 || o.rows != m || o.columns != n || c.rows != m || c.columns != n) {
    return format("op(A) is %zu x %zu, op(B) %zu x %zu, C %zu x %zu, D %zu x %zu", size_t(m), size_t(k), size_t(k2),
                  size_t(n), size_t(c.rows), size_t(c.columns), size_t(o.rows), size_t(o.columns));
  }
  for (const Layout* l : {&a, &b, &c, &o}) {
    if (l->leading < static_cast<int64_t>(l->rows)) {
      return format("a leading dimension of %zd for %zu rows", size_t(l->leading), size_t(l->rows));
    }
    if (l->batch != o.batch) return format("batches of %d and %d", l->batch, o.batch);
  }
  status = NOT_SUPPORTED;
  for (const Layout* l : {&a, &b, &c, &o}) {
    if (!type_of(l->type)) return format("type %d", l->type);
    if (l->order != 0) return format("order %d", l->order);
  }
  if (a.type != b.type || c.type != o.type) return "A and B, or C and D, of two types";
  if (a.type != o.type && o.type != 0) return "a result of another type than its operands that is not f32";
  bool fast = d.compute == 77 || d.compute == 74 || d.compute == 75;
  if (d.compute != 68 && d.compute != 69 && !(fast && a.type == 0)) return format("compute type %d", d.compute);
  if (d.scale != 0) return format("scale type %d", d.scale);
  int e = d.epilogue;
  bool gradient = (e & (EPILOGUE_DRELU | EPILOGUE_DGELU)) != 0;
  if ((e & EPILOGUE_AUX) && !(e & (EPILOGUE_GELU | EPILOGUE_DGELU))) return format("epilogue %d", e);
  if (o.batch > 1 && (e & (EPILOGUE_BGRADA | EPILOGUE_BGRADB | EPILOGUE_BGRAD))) return "a bias gradient over a batch";
  if (gradient && !(e & EPILOGUE_AUX)) return format("epilogue %d", e);
  return "";
}

// Matrix `l` of a batch entry as floats, row-major [rows, columns] of op(); checked first.
std::string read_matrix(const Layout& l, Address base, int entry, bool transpose, bool tf32, std::vector<float>& out) {
  Type type = *type_of(l.type);
  size_t size = bytes_of(type);
  Address at = base + static_cast<int64_t>(entry) * l.batch_step * static_cast<int64_t>(size);
  size_t rows = l.rows, columns = l.columns, leading = static_cast<size_t>(l.leading);
  for (size_t j = 0; j < columns;) {
    size_t together = leading == rows ? columns : 1;
    std::string why = memory::why_not_readable(at + j * leading * size, together * rows * size);
    if (!why.empty()) return why;
    j += together;
  }
  out.resize(rows * columns);
  const void* from = memory::host<void>(at);
  for (size_t j = 0; j < columns; j++) {
    for (size_t i = 0; i < rows; i++) {
      float v = read_element(type, from, i + j * leading);
      out[transpose ? j * rows + i : i * columns + j] = tf32 ? to_tf32(v) : v;
    }
  }
  return "";
}

struct Call {
  Description d;
  Layout a, b, c, o;
  Address pa, pb, pc, po;
  float alpha, beta;
};

std::string write_vector(const std::vector<float>& v, Address at, Type type) {
  std::string why = memory::why_not_writable(at, v.size() * bytes_of(type));
  if (!why.empty()) return "bias gradient: " + why;
  for (size_t i = 0; i < v.size(); i++) write_element(type, memory::host<void>(at), i, v[i]);
  memory::mark_written(at, v.size() * bytes_of(type));
  return "";
}

std::string run_entry(const Call& call, int entry) {
  const Description& d = call.d;
  int e = d.epilogue;
  size_t m = call.o.rows, n = call.o.columns, k = d.transpose_a ? call.a.rows : call.a.columns;
  bool tf32 = d.compute == 77 || d.compute == 74 || d.compute == 75;
  std::vector<float> a, b, c;
  std::string why = read_matrix(call.a, call.pa, entry, d.transpose_a, tf32, a);
  if (!why.empty()) return "A: " + why;
  why = read_matrix(call.b, call.pb, entry, d.transpose_b, tf32, b);
  if (!why.empty()) return "B: " + why;
  if (call.beta != 0) {
    why = read_matrix(call.c, call.pc, entry, false, false, c);
    if (!why.empty()) return "C: " + why;
  }
  std::vector<float> product(m * n, 0.0f);
  multiply(a.data(), b.data(), product.data(), m, n, k);

  Type type = *type_of(call.o.type);
  Type bias_type = d.bias_type >= 0 && type_of(d.bias_type) ? *type_of(d.bias_type) : type;
  if (e & EPILOGUE_BGRADA) {
    std::vector<float> sums(m, 0.0f);
    for (size_t i = 0; i < m; i++) {
      for (size_t p = 0; p < k; p++) sums[i] += a[i * k + p];
    }
    if (why = write_vector(sums, d.bias, bias_type); !why.empty()) return why;
  }
  if (e & EPILOGUE_BGRADB) {
    std::vector<float> sums(n, 0.0f);
    for (size_t p = 0; p < k; p++) {
      for (size_t j = 0; j < n; j++) sums[j] += b[p * n + j];
    }
    if (why = write_vector(sums, d.bias, bias_type); !why.empty()) return why;
  }
  if (e & EPILOGUE_BIAS) {
    Address at = d.bias + static_cast<uint64_t>(entry * d.bias_step) * bytes_of(bias_type);
    if (why = memory::why_not_readable(at, m * bytes_of(bias_type)); !why.empty()) return "bias: " + why;
  }
  Type aux_type = d.aux_type >= 0 && type_of(d.aux_type) ? *type_of(d.aux_type) : type;
  size_t size = bytes_of(type);
  Address out = call.po + static_cast<int64_t>(entry) * call.o.batch_step * static_cast<int64_t>(size);
  Address aux = d.aux + static_cast<int64_t>(entry) * d.aux_step * static_cast<int64_t>(bytes_of(aux_type));
  std::vector<float> sums(m, 0.0f);
  for (size_t j = 0; j < n; j++) {
    Address column = out + j * static_cast<size_t>(call.o.leading) * size;
    Address aux_column = aux + j * static_cast<size_t>(d.aux_leading) * bytes_of(aux_type);
    if (why = memory::why_not_writable(column, m * size); !why.empty()) return "D: " + why;
    if (e & EPILOGUE_AUX) {
      why = (e & EPILOGUE_DGELU) ? memory::why_not_readable(aux_column, m * bytes_of(aux_type))
                                 : memory::why_not_writable(aux_column, m * bytes_of(aux_type));
      if (!why.empty()) return "aux: " + why;
    }
    for (size_t i = 0; i < m; i++) {
      float v = call.alpha * product[i * n + j];
      if (call.beta != 0) v += call.beta * c[i * n + j];
      if (e & EPILOGUE_BIAS) {
        v += read_element(bias_type, memory::host<void>(d.bias), static_cast<size_t>(entry * d.bias_step) + i);
      }
      if (e & EPILOGUE_RELU) v = v > 0 ? v : 0;
      if (e & EPILOGUE_GELU) {
        if (e & EPILOGUE_AUX) write_element(aux_type, memory::host<void>(aux_column), i, v);
        v = gelu_tanh(v);
      }
      if (e & EPILOGUE_DGELU) v *= gelu_tanh_slope(read_element(aux_type, memory::host<void>(aux_column), i));
      sums[i] += v;
      write_element(type, memory::host<void>(column), i, v);
    }
    memory::mark_written(column, m * size);
    if ((e & EPILOGUE_AUX) && (e & EPILOGUE_GELU)) memory::mark_written(aux_column, m * bytes_of(aux_type));
  }
  if (e & EPILOGUE_BGRAD) return write_vector(sums, d.bias, bias_type);
  return "";
}

template <class T>
bool put(T& to, const void* from, size_t bytes) {
  if (bytes != sizeof(T)) return false;
  std::memcpy(&to, from, bytes);
  return true;
}

int wrong_size(const char* what, int attribute, size_t bytes) {
  return refuse(INVALID_VALUE, format("%s: attribute %d is unknown or not of %zu bytes", what, attribute, bytes));
}

char handle;

}  // namespace

EXPORT size_t cublasLtGetVersion() {
  const char* asked = std::getenv("NACRE_SIM_CUBLAS_VERSION");
  return asked ? static_cast<size_t>(std::atoll(asked)) : 130100;
}

EXPORT const char* cublasLtGetStatusName(int status) {
  switch (status) {
    case SUCCESS: return "CUBLAS_STATUS_SUCCESS";
    case NOT_INITIALIZED: return "CUBLAS_STATUS_NOT_INITIALIZED";
    case INVALID_VALUE: return "CUBLAS_STATUS_INVALID_VALUE";
    case EXECUTION_FAILED: return "CUBLAS_STATUS_EXECUTION_FAILED";
    case NOT_SUPPORTED: return "CUBLAS_STATUS_NOT_SUPPORTED";
  }
  return "unknown";
}

EXPORT const char* cublasLtGetStatusString(int status) {
  std::lock_guard hold(device_lock());
  auto told = stories().find(status);
  return told == stories().end() ? cublasLtGetStatusName(status) : told->second;
}

EXPORT int cublasLtCreate(void** out) {
  std::lock_guard hold(device_lock());
  if (require_context() != CUDA_SUCCESS) return refuse(NOT_INITIALIZED, "cublasLtCreate: no context is current");
  *out = &handle;
  return SUCCESS;
}
EXPORT int cublasLtDestroy(void* h) { return h == &handle ? SUCCESS : INVALID_VALUE; }

EXPORT int cublasLtMatrixLayoutCreate(Layout** out, int type, uint64_t rows, uint64_t columns, int64_t leading) {
  *out = new Layout{type, rows, columns, leading};
  return SUCCESS;
}
EXPORT int cublasLtMatrixLayoutDestroy(Layout* l) {
  delete l;
  return SUCCESS;
}
EXPORT int cublasLtMatrixLayoutSetAttribute(Layout* l, int attribute, const void* value, size_t bytes) {
  bool good = false;
  switch (attribute) {
    case 0: good = put(l->type, value, bytes); break;
    case 1: good = put(l->order, value, bytes); break;
    case 2: good = put(l->rows, value, bytes); break;
    case 3: good = put(l->columns, value, bytes); break;
    case 4: good = put(l->leading, value, bytes); break;
    case 5: good = put(l->batch, value, bytes); break;
    case 6: good = put(l->batch_step, value, bytes); break;
  }
  return good ? SUCCESS : wrong_size("matrix layout", attribute, bytes);
}

EXPORT int cublasLtMatmulDescCreate(Description** out, int compute, int scale) {
  *out = new Description{compute, scale};
  return SUCCESS;
}
EXPORT int cublasLtMatmulDescDestroy(Description* d) {
  delete d;
  return SUCCESS;
}
EXPORT int cublasLtMatmulDescSetAttribute(Description* d, int attribute, const void* value, size_t bytes) {
  bool good = false;
  switch (attribute) {
    case 0: good = put(d->compute, value, bytes); break;
    case 1: good = put(d->scale, value, bytes); break;
    case 2: good = put(d->pointer_mode, value, bytes) && d->pointer_mode == 0; break;
    case 3: good = put(d->transpose_a, value, bytes); break;
    case 4: good = put(d->transpose_b, value, bytes); break;
    case 7: good = put(d->epilogue, value, bytes); break;
    case 8: good = put(d->bias, value, bytes); break;
    case 10: good = put(d->bias_step, value, bytes); break;
    case 11: good = put(d->aux, value, bytes); break;
    case 12: good = put(d->aux_leading, value, bytes); break;
    case 13: good = put(d->aux_step, value, bytes); break;
    case 22: good = put(d->aux_type, value, bytes); break;
    case 26: good = put(d->bias_type, value, bytes); break;
  }
  return good ? SUCCESS : wrong_size("matmul description", attribute, bytes);
}

EXPORT int cublasLtMatmulPreferenceCreate(Preference** out) {
  *out = new Preference();
  return SUCCESS;
}
EXPORT int cublasLtMatmulPreferenceDestroy(Preference* p) {
  delete p;
  return SUCCESS;
}
EXPORT int cublasLtMatmulPreferenceSetAttribute(Preference* p, int attribute, const void* value, size_t bytes) {
  if (attribute == 1) return put(p->most_workspace, value, bytes) ? SUCCESS : wrong_size("preference", attribute, bytes);
  if (attribute >= 5 && attribute <= 8) {
    return put(p->alignment[attribute - 5], value, bytes) ? SUCCESS : wrong_size("preference", attribute, bytes);
  }
  if (attribute >= 0 && attribute <= 12) return SUCCESS;
  return wrong_size("preference", attribute, bytes);
}

EXPORT int cublasLtMatmulAlgoGetHeuristic(void* h, Description* d, Layout* a, Layout* b, Layout* c, Layout* o,
                                          Preference* p, int asked, Heuristic* results, int* count) {
  if (h != &handle || !d || !a || !b || !c || !o || !p || asked < 1 || !results || !count) {
    return refuse(INVALID_VALUE, "cublasLtMatmulAlgoGetHeuristic: a null or unknown handle");
  }
  *count = 0;
  Status status;
  std::string why = problem(*d, *a, *b, *c, *o, status);
  if (!why.empty()) return refuse(status, "cublasLtMatmulAlgoGetHeuristic: " + why);
  for (; *count < std::min(asked, ALGORITHMS); ++*count) {
    Heuristic& one = results[*count];
    one = Heuristic{};
    one.workspace = p->most_workspace >= WORKSPACE ? WORKSPACE : 0;
    one.algorithm.data[0] = ALGORITHM_MAGIC;
    one.algorithm.data[1] = one.workspace;
    // What it was told of alignment it relies on; a bias that was not set is as aligned as can be.
    for (int i = 0; i < 4; i++) one.algorithm.data[2 + i] = p->alignment[i];
    one.algorithm.data[7] = static_cast<uint64_t>(*count);
    one.algorithm.data[6] = d->bias == 0 ? 256 : std::min<uint64_t>(256, d->bias & (~d->bias + 1));
    one.waves = 1;
  }
  return SUCCESS;
}

EXPORT int cublasLtMatmul(void* h, const Description* d, const float* alpha, uint64_t pa, const Layout* a, uint64_t pb,
                          const Layout* b, const float* beta, uint64_t pc, const Layout* c, uint64_t po, const Layout* o,
                          const Algorithm* algorithm, uint64_t workspace, size_t workspace_bytes, CUstream stream) {
  std::lock_guard hold(device_lock());
  if (require_context() != CUDA_SUCCESS) return refuse(EXECUTION_FAILED, "cublasLtMatmul: the context is broken or absent");
  if (h != &handle || !d || !a || !b || !c || !o || !alpha || !beta) {
    return refuse(INVALID_VALUE, "cublasLtMatmul: a null or unknown handle");
  }
  Status status;
  if (std::string why = problem(*d, *a, *b, *c, *o, status); !why.empty()) return refuse(status, "cublasLtMatmul: " + why);
  if (algorithm && algorithm->data[0] != ALGORITHM_MAGIC) return refuse(INVALID_VALUE, "cublasLtMatmul: no such algorithm");
  if (algorithm && algorithm->data[1] > workspace_bytes) {
    return refuse(INVALID_VALUE, format("cublasLtMatmul: the algorithm wants %zu bytes of workspace, %zu are given",
                                        size_t(algorithm->data[1]), workspace_bytes));
  }
  for (auto [pointer, layout] : {std::pair{pa, a}, {pb, b}, {po, o}}) {
    if (pointer % bytes_of(*type_of(layout->type)) != 0) return refuse(INVALID_VALUE, "cublasLtMatmul: a misaligned pointer");
  }
  if (algorithm) {
    bool biased = (d->epilogue & (EPILOGUE_BIAS | EPILOGUE_BGRAD | EPILOGUE_BGRADA | EPILOGUE_BGRADB)) != 0;
    const uint64_t pointers[] = {pa, pb, *beta == 0 ? 0 : pc, po, biased ? d->bias : 0};
    const char* names[] = {"A", "B", "C", "D", "the bias"};
    for (int i = 0; i < 5; i++) {
      if (pointers[i] % algorithm->data[2 + i] != 0) {
        return refuse(INVALID_VALUE, format("cublasLtMatmul: the algorithm is one for %s aligned to %zu bytes", names[i],
                                            size_t(algorithm->data[2 + i])));
      }
    }
  }
  size_t used = algorithm ? algorithm->data[1] : 0;
  double cost = algorithm ? cost_of("NACRE_SIM_CUBLAS_COST", static_cast<int64_t>(algorithm->data[7])) : 0;
  Call call{*d, *a, *b, *c, *o, pa, pb, pc, po, *alpha, *beta};
  CUresult result = enqueue(stream, Work{"matrix product", [call, workspace, used]() -> std::string {
                                           std::string why = memory::why_not_writable(workspace, used);
                                           if (!why.empty()) return "cublasLtMatmul: workspace: " + why;
                                           if (used != 0) std::memset(memory::host<void>(workspace), 0xFF, used);
                                           memory::mark_written(workspace, used);
                                           for (int entry = 0; entry < call.o.batch; entry++) {
                                             why = run_entry(call, entry);
                                             if (!why.empty()) return "cublasLtMatmul: " + why;
                                           }
                                           return "";
                                         }, false, cost});
  return result == CUDA_SUCCESS ? SUCCESS : EXECUTION_FAILED;
}
