// Group normalization of x [n, pixels, c], with SiLU after it if asked.
//
// Memory is read along the channels. Where a few groups of an image fit into a block's shared memory, one launch
// reads them once, and a block has them to itself. Else a block takes `chunk` pixels of one image, and statistics
// go in two steps: per chunk, then over chunks, by the block of an image that is done last. Either way a thread
// keeps to one pack of channels (or several, where there are more packs than threads) and walks down the pixels,
// so whatever belongs to a channel stays in registers.
#include "common.cuh"
#include "functions.cuh"

// Which pixels and channels a thread takes: packs of W channels, `across` of them side by side.
template <int W>
struct Walk {
  int packs;   // of all channels
  int across;  // threads side by side
  int lanes;   // threads below each other, one pixel each
  int lane;
  int pack;    // the first of this thread; the next one is `across` further
  i64 begin;
  i64 end;

  DEVICE Walk(int c, i64 pixels, i64 chunk) {
    packs = c / W;
    across = packs < THREADS ? packs : THREADS;
    lanes = THREADS / across;
    lane = static_cast<int>(threadIdx.x) / across;
    pack = static_cast<int>(threadIdx.x) - lane * across;
    if (lane >= lanes) pack = packs;  // left over
    begin = blockIdx.x * chunk;
    end = begin + chunk < pixels ? begin + chunk : pixels;
  }
};

// For each group of the block's chunk, partial [n, chunks, groups, 2] = mean, sum of squared distances from it.
// Sums are taken around the group's first element, which keeps their digits where the mean is large.
template <class T, int W>
DEVICE void partial(const T* __restrict__ x, float* out, i64 pixels, int c, int groups, i64 chunk) {
  DYNAMIC_SHARED(float, sums);  // [lanes, c], twice
  Walk<W> walk(c, pixels, chunk);
  int width = c / groups;
  const T* image = x + blockIdx.y * pixels * c;
  float* squares = sums + walk.lanes * c;
  for (int pack = walk.pack; pack < walk.packs; pack += walk.across) {
    float pivot[W];
    float s1[W] = {};
    float s2[W] = {};
#pragma unroll
    for (int j = 0; j < W; j++) {
      pivot[j] = to_float(image[walk.begin * c + (pack * W + j) / width * width]);
    }
#pragma unroll 4
    for (i64 pixel = walk.begin + walk.lane; pixel < walk.end; pixel += walk.lanes) {
      float v[W];
      load_some(image + pixel * c + pack * W, v);
#pragma unroll
      for (int j = 0; j < W; j++) {
        float d = v[j] - pivot[j];
        s1[j] += d;
        s2[j] = fmaf(d, d, s2[j]);
      }
    }
#pragma unroll
    for (int j = 0; j < W; j++) {
      sums[walk.lane * c + pack * W + j] = s1[j];
      squares[walk.lane * c + pack * W + j] = s2[j];
    }
  }
  __syncthreads();
  int lane = threadIdx.x & 31;
  float count = static_cast<float>((walk.end - walk.begin) * width);
  for (int g = threadIdx.x >> 5; g < groups; g += THREADS / 32) {
    float s1 = 0.0f;
    float s2 = 0.0f;
    for (int i = lane; i < walk.lanes * width; i += 32) {
      int at = i / width * c + g * width + i % width;
      s1 += sums[at];
      s2 += squares[at];
    }
    s1 = warp_sum(s1);
    s2 = warp_sum(s2);
    if (lane == 0) {
      float pivot = to_float(image[walk.begin * c + g * width]);
      float* to = out + ((static_cast<i64>(blockIdx.y) * gridDim.x + blockIdx.x) * groups + g) * 2;
      to[0] = pivot + s1 / count;
      to[1] = fmaxf(s2 - s1 * s1 / count, 0.0f);
    }
  }
}

// Whether all other blocks of this block's image are done, and what they wrote can be read.
DEVICE bool is_last_of_image(u32* done) {
  __shared__ bool last;
  __threadfence();
  __syncthreads();
  // Counts to the last chunk and begins at zero again, for the next launch.
  if (threadIdx.x == 0) last = atomicInc(done + blockIdx.y, gridDim.x - 1) == gridDim.x - 1;
  __syncthreads();
  if (last) __threadfence();
  return last;
}

