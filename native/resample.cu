// Images made larger and smaller: nearest neighbours, means of blocks, boxes by an antialiased triangle filter.
// And the sinusoids of timesteps.
#include "common.cuh"

// Element i of an image [n, h, w, c]: row of pixels, column, channel.
struct Place {
  i64 image;
  int row;
  int column;
  int channel;

  DEVICE Place(i64 i, int h, int w, int c) {
    i64 pixel = i / c;
    channel = static_cast<int>(i - pixel * c);
    i64 line = pixel / w;
    column = static_cast<int>(pixel - line * w);
    image = line / h;
    row = static_cast<int>(line - image * h);
  }
};

// large [n, h * f, w * f, c] = scale * small [n, h, w, c], each pixel repeated f x f times.
template <class T>
DEVICE void spread(const T* small, T* large, i64 n, int h, int w, int c, int f, float scale) {
  for (i64 i = first_index(); i < n; i += index_step()) {
    Place at(i, h * f, w * f, c);
    i64 from = ((at.image * h + at.row / f) * w + at.column / f) * c + at.channel;
    large[i] = from_float<T>(to_float(small[from]) * scale);
  }
}

// small [n, h, w, c] = scale * sums over the f x f pixels of large.
template <class T>
DEVICE void collect(const T* large, T* small, i64 n, int h, int w, int c, int f, float scale) {
  for (i64 i = first_index(); i < n; i += index_step()) {
    Place at(i, h, w, c);
    const T* from = large + ((at.image * h + at.row) * f * w * f + at.column * f) * static_cast<i64>(c) + at.channel;
    float sum = 0.0f;
    for (int y = 0; y < f; y++) {
      for (int x = 0; x < f; x++) sum += to_float(from[(static_cast<i64>(y) * w * f + x) * c]);
    }
    small[i] = from_float<T>(sum * scale);
  }
}

// Output line j of o over an axis of n input lines, for the box [a, b]. In f64, so that a line on the border is
// inside or outside exactly where it is on the host.
struct Axis {
  double inverse;
  double offset;
  double support;
  int n;

  DEVICE Axis(float a, float b, int lines, int o) {
    double length = static_cast<double>(b) - static_cast<double>(a);
    inverse = (length > 1e-6 ? length : 1e-6) * lines / o;
    offset = static_cast<double>(a) * lines;
    support = inverse > 1.0 ? inverse : 1.0;
    n = lines;
  }

  DEVICE double at(int j) const { return (j + 0.5) * inverse + offset - 0.5; }
  DEVICE bool inside(double s) const { return s >= -0.5 && s <= n - 0.5; }
  DEVICE int first(double s) const {
    int i = static_cast<int>(ceil(s - support));
    return i > 0 ? i : 0;
  }
  DEVICE int last(double s) const {
    int i = static_cast<int>(floor(s + support));
    return i < n - 1 ? i : n - 1;
  }
  DEVICE double weight(double s, int i) const {
    double w = 1.0 - fabs(s - i) / support;
    return w > 0.0 ? w : 0.0;
  }
  DEVICE double sum(double s) const {
    double total = 0.0;
    for (int i = first(s); i <= last(s); i++) total += weight(s, i);
    return total;
  }
};

// y [n, r, oh, ow, c] of x [n, h, w, c] and boxes [n, r, 4] = (y0, x0, y1, x1).
template <class T>
DEVICE void crop_resize(const T* x, const float* boxes, T* y, i64 count, int h, int w, int c, int r, int oh, int ow) {
  for (i64 i = first_index(); i < count; i += index_step()) {
    Place at(i, oh, ow, c);  // its image is the box
    const float* box = boxes + at.image * 4;
    Axis rows(box[0], box[2], h, oh);
    Axis columns(box[1], box[3], w, ow);
    double sy = rows.at(at.row);
    double sx = columns.at(at.column);
    float sum = 0.0f;
    if (rows.inside(sy) && columns.inside(sx)) {
      double scale = 1.0 / (rows.sum(sy) * columns.sum(sx));
      const T* from = x + at.image / r * h * w * static_cast<i64>(c) + at.channel;
      for (int p = rows.first(sy); p <= rows.last(sy); p++) {
        float across = 0.0f;
        for (int q = columns.first(sx); q <= columns.last(sx); q++) {
          float weight = static_cast<float>(columns.weight(sx, q));
          if (weight != 0.0f) across = fmaf(weight, to_float(from[(static_cast<i64>(p) * w + q) * c]), across);
        }
        float weight = static_cast<float>(rows.weight(sy, p) * scale);
        if (weight != 0.0f) sum = fmaf(weight, across, sum);
      }
    }
    y[i] = from_float<T>(sum);
  }
}

// The output lines that input line i takes part in.
DEVICE int first_line(const Axis& axis, int i) {
  int j = static_cast<int>(ceil((i - axis.support - axis.offset + 0.5) / axis.inverse - 0.5)) - 1;
  return j > 0 ? j : 0;
}
DEVICE int last_line(const Axis& axis, int i, int o) {
  double j = floor((i + axis.support - axis.offset + 0.5) / axis.inverse - 0.5) + 1.0;
  return j < o - 1 ? static_cast<int>(j) : o - 1;
}

