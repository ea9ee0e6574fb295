#include "dnn_program.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <sstream>

#include "errors.h"

namespace sim::dnn {
namespace {

constexpr int ADD = 0, MULTIPLY = 1, DIVIDE = 6, SUBTRACT = 9, EXP = 13, LOG = 15;  // of pointwise operations
constexpr int ADD_ALL = 0, MAX_ALL = 3;                                             // of reductions
constexpr int NOT_SUPPORTED_PATTERN = 3001, NOT_SUPPORTED_SHAPE = 3002, NOT_SUPPORTED_TYPE = 3003;

// Values of all tensors of a run, dense in the order of their dims.
using Values = std::vector<float>;

// Calls body(offset by strides) for each element, the last dim fastest.
template <class Body>
void for_each(const Tensor& t, Body body) {
  size_t rank = t.dims.size();
  std::vector<int64_t> at(rank, 0);
  int64_t offset = 0;
  for (size_t i = 0, n = t.elements(); i < n; i++) {
    body(i, static_cast<size_t>(offset));
    for (size_t axis = rank; axis-- > 0;) {
      offset += t.strides[axis];
      if (++at[axis] < t.dims[axis]) break;
      offset -= t.strides[axis] * t.dims[axis];
      at[axis] = 0;
    }
  }
}

class Run {
 public:
  Run(const Program& program, const std::map<int64_t, Address>& addresses, const std::map<int64_t, float>& scalars)
      : program_(program), addresses_(addresses), scalars_(scalars) {}

  std::string all() {
    for (const Operation& o : program_.operations) {
      switch (o.kind) {
        case Kind::FORWARD: forward(o); break;
        case Kind::INPUT_GRADIENT: input_gradient(o); break;
        case Kind::WEIGHT_GRADIENT: weight_gradient(o); break;
        case Kind::POINTWISE: pointwise(o); break;
        case Kind::ATTENTION: attention(o); break;
        case Kind::PRODUCT: product(o); break;
        case Kind::REDUCTION: reduce(o); break;
        case Kind::RESHAPE: reshape(o); break;
      }
      if (!fault_.empty()) return fault_;
    }
    return "";
  }

 private:
  const Program& program_;
  const std::map<int64_t, Address>& addresses_;
  const std::map<int64_t, float>& scalars_;
  std::map<int64_t, Values> between_;
  std::string fault_;

  Values read(const Tensor& t) {
    if (t.is_virtual) return between_[t.id];
    if (t.by_value) return Values(1, scalars_.at(t.id));
    Values v(t.elements());
    Address a = addresses_.at(t.id);
    std::string why = memory::why_not_readable(a, t.span() * bytes_of(t.type));
    if (!why.empty()) {
      fault_ = format("cudnnBackendExecute: tensor %d: %s", static_cast<int>(t.id), why.c_str());
      return v;
    }
    for_each(t, [&](size_t i, size_t offset) { v[i] = read_element(t.type, memory::host<void>(a), offset); });
    return v;
  }

  void write(const Tensor& t, Values v) {
    if (t.is_virtual) {
      for (size_t i = 0; t.type != Type::F32 && i < v.size(); i++) {
        uint16_t rounded;
        write_element(t.type, &rounded, 0, v[i]);
        v[i] = read_element(t.type, &rounded, 0);
      }
      between_[t.id] = std::move(v);
      return;
    }
    if (!fault_.empty()) return;
    Address a = addresses_.at(t.id);
    size_t bytes = t.span() * bytes_of(t.type);
    std::string why = memory::why_not_writable(a, bytes);
    if (!why.empty()) {
      fault_ = format("cudnnBackendExecute: tensor %d: %s", static_cast<int>(t.id), why.c_str());
      return;
    }
    for_each(t, [&](size_t i, size_t offset) { write_element(t.type, memory::host<void>(a), offset, v[i]); });
    memory::mark_written(a, bytes);
  }

  void round(Values& v) const {
    if (!program_.tf32) return;
    for (float& x : v) x = to_tf32(x);
  }

  // ---- convolutions: x [n, c, h, w], w [o, c, kh, kw], y [n, o, oh, ow]

  struct Shape {
    size_t n, c, h, w, o, kh, kw, oh, ow;
    size_t taps() const { return c * kh * kw; }
    size_t pixels() const { return oh * ow; }
  };