// The block that is done last with an image joins its chunks, a warp for each group: mean and
// 1 / sqrt(variance + eps). Which block that is changes nothing: sums are in the order of the chunks.
DEVICE void join_chunks(const float* partial, float* mean, float* rstd, u32* done, i64 pixels, int width, i64 chunk,
                        int groups, float eps) {
  if (!is_last_of_image(done)) return;
  i64 n = blockIdx.y;
  int chunks = static_cast<int>(gridDim.x);
  int lane = threadIdx.x & 31;
  float total = static_cast<float>(pixels * width);
  for (int g = threadIdx.x >> 5; g < groups; g += THREADS / 32) {
    const volatile float* from = partial + (n * chunks * groups + g) * 2;
    float sum = 0.0f;
    float base = from[0];
    for (int k = lane; k < chunks; k += 32) {
      i64 length = k < chunks - 1 ? chunk : pixels - chunk * (chunks - 1);
      sum += (from[static_cast<i64>(k) * groups * 2] - base) * static_cast<float>(length * width);
    }
    float m = base + warp_sum(sum) / total;
    float squares = 0.0f;
    for (int k = lane; k < chunks; k += 32) {
      i64 length = k < chunks - 1 ? chunk : pixels - chunk * (chunks - 1);
      const volatile float* at = from + static_cast<i64>(k) * groups * 2;
      float d = at[0] - m;
      squares += at[1] + d * d * static_cast<float>(length * width);
    }
    squares = warp_sum(squares);
    if (lane == 0) {
      mean[n * groups + g] = m;
      rstd[n * groups + g] = 1.0f / sqrtf(squares / total + eps);
    }
  }
}

constexpr int AT_ONCE = 4;  // loads that a thread has under way

template <class T, int W>
struct alignas(W * sizeof(T)) Some {
  T v[W];
};

// For each group, to[g] = the sum of what the threads counted for its channels, [lanes, c].
DEVICE void sum_groups(const float* sums, int lanes, int c, int width, float* to) {
  __syncthreads();
  int lane = threadIdx.x & 31;
  for (int g = threadIdx.x >> 5; g < c / width; g += GROUP_THREADS / 32) {
    float s = 0.0f;
    for (int i = lane; i < lanes * width; i += 32) s += sums[i / width * c + g * width + i % width];
    s = warp_sum(s);
    if (lane == 0) to[g] = s;
  }
  __syncthreads();
}