// dx [n, h, w, c]: each input pixel gathers from the output pixels that it took part in, in a fixed order.
template <class T>
DEVICE void crop_resize_backward(const T* dy, const float* boxes, T* dx, i64 count, int h, int w, int c, int r, int oh,
                                 int ow) {
  for (i64 i = first_index(); i < count; i += index_step()) {
    Place at(i, h, w, c);
    float sum = 0.0f;
    for (int k = 0; k < r; k++) {
      const float* box = boxes + (at.image * r + k) * 4;
      Axis rows(box[0], box[2], h, oh);
      Axis columns(box[1], box[3], w, ow);
      const T* from = dy + (at.image * r + k) * oh * ow * static_cast<i64>(c) + at.channel;
      for (int p = first_line(rows, at.row); p <= last_line(rows, at.row, oh); p++) {
        double sy = rows.at(p);
        if (!rows.inside(sy) || rows.weight(sy, at.row) == 0.0) continue;
        float across = 0.0f;
        for (int q = first_line(columns, at.column); q <= last_line(columns, at.column, ow); q++) {
          double sx = columns.at(q);
          double weight = columns.weight(sx, at.column);
          if (!columns.inside(sx) || weight == 0.0) continue;
          weight /= columns.sum(sx);
          across = fmaf(static_cast<float>(weight), to_float(from[(static_cast<i64>(p) * ow + q) * c]), across);
        }
        sum = fmaf(static_cast<float>(rows.weight(sy, at.row) / rows.sum(sy)), across, sum);
      }
    }
    dx[i] = from_float<T>(sum);
  }
}

// y [n, dim]: sines and cosines of t * period^(-i / (dim / 2 - shift)), in f64: t may be a thousand.
template <class T>
DEVICE void timestep_embedding(const float* t, T* y, i64 n, int dim, int cosine_first, float shift, float period) {
  int half = dim / 2;
  for (i64 i = first_index(); i < n * dim; i += index_step()) {
    i64 row = i / dim;
    int k = static_cast<int>(i - row * dim);
    double v = 0.0;  // the last column of an odd dim
    if (k < 2 * half) {
      double angle = t[row] * pow(static_cast<double>(period), -(k % half) / (half - static_cast<double>(shift)));
      v = (k < half) == (cosine_first != 0) ? cos(angle) : sin(angle);
    }
    y[i] = from_float<T>(static_cast<float>(v));
  }
}

// Extents are those of the small images, n of them; for boxes those of x, then r boxes an image of oh x ow.
#define RESAMPLE(NAME, T)                                                                                             \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                               \
      upsample_nearest_##NAME(const T* x, T* y, int n, int h, int w, int c, int f) {                                  \
    spread(x, y, static_cast<i64>(n) * h * f * w * f * c, h, w, c, f, 1.0f);                                          \
  }                                                                                                                   \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                               \
      upsample_nearest_backward_##NAME(const T* dy, T* dx, int n, int h, int w, int c, int f) {                       \
    collect(dy, dx, static_cast<i64>(n) * h * w * c, h, w, c, f, 1.0f);                                               \
  }                                                                                                                   \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                               \
      average_pool_##NAME(const T* x, T* y, int n, int h, int w, int c, int f) {                                      \
    collect(x, y, static_cast<i64>(n) * h * w * c, h, w, c, f, 1.0f / static_cast<float>(f * f));                     \
  }                                                                                                                   \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                               \
      average_pool_backward_##NAME(const T* dy, T* dx, int n, int h, int w, int c, int f) {                           \
    spread(dy, dx, static_cast<i64>(n) * h * f * w * f * c, h, w, c, f, 1.0f / static_cast<float>(f * f));            \
  }                                                                                                                   \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                               \
      crop_resize_##NAME(const T* x, const float* boxes, T* y, int n, int h, int w, int c, int r, int oh, int ow) {   \
    crop_resize(x, boxes, y, static_cast<i64>(n) * r * oh * ow * c, h, w, c, r, oh, ow);                              \
  }                                                                                                                   \
  extern "C" __global__ void __launch_bounds__(THREADS) crop_resize_backward_##NAME(                                  \
      const T* dy, const float* boxes, T* dx, int n, int h, int w, int c, int r, int oh, int ow) {                    \
    crop_resize_backward(dy, boxes, dx, static_cast<i64>(n) * h * w * c, h, w, c, r, oh, ow);                         \
  }                                                                                                                   \
  extern "C" __global__ void __launch_bounds__(THREADS) timestep_embedding_##NAME(                                    \
      const float* t, T* y, int n, int dim, int cosine_first, float shift, float period) {                            \
    timestep_embedding(t, y, n, dim, cosine_first, shift, period);                                                    \
  }

FOR_FLOATS(RESAMPLE)