  static Shape shape_of(const Operation& o) {
    const auto& x = o.tensors.at("x").dims;
    const auto& w = o.tensors.at("w").dims;
    const auto& y = o.tensors.at("y").dims;
    auto u = [](int64_t v) { return static_cast<size_t>(v); };
    return Shape{u(x[0]), u(x[1]), u(x[2]), u(x[3]), u(w[0]), u(w[2]), u(w[3]), u(y[2]), u(y[3])};
  }

  // Calls body(tap, output pixel, input pixel) for each pair that the kernel joins; no channel in it.
  template <class Body>
  static void for_each_tap(const Shape& s, const Convolution& how, Body body) {
    for (size_t ky = 0; ky < s.kh; ky++) {
      for (size_t kx = 0; kx < s.kw; kx++) {
        for (size_t oy = 0; oy < s.oh; oy++) {
          int64_t row = static_cast<int64_t>(oy) * how.stride[0] + static_cast<int64_t>(ky) * how.dilation[0] - how.before[0];
          if (row < 0 || row >= static_cast<int64_t>(s.h)) continue;
          for (size_t ox = 0; ox < s.ow; ox++) {
            int64_t column =
                static_cast<int64_t>(ox) * how.stride[1] + static_cast<int64_t>(kx) * how.dilation[1] - how.before[1];
            if (column < 0 || column >= static_cast<int64_t>(s.w)) continue;
            body(ky * s.kw + kx, oy * s.ow + ox, static_cast<size_t>(row) * s.w + static_cast<size_t>(column));
          }
        }
      }
    }
  }

  // columns [taps, pixels] of image x [c, h, w].
  static Values columns(const Shape& s, const Convolution& how, const float* x) {
    Values v(s.taps() * s.pixels(), 0.0f);
    for_each_tap(s, how, [&](size_t tap, size_t out, size_t in) {
      for (size_t c = 0; c < s.c; c++) v[(c * s.kh * s.kw + tap) * s.pixels() + out] = x[c * s.h * s.w + in];
    });
    return v;
  }

  void forward(const Operation& o) {
    Shape s = shape_of(o);
    Values x = read(o.tensors.at("x"));
    Values w = read(o.tensors.at("w"));
    if (!fault_.empty()) return;
    round(x);
    round(w);
    Values y(s.n * s.o * s.pixels(), 0.0f);
    for (size_t n = 0; n < s.n; n++) {
      Values under = columns(s, o.convolution, &x[n * s.c * s.h * s.w]);
      multiply(w.data(), under.data(), &y[n * s.o * s.pixels()], s.o, s.pixels(), s.taps());
    }
    write(o.tensors.at("y"), std::move(y));
  }

  static Values transposed(const float* v, size_t rows, size_t columns) {
    Values t(rows * columns);
    for (size_t i = 0; i < rows; i++) {
      for (size_t j = 0; j < columns; j++) t[j * rows + i] = v[i * columns + j];
    }
    return t;
  }

  void input_gradient(const Operation& o) {
    Shape s = shape_of(o);
    Values dy = read(o.tensors.at("y"));
    Values w = read(o.tensors.at("w"));
    if (!fault_.empty()) return;
    round(dy);
    round(w);
    Values by_tap = transposed(w.data(), s.o, s.taps());
    Values dx(s.n * s.c * s.h * s.w, 0.0f);
    for (size_t n = 0; n < s.n; n++) {
      Values reached(s.taps() * s.pixels(), 0.0f);
      multiply(by_tap.data(), &dy[n * s.o * s.pixels()], reached.data(), s.taps(), s.pixels(), s.o);
      for_each_tap(s, o.convolution, [&](size_t tap, size_t out, size_t in) {
        for (size_t c = 0; c < s.c; c++) {
          dx[(n * s.c + c) * s.h * s.w + in] += reached[(c * s.kh * s.kw + tap) * s.pixels() + out];
        }
      });
    }
    write(o.tensors.at("x"), std::move(dx));
  }

  void weight_gradient(const Operation& o) {
    Shape s = shape_of(o);
    Values x = read(o.tensors.at("x"));
    Values dy = read(o.tensors.at("y"));
    if (!fault_.empty()) return;
    round(x);
    round(dy);
    Values dw(s.o * s.taps(), 0.0f);
    for (size_t n = 0; n < s.n; n++) {
      Values under = columns(s, o.convolution, &x[n * s.c * s.h * s.w]);
      Values by_pixel = transposed(under.data(), s.taps(), s.pixels());
      multiply(&dy[n * s.o * s.pixels()], by_pixel.data(), dw.data(), s.o, s.taps(), s.pixels());
    }
    write(o.tensors.at("w"), std::move(dw));
  }

  // ---- pointwise