// Normalizes `together` whole groups of one image, which lie in shared memory meanwhile: one pass over memory, and
// a variance that is summed around the mean itself.
template <class T, int W>
DEVICE void whole(const T* __restrict__ x, const T* __restrict__ gamma, const T* __restrict__ beta,
                  float* __restrict__ mean, float* __restrict__ rstd, T* __restrict__ y, int pixels, int channels,
                  int groups, int together, float eps, bool silu_after) {
  DYNAMIC_SHARED(float, shared);  // the groups [pixels, c] of T, sums [lanes, c], totals [together]
  int width = channels / groups;
  int first = static_cast<int>(blockIdx.x) * together;
  int own = first + together <= groups ? together : groups - first;
  int c = own * width;
  int packs = c / W;
  int lanes = GROUP_THREADS / packs;
  int lane = static_cast<int>(threadIdx.x) / packs;
  int pack = static_cast<int>(threadIdx.x) - lane * packs;
  bool works = lane < lanes;
  Some<T, W>* kept = reinterpret_cast<Some<T, W>*>(shared);
  float* sums = shared + (static_cast<i64>(pixels) * c * sizeof(T) + 15) / 16 * 4;
  float* totals = sums + lanes * c;
  i64 image = blockIdx.y * static_cast<i64>(pixels) * channels + first * width;
  float count = static_cast<float>(pixels) * static_cast<float>(width);
  float pivot[W];  // sums around an element keep their digits where the mean is large
  float s[W] = {};
#pragma unroll
  for (int j = 0; j < W; j++) pivot[j] = to_float(x[image + (pack * W + j) / width * width]);
  if (works) {
    const T* from = x + image + pack * W;
    int pixel = lane;
    for (; pixel + (AT_ONCE - 1) * lanes < pixels; pixel += AT_ONCE * lanes) {
      Some<T, W> some[AT_ONCE];
#pragma unroll
      for (int k = 0; k < AT_ONCE; k++) {
        some[k] = *reinterpret_cast<const Some<T, W>*>(from + static_cast<i64>(pixel + k * lanes) * channels);
      }
#pragma unroll
      for (int k = 0; k < AT_ONCE; k++) {
        kept[(pixel + k * lanes) * packs + pack] = some[k];
        float v[W];
        load_some(some[k].v, v);
#pragma unroll
        for (int j = 0; j < W; j++) s[j] += v[j] - pivot[j];
      }
    }
    for (; pixel < pixels; pixel += lanes) {
      Some<T, W> some = *reinterpret_cast<const Some<T, W>*>(from + static_cast<i64>(pixel) * channels);
      kept[pixel * packs + pack] = some;
      float v[W];
      load_some(some.v, v);
#pragma unroll
      for (int j = 0; j < W; j++) s[j] += v[j] - pivot[j];
    }
#pragma unroll
    for (int j = 0; j < W; j++) sums[lane * c + pack * W + j] = s[j];
  }
  sum_groups(sums, lanes, c, width, totals);
  float m[W];
#pragma unroll
  for (int j = 0; j < W; j++) {
    m[j] = pivot[j] + totals[(pack * W + j) / width] / count;
    s[j] = 0.0f;
  }
  i64 statistics = static_cast<i64>(blockIdx.y) * groups + first;
  if (threadIdx.x < own) {
    mean[statistics + threadIdx.x] = to_float(x[image + threadIdx.x * width]) + totals[threadIdx.x] / count;
  }
  if (works) {
#pragma unroll 4
    for (int pixel = lane; pixel < pixels; pixel += lanes) {
      float v[W];
      load_some(kept[pixel * packs + pack].v, v);
#pragma unroll
      for (int j = 0; j < W; j++) s[j] = fmaf(v[j] - m[j], v[j] - m[j], s[j]);
    }
#pragma unroll
    for (int j = 0; j < W; j++) sums[lane * c + pack * W + j] = s[j];
  }
  sum_groups(sums, lanes, c, width, totals);
  if (threadIdx.x < own) rstd[statistics + threadIdx.x] = 1.0f / sqrtf(totals[threadIdx.x] / count + eps);
  if (!works) return;
  float scale[W];
  float shift[W];
  load_some(gamma + first * width + pack * W, scale);
  load_some(beta + first * width + pack * W, shift);
#pragma unroll
  for (int j = 0; j < W; j++) scale[j] *= 1.0f / sqrtf(totals[(pack * W + j) / width] / count + eps);
  T* to = y + image + pack * W;
#pragma unroll 4
  for (int pixel = lane; pixel < pixels; pixel += lanes) {
    float v[W];
    load_some(kept[pixel * packs + pack].v, v);
#pragma unroll
    for (int j = 0; j < W; j++) {
      float z = fmaf(v[j] - m[j], scale[j], shift[j]);
      v[j] = silu_after ? silu<T>(z) : z;
    }
    store_some(to + static_cast<i64>(pixel) * channels, v);
  }
}

