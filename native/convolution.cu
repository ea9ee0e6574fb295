// Convolutions of images [n, h, w, c] with weights [o, kh, kw, c], as matrix products whose operands are looked up
// and never written out.
#include "common.cuh"
#include "functions.cuh"
#include "tile.cuh"

struct Conv {
  int n, h, w, c;
  int oh, ow, o;
  int kh, kw;
  int stride, top, left;
};

// A pixel of an image, and where its window begins in the other image. image is -1 outside.
struct Pixel {
  int image;
  int row;
  int column;
};

// A tap of the kernel with a channel. channel is -1 outside.
struct Tap {
  int ky;
  int kx;
  int channel;
};

DEVICE Pixel pixel_of(int i, int images, int h, int w) {
  int line = i / w;
  Pixel p{line / h, line % h, i % w};
  if (p.image >= images) p.image = -1;
  return p;
}

DEVICE Tap tap_of(int k, int kh, int kw, int channels) {
  int tap = k / channels;
  Tap t{tap / kw, tap % kw, k - tap * channels};
  if (t.ky >= kh) t.channel = -1;
  return t;
}

// Element `channel` of the input pixel under a tap of an output pixel's window.
template <class T>
DEVICE float under(const T* x, const Conv& s, Pixel p, Tap t) {
  int row = p.row * s.stride + t.ky - s.top;
  int column = p.column * s.stride + t.kx - s.left;
  if (p.image < 0 || t.channel < 0 || row < 0 || row >= s.h || column < 0 || column >= s.w) return 0.0f;
  return to_float(x[((static_cast<i64>(p.image) * s.h + row) * s.w + column) * s.c + t.channel]);
}

template <class T>
struct Windows {  // rows: output pixels; columns: taps
  static constexpr bool COLUMNS_NEAR = true;
  const T* x;
  Conv s;
  DEVICE Pixel row(int r) const { return pixel_of(r, s.n, s.oh, s.ow); }
  DEVICE Tap column(int k) const { return tap_of(k, s.kh, s.kw, s.c); }
  DEVICE float at(Pixel p, Tap t) const { return under(x, s, p, t); }
};

template <class T>
struct Weights {  // rows: output channels; columns: taps
  static constexpr bool COLUMNS_NEAR = true;
  const T* w;
  int rows;
  int depth;
  DEVICE int row(int r) const { return r < rows ? r : -1; }
  DEVICE int column(int k) const { return k < depth ? k : -1; }
  DEVICE float at(int r, int k) const {
    return r < 0 || k < 0 ? 0.0f : to_float(w[static_cast<i64>(r) * depth + k]);
  }
};

template <class T>
DEVICE void forward(const T* x, const T* w, const T* bias, const T* residual, T* y, const Conv& s, int f) {
  int depth = s.kh * s.kw * s.c;
  tile_product(s.n * s.oh * s.ow, s.o, depth, blockIdx.x, blockIdx.y, Windows<T>{x, s}, Weights<T>{w, s.o, depth},
               [=](int pixel, int o, float sum) {
                 i64 at = static_cast<i64>(pixel) * s.o + o;
                 if (bias) sum += to_float(bias[o]);
                 if (residual) sum += to_float(residual[at]);
                 y[at] = from_float<T>(apply(f, sum));
               });
}

template <class T>
struct Reached {  // rows: input pixels; columns: taps with an output channel
  static constexpr bool COLUMNS_NEAR = true;
  const T* dy;
  Conv s;
  DEVICE Pixel row(int r) const { return pixel_of(r, s.n, s.h, s.w); }
  DEVICE Tap column(int k) const { return tap_of(k, s.kh, s.kw, s.o); }
  DEVICE float at(Pixel p, Tap t) const {
    int row = p.row + s.top - t.ky;
    int column = p.column + s.left - t.kx;
    if (p.image < 0 || t.channel < 0 || row < 0 || column < 0) return 0.0f;
    if (row % s.stride != 0 || column % s.stride != 0) return 0.0f;
    row /= s.stride;
    column /= s.stride;
    if (row >= s.oh || column >= s.ow) return 0.0f;
    return to_float(dy[((static_cast<i64>(p.image) * s.oh + row) * s.ow + column) * s.o + t.channel]);
  }
};

template <class T>
struct WeightsByInput {  // rows: input channels; columns: taps with an output channel
  static constexpr bool COLUMNS_NEAR = false;
  const T* w;
  Conv s;
  DEVICE int row(int r) const { return r < s.c ? r : -1; }
  DEVICE Tap column(int k) const { return tap_of(k, s.kh, s.kw, s.o); }
  DEVICE float at(int r, Tap t) const {
    if (r < 0 || t.channel < 0) return 0.0f;
    return to_float(w[((static_cast<i64>(t.channel) * s.kh + t.ky) * s.kw + t.kx) * s.c + r]);
  }
};

template <class T>
DEVICE void input_gradient(const T* dy, const T* w, T* dx, const Conv& s) {
  tile_product(s.n * s.h * s.w, s.c, s.kh * s.kw * s.o, blockIdx.x, blockIdx.y, Reached<T>{dy, s},
               WeightsByInput<T>{w, s}, [=](int pixel, int c, float sum) {
                 dx[static_cast<i64>(pixel) * s.c + c] = from_float<T>(sum);
               });
}

template <class T>
struct WindowsByTap {  // rows: taps; columns: output pixels
  static constexpr bool COLUMNS_NEAR = false;
  const T* x;
  Conv s;
  DEVICE Tap row(int r) const { return tap_of(r, s.kh, s.kw, s.c); }
  DEVICE Pixel column(int k) const { return pixel_of(k, s.n, s.oh, s.ow); }
  DEVICE float at(Tap t, Pixel p) const { return under(x, s, p, t); }
};

template <class T>
struct Outputs {  // rows: output channels; columns: output pixels
  static constexpr bool COLUMNS_NEAR = false;
  const T* dy;
  int rows;
  int depth;
  DEVICE int row(int r) const { return r < rows ? r : -1; }
  DEVICE int column(int k) const { return k < depth ? k : -1; }
  DEVICE float at(int r, int k) const {
    return r < 0 || k < 0 ? 0.0f : to_float(dy[static_cast<i64>(k) * rows + r]);
  }
};

template <class T>
DEVICE void weight_gradient(const T* x, const T* dy, T* dw, const Conv& s) {
  int taps = s.kh * s.kw * s.c;
  int pixels = s.n * s.oh * s.ow;
  tile_product(taps, s.o, pixels, blockIdx.x, blockIdx.y, WindowsByTap<T>{x, s}, Outputs<T>{dy, s.o, pixels},
               [=](int tap, int o, float sum) { dw[static_cast<i64>(o) * taps + tap] = from_float<T>(sum); });
}

#define CONVOLUTION(NAME, T)                                                                                     \
  extern "C" __global__ void __launch_bounds__(THREADS) conv2d_##NAME(                                           \
      const T* x, const T* w, const T* bias, const T* residual, T* y, Conv s, int f) {                           \
    forward(x, w, bias, residual, y, s, f);                                                                      \
  }                                                                                                              \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                          \
      conv2d_input_gradient_##NAME(const T* dy, const T* w, T* dx, Conv s) {                                     \
    input_gradient(dy, w, dx, s);                                                                                \
  }                                                                                                              \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                          \
      conv2d_weight_gradient_##NAME(const T* x, const T* dy, T* dw, Conv s) {                                    \
    weight_gradient(x, dy, dw, s);                                                                               \
  }

FOR_FLOATS(CONVOLUTION)
