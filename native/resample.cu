// Images made larger and smaller: nearest neighbors, means of blocks, boxes by an antialiased triangle filter.
// And the sinusoids of timesteps.
#include "common.cuh"

// Where in images [n, h, w, c] the i-th pack of W channels is.
template <int W>
struct Place {
  i64 image;
  int row;
  int column;
  int channel;

  DEVICE Place(i64 i, int h, int w, int c) {
    int packs = c / W;
    i64 pixel = i / packs;
    channel = static_cast<int>(i - pixel * packs) * W;
    i64 line = pixel / w;
    column = static_cast<int>(pixel - line * w);
    image = line / h;
    row = static_cast<int>(line - image * h);
  }
};

// large [n, h * f, w * f, c] = scale * small [n, h, w, c], each pixel repeated f x f times.
template <class T, int W>
DEVICE void spread(const T* small, T* large, int n, int h, int w, int c, int f, float scale) {
  i64 count = static_cast<i64>(n) * h * f * w * f * (c / W);
  for (i64 i = first_index(); i < count; i += index_step()) {
    Place<W> at(i, h * f, w * f, c);
    float v[W];
    load_some(small + ((at.image * h + at.row / f) * w + at.column / f) * c + at.channel, v);
#pragma unroll
    for (int j = 0; j < W; j++) v[j] *= scale;
    store_some(large + i * W, v);
  }
}

