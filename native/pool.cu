// The largest elements and the means of windows of images [n, h, w, c]. What a window has beyond the borders does
// not count. One thread an element; neighbors have neighboring channels.
#include "common.cuh"

// Windows of an image: side, stride, and how far the first ones reach out above and on the left.
struct Windows {
  int kernel;
  int stride;
  int top;
  int left;
};

// The lines of an axis of n that window i covers.
struct Span {
  int from;
  int to;

  DEVICE Span(int i, int kernel, int stride, int before, int n) {
    from = i * stride - before;
    to = from + kernel < n ? from + kernel : n;
    from = from > 0 ? from : 0;
  }
};

// Where in [n, h, w, c] element i is.
struct Element {
  i64 image;
  int row;
  int column;
  int channel;

  DEVICE Element(i64 i, int h, int w, int c) {
    i64 pixel = i / c;
    channel = static_cast<int>(i - pixel * c);
    i64 line = pixel / w;
    column = static_cast<int>(pixel - line * w);
    image = line / h;
    row = static_cast<int>(line - image * h);
  }
};

// The place of the first of the largest of a window, row by row, or of the last that is not a number; x begins at the
// image and the channel.
template <class T>
DEVICE i64 largest(const T* x, Span rows, Span columns, int w, int c) {
  i64 best = (static_cast<i64>(rows.from) * w + columns.from) * c;
  float value = to_float(x[best]);
  for (int r = rows.from; r < rows.to; r++) {
    for (int k = columns.from; k < columns.to; k++) {
      i64 place = (static_cast<i64>(r) * w + k) * c;
      float v = to_float(x[place]);
      if (v > value || v != v) {
        value = v;
        best = place;
      }
    }
  }
  return best;
}

template <class T>
DEVICE void max_pool(const T* x, T* y, int n, int h, int w, int c, int oh, int ow, Windows s) {
  i64 count = static_cast<i64>(n) * oh * ow * c;
  for (i64 i = first_index(); i < count; i += index_step()) {
    Element at(i, oh, ow, c);
    const T* from = x + at.image * h * w * c + at.channel;
    Span rows(at.row, s.kernel, s.stride, s.top, h);
    Span columns(at.column, s.kernel, s.stride, s.left, w);
    y[i] = from[largest(from, rows, columns, w, c)];
  }
}

template <class T>
DEVICE void mean_pool(const T* x, T* y, int n, int h, int w, int c, int oh, int ow, Windows s) {
  i64 count = static_cast<i64>(n) * oh * ow * c;
  for (i64 i = first_index(); i < count; i += index_step()) {
    Element at(i, oh, ow, c);
    const T* from = x + at.image * h * w * c + at.channel;
    Span rows(at.row, s.kernel, s.stride, s.top, h);
    Span columns(at.column, s.kernel, s.stride, s.left, w);
    float sum = 0.0f;
    for (int r = rows.from; r < rows.to; r++) {
      for (int k = columns.from; k < columns.to; k++) sum += to_float(from[(static_cast<i64>(r) * w + k) * c]);
    }
    y[i] = from_float<T>(sum / static_cast<float>((rows.to - rows.from) * (columns.to - columns.from)));
  }
}

// The windows of o that cover line i of an axis.
DEVICE Span covering(int i, int kernel, int stride, int before, int o) {
  int last = (i + before) / stride;
  int first = i + before - kernel + 1;
  first = first > 0 ? (first + stride - 1) / stride : 0;
  Span span(0, 0, 1, 0, 0);
  span.from = first;
  span.to = last < o ? last + 1 : o;
  return span;
}

// dx [n, h, w, c]: each pixel gathers from the windows that cover it, in a fixed order.
template <class T>
DEVICE void max_pool_backward(const T* x, const T* dy, T* dx, int n, int h, int w, int c, int oh, int ow, Windows s) {
  i64 count = static_cast<i64>(n) * h * w * c;
  for (i64 i = first_index(); i < count; i += index_step()) {
    Element at(i, h, w, c);
    const T* from = x + at.image * h * w * c + at.channel;
    i64 own = (static_cast<i64>(at.row) * w + at.column) * c;
    Span above = covering(at.row, s.kernel, s.stride, s.top, oh);
    Span beside = covering(at.column, s.kernel, s.stride, s.left, ow);
    float sum = 0.0f;
    for (int r = above.from; r < above.to; r++) {
      for (int k = beside.from; k < beside.to; k++) {
        Span rows(r, s.kernel, s.stride, s.top, h);
        Span columns(k, s.kernel, s.stride, s.left, w);
        if (largest(from, rows, columns, w, c) == own) {
          sum += to_float(dy[((at.image * oh + r) * ow + k) * c + at.channel]);
        }
      }
    }
    dx[i] = from_float<T>(sum);
  }
}

template <class T>
DEVICE void mean_pool_backward(const T* dy, T* dx, int n, int h, int w, int c, int oh, int ow, Windows s) {
  i64 count = static_cast<i64>(n) * h * w * c;
  for (i64 i = first_index(); i < count; i += index_step()) {
    Element at(i, h, w, c);
    Span above = covering(at.row, s.kernel, s.stride, s.top, oh);
    Span beside = covering(at.column, s.kernel, s.stride, s.left, ow);
    float sum = 0.0f;
    for (int r = above.from; r < above.to; r++) {
      for (int k = beside.from; k < beside.to; k++) {
        Span rows(r, s.kernel, s.stride, s.top, h);
        Span columns(k, s.kernel, s.stride, s.left, w);
        float share = 1.0f / static_cast<float>((rows.to - rows.from) * (columns.to - columns.from));
        sum += share * to_float(dy[((at.image * oh + r) * ow + k) * c + at.channel]);
      }
    }
    dx[i] = from_float<T>(sum);
  }
}

// Extents are those of the image, then of what is pooled.
#define POOL(NAME, T)                                                                                                \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                              \
      max_pool_##NAME(const T* x, T* y, int n, int h, int w, int c, int oh, int ow, int kernel, int stride, int top, \
                      int left) {                                                                                    \
    max_pool(x, y, n, h, w, c, oh, ow, Windows{kernel, stride, top, left});                                          \
  }                                                                                                                  \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                              \
      mean_pool_##NAME(const T* x, T* y, int n, int h, int w, int c, int oh, int ow, int kernel, int stride,         \
                       int top, int left) {                                                                          \
    mean_pool(x, y, n, h, w, c, oh, ow, Windows{kernel, stride, top, left});                                         \
  }                                                                                                                  \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                              \
      max_pool_backward_##NAME(const T* x, const T* dy, T* dx, int n, int h, int w, int c, int oh, int ow,           \
                               int kernel, int stride, int top, int left) {                                          \
    max_pool_backward(x, dy, dx, n, h, w, c, oh, ow, Windows{kernel, stride, top, left});                            \
  }                                                                                                                  \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                              \
      mean_pool_backward_##NAME(const T* dy, T* dx, int n, int h, int w, int c, int oh, int ow, int kernel,          \
                                int stride, int top, int left) {                                                     \
    mean_pool_backward(dy, dx, n, h, w, c, oh, ow, Windows{kernel, stride, top, left});                              \
  }

FOR_FLOATS(POOL)