template <class T, int W>
DEVICE void apply_norm(const T* __restrict__ x, const T* __restrict__ gamma, const T* __restrict__ beta,
                       const float* __restrict__ mean, const float* __restrict__ rstd, T* __restrict__ y, i64 pixels, int c, int groups, i64 chunk, bool silu_after) {
  Walk<W> walk(c, pixels, chunk);
  int width = c / groups;
  i64 image = blockIdx.y * pixels * c;
  i64 step = static_cast<i64>(walk.lanes) * c;
  i64 end = image + walk.end * c;
  for (int pack = walk.pack; pack < walk.packs; pack += walk.across) {
    float m[W];
    float scale[W];
    float shift[W];
    load_some(gamma + pack * W, scale);
    load_some(beta + pack * W, shift);
#pragma unroll
    for (int j = 0; j < W; j++) {
      int set = blockIdx.y * groups + (pack * W + j) / width;
      m[j] = mean[set];
      scale[j] *= rstd[set];
    }
#pragma unroll 4  // loads before the stores of those before
    for (i64 at = image + (walk.begin + walk.lane) * c + pack * W; at < end; at += step) {
      float v[W];
      load_some(x + at, v);
#pragma unroll
      for (int j = 0; j < W; j++) {
        float z = fmaf(v[j] - m[j], scale[j], shift[j]);
        v[j] = silu_after ? silu<T>(z) : z;
      }
      store_some(y + at, v);
    }
  }
}

// The gradient that reaches z = scale * v + shift, after SiLU's slope.
template <class T>
DEVICE float through(float v, float scale, float shift, float dy, bool silu_after) {
  return silu_after ? dy * silu_slope<T>(fmaf(v, scale, shift)) : dy;
}

// partial [n, chunks, 2, c] = sums over the chunk's pixels of dz * normal, and of dz.
template <class T, int W>
DEVICE void backward_partial(const T* __restrict__ x, const T* __restrict__ gamma, const T* __restrict__ beta,
                             const float* __restrict__ mean, const float* __restrict__ rstd,
                             const T* __restrict__ dy, float* out, i64 pixels, int c, int groups, i64 chunk,
                             bool silu_after) {
  DYNAMIC_SHARED(float, sums);  // [lanes, c], twice
  Walk<W> walk(c, pixels, chunk);
  int width = c / groups;
  i64 image = blockIdx.y * pixels * c;
  float* plain = sums + walk.lanes * c;
  for (int pack = walk.pack; pack < walk.packs; pack += walk.across) {
    float m[W];
    float scale[W];  // gamma * rstd, of the distance from the mean: rstd itself is wanted again at the end only
    float shift[W];
    float s1[W] = {};
    float s2[W] = {};
    load_some(gamma + pack * W, scale);
    load_some(beta + pack * W, shift);
#pragma unroll
    for (int j = 0; j < W; j++) {
      int set = blockIdx.y * groups + (pack * W + j) / width;
      m[j] = mean[set];
      scale[j] *= rstd[set];
    }
#pragma unroll 2  // four loads under way
    for (i64 pixel = walk.begin + walk.lane; pixel < walk.end; pixel += walk.lanes) {
      i64 at = image + pixel * c + pack * W;
      float v[W];
      float g[W];
      load_some(x + at, v);
      load_some(dy + at, g);
#pragma unroll
      for (int j = 0; j < W; j++) {
        float d = v[j] - m[j];
        float dz = through<T>(d, scale[j], shift[j], g[j], silu_after);
        s1[j] = fmaf(dz, d, s1[j]);
        s2[j] += dz;
      }
    }
#pragma unroll
    for (int j = 0; j < W; j++) {
      int at = walk.lane * c + pack * W + j;
      sums[at] = s1[j] * rstd[blockIdx.y * groups + (pack * W + j) / width];
      plain[at] = s2[j];
    }
  }
  __syncthreads();
  float* to = out + (static_cast<i64>(blockIdx.y) * gridDim.x + blockIdx.x) * 2 * c;
  for (int i = threadIdx.x; i < 2 * c; i += THREADS) {
    const float* from = i < c ? sums + i : plain + (i - c);
    float total = 0.0f;
    for (int lane = 0; lane < walk.lanes; lane++) total += from[lane * c];
    to[i] = total;
  }
}