// small [n, h, w, c] = scale * sums over the f x f pixels of large.
template <class T, int W>
DEVICE void collect(const T* large, T* small, int n, int h, int w, int c, int f, float scale) {
  i64 count = static_cast<i64>(n) * h * w * (c / W);
  for (i64 i = first_index(); i < count; i += index_step()) {
    Place<W> at(i, h, w, c);
    const T* from = large + ((at.image * h + at.row) * f * w * f + at.column * f) * static_cast<i64>(c) + at.channel;
    float sum[W] = {};
    for (int y = 0; y < f; y++) {
      for (int x = 0; x < f; x++) {
        float v[W];
        load_some(from + (static_cast<i64>(y) * w * f + x) * c, v);
#pragma unroll
        for (int j = 0; j < W; j++) sum[j] += v[j];
      }
    }
#pragma unroll
    for (int j = 0; j < W; j++) sum[j] *= scale;
    store_some(small + i * W, sum);
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

// sum += weight * the pack at `from`.
template <class T, int W>
DEVICE void add_weighted(float weight, const T* from, float (&sum)[W]) {
  float v[W];
  load_some(from, v);
#pragma unroll
  for (int j = 0; j < W; j++) sum[j] = fmaf(weight, v[j], sum[j]);
}

// y [n, r, oh, ow, c] of x [n, h, w, c] and boxes [n, r, 4] = (y0, x0, y1, x1).
template <class T, int W>
DEVICE void crop_resize(const T* x, const float* boxes, T* y, int n, int h, int w, int c, int r, int oh, int ow) {
  i64 count = static_cast<i64>(n) * r * oh * ow * (c / W);
  for (i64 i = first_index(); i < count; i += index_step()) {
    Place<W> at(i, oh, ow, c);  // its image is the box
    const float* box = boxes + at.image * 4;
    Axis rows(box[0], box[2], h, oh);
    Axis columns(box[1], box[3], w, ow);
    double sy = rows.at(at.row);
    double sx = columns.at(at.column);
    float sum[W] = {};
    if (rows.inside(sy) && columns.inside(sx)) {
      double scale = 1.0 / (rows.sum(sy) * columns.sum(sx));
      const T* from = x + at.image / r * h * w * static_cast<i64>(c) + at.channel;
      for (int p = rows.first(sy); p <= rows.last(sy); p++) {
        double down = rows.weight(sy, p) * scale;
        for (int q = columns.first(sx); q <= columns.last(sx); q++) {
          float weight = static_cast<float>(down * columns.weight(sx, q));
          if (weight != 0.0f) add_weighted(weight, from + (static_cast<i64>(p) * w + q) * c, sum);
        }
      }
    }
    store_some(y + i * W, sum);
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
template <class T, int W>
DEVICE void crop_resize_backward(const T* dy, const float* boxes, T* dx, int n, int h, int w, int c, int r, int oh,
                                 int ow) {
  i64 count = static_cast<i64>(n) * h * w * (c / W);
  for (i64 i = first_index(); i < count; i += index_step()) {
    Place<W> at(i, h, w, c);
    float sum[W] = {};
    for (int k = 0; k < r; k++) {
      const float* box = boxes + (at.image * r + k) * 4;
      Axis rows(box[0], box[2], h, oh);
      Axis columns(box[1], box[3], w, ow);
      const T* from = dy + (at.image * r + k) * oh * ow * static_cast<i64>(c) + at.channel;
      for (int p = first_line(rows, at.row); p <= last_line(rows, at.row, oh); p++) {
        double sy = rows.at(p);
        double down = rows.weight(sy, at.row);
        if (!rows.inside(sy) || down == 0.0) continue;
        down /= rows.sum(sy);
        for (int q = first_line(columns, at.column); q <= last_line(columns, at.column, ow); q++) {
          double sx = columns.at(q);
          double weight = columns.weight(sx, at.column);
          if (!columns.inside(sx) || weight == 0.0) continue;
          weight *= down / columns.sum(sx);
          add_weighted(static_cast<float>(weight), from + (static_cast<i64>(p) * ow + q) * c, sum);
        }
      }
    }
    store_some(dx + i * W, sum);
  }
}

// y [n, dim]: sines and cosines of t * period^(-i / (dim / 2 - shift)), in f64: t may be a thousand.
template <class T>
DEVICE void timestep_embedding(const float* t, T* y, int n, int dim, int cosine_first, float shift, float period) {
  int half = dim / 2;
  for (i64 i = first_index(); i < static_cast<i64>(n) * dim; i += index_step()) {
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

template <class T, class Body>
DEVICE void by_channels(int c, const void* a, const void* b, Body body) {
  with_width<T>(c % PACK<T> == 0 && aligned16(a, b), body);
}

// Extents are those of the small images, n of them; for boxes those of x, then r boxes an image of oh x ow.
#define RESIZE(NAME, T, FUNCTION, OPERATION, SCALE)                                                                \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                            \
      FUNCTION##_##NAME(const T* x, T* y, int n, int h, int w, int c, int f) {                                     \
    by_channels<T>(c, x, y, [&](auto width) {                                                                      \
      OPERATION<T, decltype(width)::value>(x, y, n, h, w, c, f, SCALE);                                            \
    });                                                                                                            \
  }

#define BOXES(NAME, T, FUNCTION)                                                                                   \
  extern "C" __global__ void __launch_bounds__(THREADS) FUNCTION##_##NAME(                                         \
      const T* x, const float* boxes, T* y, int n, int h, int w, int c, int r, int oh, int ow) {                   \
    by_channels<T>(c, x, y, [&](auto width) {                                                                      \
      FUNCTION<T, decltype(width)::value>(x, boxes, y, n, h, w, c, r, oh, ow);                                     \
    });                                                                                                            \
  }

#define RESAMPLE(NAME, T)                                                                                          \
  RESIZE(NAME, T, upsample_nearest, spread, 1.0f)                                                                  \
  RESIZE(NAME, T, upsample_nearest_backward, collect, 1.0f)                                                        \
  RESIZE(NAME, T, average_pool, collect, 1.0f / static_cast<float>(f * f))                                         \
  RESIZE(NAME, T, average_pool_backward, spread, 1.0f / static_cast<float>(f * f))                                 \
  BOXES(NAME, T, crop_resize)                                                                                      \
  BOXES(NAME, T, crop_resize_backward)                                                                             \
  extern "C" __global__ void __launch_bounds__(THREADS) timestep_embedding_##NAME(                                 \
      const float* t, T* y, int n, int dim, int cosine_first, float shift, float period) {                         \
    timestep_embedding(t, y, n, dim, cosine_first, shift, period);                                                 \
  }

FOR_FLOATS(RESAMPLE)