  static float apply(int mode, float x) {
    switch (mode) {
      case 13: return std::exp(x);
      case 15: return std::log(x);
      case 21: return x;
      case 100: return x > 0 || x != x ? x : 0;
      case 101: return std::tanh(x);
      case 102: return logistic(x);
      case 104: return gelu_erf(x);
      case 106: return x * logistic(x);
      case 107: return gelu_tanh(x);
    }
    return std::numeric_limits<float>::quiet_NaN();
  }

  // Values of t as they lie densely, with steps of 0 where t has one element and dims more.
  static Tensor spread(const Tensor& t, const std::vector<int64_t>& dims) {
    Tensor wide = t;
    wide.dims = dims;
    int64_t step = 1;
    for (size_t axis = dims.size(); axis-- > 0;) {
      wide.strides[axis] = t.dims[axis] == 1 ? 0 : step;
      step *= t.dims[axis];
    }
    return wide;
  }

  void pointwise(const Operation& o) {
    const Tensor& out = o.tensors.at("y");
    Values x = read(o.tensors.at("x"));
    if (auto other = o.tensors.find("b"); other != o.tensors.end()) {
      Values b = read(other->second);
      if (!fault_.empty()) return;
      for_each(spread(other->second, out.dims), [&](size_t i, size_t offset) {
        float v = b[offset];
        switch (o.mode) {
          case 0: x[i] += v; break;
          case 1: x[i] *= v; break;
          case 6: x[i] /= v; break;
          case 9: x[i] -= v; break;
        }
      });
    } else {
      for (float& v : x) v = apply(o.mode, v);
    }
    write(out, std::move(x));
  }

  // ---- attention: q, o [n, h, t, d], k, v [n, h, s, d]

  void attention(const Operation& o) {
    const auto& dims = o.tensors.at("q").dims;
    size_t heads = static_cast<size_t>(dims[0] * dims[1]), t = static_cast<size_t>(dims[2]), d = static_cast<size_t>(dims[3]);
    size_t s = static_cast<size_t>(o.tensors.at("k").dims[2]);
    Values q = read(o.tensors.at("q")), k = read(o.tensors.at("k")), v = read(o.tensors.at("v"));
    float scale = read(o.tensors.at("scale"))[0];
    if (!fault_.empty()) return;
    Values y(q.size(), 0.0f), logs(heads * t);
    for (size_t h = 0; h < heads; h++) {
      Values kt = transposed(&k[h * s * d], s, d);
      Values p(t * s, 0.0f);
      multiply(&q[h * t * d], kt.data(), p.data(), t, s, d);
      for (size_t i = 0; i < t; i++) {
        float* row = &p[i * s];
        float top = -std::numeric_limits<float>::infinity(), sum = 0;
        for (size_t j = 0; j < s; j++) top = std::max(top, row[j] *= scale);
        for (size_t j = 0; j < s; j++) sum += row[j] = std::exp(row[j] - top);
        for (size_t j = 0; j < s; j++) row[j] /= sum;
        logs[h * t + i] = top + std::log(sum);
      }
      multiply(p.data(), &v[h * s * d], &y[h * t * d], t, d, s);
    }
    write(o.tensors.at("o"), std::move(y));
    if (auto stats = o.tensors.find("stats"); stats != o.tensors.end()) write(stats->second, std::move(logs));
  }

  // ---- what attention and its gradient are made of

  // c [.., m, n] = a [.., m, k] · b [.., k, n]
  void product(const Operation& o) {
    const Tensor& out = o.tensors.at("c");
    Values a = read(o.tensors.at("a")), b = read(o.tensors.at("b"));
    if (!fault_.empty()) return;
    size_t m = static_cast<size_t>(out.dims[2]), n = static_cast<size_t>(out.dims[3]);
    size_t k = static_cast<size_t>(o.tensors.at("a").dims[3]);
    Values c(out.elements(), 0.0f);
    for (size_t i = 0; i < c.size() / (m * n); i++) multiply(&a[i * m * k], &b[i * k * n], &c[i * m * n], m, n, k);
    write(out, std::move(c));
  }

  // y = sums of x, or the largest, over the axes where y has one element
  void reduce(const Operation& o) {
    Values x = read(o.tensors.at("x"));
    if (!fault_.empty()) return;
    const Tensor& out = o.tensors.at("y");
    bool sum = o.mode == ADD_ALL;
    Values y(out.elements(), sum ? 0.0f : -std::numeric_limits<float>::infinity());
    for_each(spread(out, o.tensors.at("x").dims),
             [&](size_t i, size_t offset) { y[offset] = sum ? y[offset] + x[i] : std::max(y[offset], x[i]); });
    write(out, std::move(y));
  }