// The block that is done last with an image joins its chunks in their order: sums [n, 2, c], and means [n, 2, groups]
// over each group of dz * gamma * normal, and of dz * gamma.
template <class T>
DEVICE void backward_join(const float* partial, const T* gamma, float* sums, float* means, u32* done, i64 pixels, int c,
                          int groups) {
  if (!is_last_of_image(done)) return;
  DYNAMIC_SHARED(float, joined);  // [2, c]
  i64 n = blockIdx.y;
  int chunks = static_cast<int>(gridDim.x);
  int width = c / groups;
  const float* from = partial + n * chunks * 2 * c;
  for (int i = threadIdx.x; i < 2 * c; i += THREADS) {
    float total = 0.0f;
#pragma unroll 8
    for (int k = 0; k < chunks; k++) total += from[static_cast<i64>(k) * 2 * c + i];
    joined[i] = total;
    sums[n * 2 * c + i] = total;
  }
  __syncthreads();
  float count = static_cast<float>(pixels * width);
  int lane = threadIdx.x & 31;
  for (int i = threadIdx.x >> 5; i < 2 * groups; i += THREADS / 32) {
    int first = (i < groups ? i : i - groups) * width;
    float sum = 0.0f;
    for (int k = lane; k < width; k += 32) {
      sum = fmaf(joined[(i < groups ? 0 : c) + first + k], to_float(gamma[first + k]), sum);
    }
    sum = warp_sum(sum);
    if (lane == 0) means[n * 2 * groups + i] = sum / count;
  }
}

// dgamma and dbeta [c], the sums over all images. A block takes 32 of the 2 c columns, as there are blocks.
template <class T>
DEVICE void backward_weights(const float* __restrict__ sums, T* dgamma, T* dbeta, int n, int c) {
  __shared__ float parts[THREADS / 32][32];
  int lane = threadIdx.x & 31;
  int warp = threadIdx.x >> 5;
  int blocks = static_cast<int>(gridDim.x * gridDim.y);
  for (int tile = blockIdx.y * gridDim.x + blockIdx.x; tile * 32 < 2 * c; tile += blocks) {
    int column = tile * 32 + lane;
    float sum = 0.0f;
    if (column < 2 * c) {
      for (int image = warp; image < n; image += THREADS / 32) sum += sums[static_cast<i64>(image) * 2 * c + column];
    }
    parts[warp][lane] = sum;
    __syncthreads();
    if (warp == 0 && column < 2 * c) {
      float total = 0.0f;
#pragma unroll
      for (int r = 0; r < THREADS / 32; r++) total += parts[r][lane];
      (column < c ? dgamma[column] : dbeta[column - c]) = from_float<T>(total);
    }
    __syncthreads();
  }
}

// dx = rstd * (dz * gamma - mean(dz * gamma) - normal * mean(dz * gamma * normal)), means over the group.
template <class T, int W>
DEVICE void backward_apply(const T* __restrict__ x, const T* __restrict__ gamma, const T* __restrict__ beta,
                           const float* __restrict__ mean, const float* __restrict__ rstd,
                           const T* __restrict__ dy, const float* __restrict__ means, T* __restrict__ dx,
                           i64 pixels, int c, int groups, i64 chunk, bool silu_after) {
  Walk<W> walk(c, pixels, chunk);
  int width = c / groups;
  i64 image = blockIdx.y * pixels * c;
  const float* own = means + static_cast<i64>(blockIdx.y) * 2 * groups;
  for (int pack = walk.pack; pack < walk.packs; pack += walk.across) {
    float m[W];
    float r[W];
    float scale[W];
    float shift[W];
    float of_normal[W];
    float of_one[W];
    load_some(gamma + pack * W, scale);
    load_some(beta + pack * W, shift);
#pragma unroll
    for (int j = 0; j < W; j++) {
      int g = (pack * W + j) / width;
      m[j] = mean[blockIdx.y * groups + g];
      r[j] = rstd[blockIdx.y * groups + g];
      of_normal[j] = own[g];
      of_one[j] = own[groups + g];
    }
#pragma unroll 2
    for (i64 pixel = walk.begin + walk.lane; pixel < walk.end; pixel += walk.lanes) {
      i64 at = image + pixel * c + pack * W;
      float v[W];
      float g[W];
      load_some(x + at, v);
      load_some(dy + at, g);
#pragma unroll
      for (int j = 0; j < W; j++) {
        float normal = (v[j] - m[j]) * r[j];
        float dz = through<T>(normal, scale[j], shift[j], g[j], silu_after);
        v[j] = r[j] * (dz * scale[j] - of_one[j] - normal * of_normal[j]);
      }
      store_some(dx + at, v);
    }
  }
}

template <class T>
DEVICE bool packs_fit(int c, const void* a, const void* b, const void* d) {
  return c % PACK<T> == 0 && aligned16(a, b, d);
}

#define GROUP_NORM(NAME, T)                                                                                   \
  extern "C" __global__ void __launch_bounds__(THREADS)                                                       \
      group_norm_statistics_##NAME(const T* x, float* out, float* mean, float* rstd, u32* done, i64 pixels,   \
                                   int c, int groups, i64 chunk, float eps) {                                 \
    with_width<T>(packs_fit<T>(c, x, x, x), [&](auto w) {                                                     \
      partial<T, decltype(w)::value>(x, out, pixels, c, groups, chunk);                                       \
    });                                                                                                       \
    join_chunks(out, mean, rstd, done, pixels, c / groups, chunk, groups, eps);                               \
  }                                                                                                           \
  extern "C" __global__ void __launch_bounds__(GROUP_THREADS) group_norm_whole_##NAME(                        \
      const T* x, const T* gamma, const T* beta, float* mean, float* rstd, T* y, int pixels, int c,           \
      int groups, int together, float eps, int silu_after) {                                                  \
    bool packed = packs_fit<T>(c, x, y, gamma) && aligned16(beta) && together * (c / groups) % PACK<T> == 0;  \
    with_width<T>(packed, [&](auto w) {                                                                       \
      whole<T, decltype(w)::value>(x, gamma, beta, mean, rstd, y, pixels, c, groups, together, eps,           \
                                   silu_after);                                                               \
    });                                                                                                       \
  }                                                                                                           \
  extern "C" __global__ void __launch_bounds__(THREADS) group_norm_apply_##NAME(                              \
      const T* x, const T* gamma, const T* beta, const float* mean, const float* rstd, T* y, i64 pixels,      \
      int c, int groups, i64 chunk, int silu_after) {                                                         \
    with_width<T>(packs_fit<T>(c, x, y, gamma) && aligned16(beta), [&](auto w) {                              \
      apply_norm<T, decltype(w)::value>(x, gamma, beta, mean, rstd, y, pixels, c, groups, chunk, silu_after); \
    });                                                                                                       \
  }                                                                                                           \
  extern "C" __global__ void __launch_bounds__(THREADS, 2) group_norm_backward_sums_##NAME(                   \
      const T* x, const T* gamma, const T* beta, const float* mean, const float* rstd, const T* dy,           \
      float* out, float* sums, float* means, u32* done, i64 pixels, int c, int groups, i64 chunk,             \
      int silu_after) {                                                                                       \
    with_width<T>(packs_fit<T>(c, x, dy, gamma) && aligned16(beta), [&](auto w) {                             \
      backward_partial<T, decltype(w)::value>(x, gamma, beta, mean, rstd, dy, out, pixels, c, groups, chunk,  \
                                              silu_after);                                                    \
    });                                                                                                       \
    backward_join(out, gamma, sums, means, done, pixels, c, groups);                                          \
  }                                                                                                           \
  extern "C" __global__ void __launch_bounds__(THREADS, 2) group_norm_backward_apply_##NAME(                  \
      const T* x, const T* gamma, const T* beta, const float* mean, const float* rstd, const T* dy,           \
      const float* sums, const float* means, T* dx, T* dgamma, T* dbeta, i64 pixels, int c, int groups,       \
      i64 chunk, int silu_after) {                                                                            \
    backward_weights(sums, dgamma, dbeta, gridDim.y, c);                                                      \
    with_width<T>(packs_fit<T>(c, x, dy, dx) && aligned16(gamma, beta), [&](auto w) {                         \
      backward_apply<T, decltype(w)::value>(x, gamma, beta, mean, rstd, dy, means, dx, pixels, c, groups,     \
                                            chunk, silu_after);                                               \
    });                                                                                                       \
  }

FOR_FLOATS(GROUP_NORM)