  // y is the memory of x, counted otherwise
  void reshape(const Operation& o) {
    const Tensor& in = o.tensors.at("x");
    const Tensor& out = o.tensors.at("y");
    Values x = read(in);
    if (!fault_.empty()) return;
    Values memory(in.span()), y(out.elements());
    for_each(in, [&](size_t i, size_t offset) { memory[offset] = x[i]; });
    for_each(out, [&](size_t i, size_t offset) { y[i] = memory[offset]; });
    write(out, std::move(y));
  }
};

int convolution_problem(const Operation& o, bool alone, std::string& why) {
  const Tensor& x = o.tensors.at("x");
  const Tensor& w = o.tensors.at("w");
  const Tensor& y = o.tensors.at("y");
  if (x.dims.size() != 4 || w.dims.size() != 4 || y.dims.size() != 4) {
    why = "convolutions here are of rank 4";
    return NOT_SUPPORTED_SHAPE;
  }
  for (int axis = 0; axis < 2; axis++) {
    const Convolution& how = o.convolution;
    int64_t window = (w.dims[2 + axis] - 1) * how.dilation[axis] + 1;
    int64_t out = (x.dims[2 + axis] + how.before[axis] + how.after[axis] - window) / how.stride[axis] + 1;
    if (out != y.dims[2 + axis] || x.dims[1] != w.dims[1] || y.dims[1] != w.dims[0] || x.dims[0] != y.dims[0]) {
      why = "dims of x, w and y do not belong together";
      return 2008;  // CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH
    }
  }
  // cuDNN has engines for these. Here they are left to the kernels that serve where it has none.
  if (w.dims[2] != w.dims[3]) {
    why = "windows that are not square";
    return NOT_SUPPORTED_SHAPE;
  }
  if (!alone && (x.dims[1] % 4 != 0 || y.dims[1] % 4 != 0)) {
    why = "a fused convolution wants channels in multiples of 4";
    return NOT_SUPPORTED_SHAPE;
  }
  return 0;
}

int attention_problem(const Tensor& tokens, std::string& why) {
  if (tokens.type == Type::F32) {
    why = "attention of f32";
    return NOT_SUPPORTED_TYPE;
  }
  if (tokens.dims[3] % 8 != 0 || tokens.dims[3] > 256) {
    why = format("attention with heads of %d", static_cast<int>(tokens.dims[3]));
    return NOT_SUPPORTED_SHAPE;
  }
  return 0;
}

}  // namespace

size_t Tensor::elements() const {
  size_t n = 1;
  for (int64_t d : dims) n *= static_cast<size_t>(d);
  return n;
}

size_t Tensor::span() const {
  size_t last = 0;
  for (size_t i = 0; i < dims.size(); i++) last += static_cast<size_t>((dims[i] - 1) * strides[i]);
  return last + 1;
}

bool Program::consists_of(const std::vector<Step>& steps) const {
  return operations.size() == steps.size() &&
         std::equal(steps.begin(), steps.end(), operations.begin(),
                    [](const Step& s, const Operation& o) { return o.kind == s.kind && o.mode == s.mode; });
}

bool Program::is_attention_gradient() const {
  static const std::vector<Step> steps{
      {Kind::POINTWISE, MULTIPLY}, {Kind::REDUCTION, ADD_ALL}, {Kind::POINTWISE, MULTIPLY},
      {Kind::PRODUCT, 0}, {Kind::POINTWISE, MULTIPLY}, {Kind::POINTWISE, SUBTRACT}, {Kind::POINTWISE, EXP},
      {Kind::RESHAPE, 0}, {Kind::PRODUCT, 0},
      {Kind::PRODUCT, 0}, {Kind::POINTWISE, SUBTRACT}, {Kind::POINTWISE, MULTIPLY}, {Kind::POINTWISE, MULTIPLY},
      {Kind::RESHAPE, 0}, {Kind::PRODUCT, 0}, {Kind::RESHAPE, 0}, {Kind::PRODUCT, 0}};
  return consists_of(steps);
}

bool Program::is_composed_attention() const {
  static const std::vector<Step> steps{
      {Kind::PRODUCT, 0}, {Kind::POINTWISE, MULTIPLY}, {Kind::REDUCTION, MAX_ALL}, {Kind::POINTWISE, SUBTRACT},
      {Kind::POINTWISE, EXP}, {Kind::REDUCTION, ADD_ALL}, {Kind::POINTWISE, LOG}, {Kind::POINTWISE, ADD},
      {Kind::POINTWISE, DIVIDE}, {Kind::PRODUCT, 0}};
  return consists_of(steps);
}

int Program::unsupported(std::string& why) const {
  const Operation& first = operations.front();
  bool alone = operations.size() == 1;
  switch (first.kind) {
    case Kind::FORWARD:
      for (size_t i = 1; i < operations.size(); i++) {
        if (operations[i].kind != Kind::POINTWISE) {
          why = "only pointwise operations may follow a convolution";
          return NOT_SUPPORTED_PATTERN;
        }
      }
      return convolution_problem(first, alone, why);
    case Kind::INPUT_GRADIENT:
    case Kind::WEIGHT_GRADIENT:
      if (!alone) {
        why = "nothing may follow a convolution's gradient";
        return NOT_SUPPORTED_PATTERN;
      }
      return convolution_problem(first, true, why);
    case Kind::ATTENTION:
      if (!alone) {
        why = "attention with something else";
        return NOT_SUPPORTED_PATTERN;
      }
      if (std::getenv("NACRE_SIM_CUDNN_NO_SDPA")) {
        why = "attention as one operation";
        return NOT_SUPPORTED_PATTERN;
      }
      return attention_problem(first.tensors.at("q"), why);
    case Kind::POINTWISE:
      if (is_attention_gradient()) return attention_problem(first.tensors.at("x"), why);
      why = "pointwise operations first";
      return NOT_SUPPORTED_PATTERN;
    case Kind::PRODUCT:
      if (is_composed_attention()) return attention_problem(first.tensors.at("a"), why);
      [[fallthrough]];
    case Kind::REDUCTION:
    case Kind::RESHAPE: why = "a graph that begins with a product, sum or reshape"; return NOT_SUPPORTED_PATTERN;
  }
  return 0;
}

std::string Program::title() const {
  const Operation& first = operations.front();
  switch (first.kind) {
    case Kind::FORWARD: break;
    case Kind::INPUT_GRADIENT: return "a convolution's input gradient";
    case Kind::WEIGHT_GRADIENT: return "a convolution's weight gradient";
    case Kind::ATTENTION: {
      const std::vector<int64_t>&q = first.tensors.at("q").dims, &k = first.tensors.at("k").dims;
      std::ostringstream attention;
      attention << "attention " << q[0] << 'x' << q[2] << 'x' << q[1] << 'x' << q[3] << " by " << k[2];
      return attention.str() + (first.tensors.count("stats") ? ", state" : "");
    }
    default: return is_attention_gradient() ? "attention's gradient" : "attention by its operations";
  }
  const std::vector<int64_t>&x = first.tensors.at("x").dims, &w = first.tensors.at("w").dims;
  const Convolution& how = first.convolution;
  std::ostringstream out;
  out << "convolution " << x[0] << 'x' << x[2] << 'x' << x[3] << 'x' << x[1] << " to " << w[0] << ", " << w[2] << 'x'
      << w[3] << ", stride " << how.stride[0] << ", padding " << how.before[0];
  if (how.before[1] != how.before[0] || how.after[0] != how.before[0] || how.after[1] != how.before[0]) {
    out << ' ' << how.before[1] << ' ' << how.after[0] << ' ' << how.after[1];
  }
  for (size_t i = 1; i < operations.size(); i++) {
    out << (is_bias(i) ? ", bias" : is_residual(i) ? ", residual" : operations[i].tensors.count("b") ? ", shift" : ", function");
  }
  return out.str();
}

bool Program::is_bias(size_t at) const {
  auto b = operations[at].tensors.find("b");
  if (b == operations[at].tensors.end()) return false;
  const std::vector<int64_t>& dims = b->second.dims;
  return dims[0] == 1 && dims[2] == 1 && dims[3] == 1;
}

bool Program::is_residual(size_t at) const {
  auto b = operations[at].tensors.find("b");
  return b != operations[at].tensors.end() && b->second.dims == operations[at].tensors.at("y").dims;
}

std::map<int64_t, Tensor> Program::operands() const {
  std::map<int64_t, Tensor> all;
  for (const Operation& o : operations) {
    for (const auto& [role, t] : o.tensors) {
      if (!t.is_virtual) all[t.id] = t;
    }
  }
  return all;
}

std::string Program::run(const std::map<int64_t, Address>& addresses, const std::map<int64_t, float>& scalars) const {
  return Run(*this, addresses, scalars).all();
}

}  // namespace sim::dnn
