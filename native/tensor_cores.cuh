// What PTX has for tensor cores: products of small matrices by a warp, and copies into shared memory that nobody waits
// for. For compute capability 8.0 and later.
#pragma once
#include "common.cuh"

#ifdef NACRE_SIM

template <class T>
void load_matrices(const T* row, u32 (&v)[4]) {
  if (!aligned16(row)) __trap();
  int lane = threadIdx.x & 31;
  const T* rows[32];
  nacre_sim_of_all(row, rows);
  for (int i = 0; i < 4; i++) v[i] = *reinterpret_cast<const u32*>(rows[i * 8 + lane / 4] + lane % 4 * 2);
}

template <class T>
void add_product(T type, const u32 (&a)[4], u32 b0, u32 b1, float (&sum)[4]) {
  int lane = threadIdx.x & 31;
  u64 left[2][32];
  u64 right[32];
  for (int half = 0; half < 2; half++) nacre_sim_of_all(a[2 * half] | static_cast<u64>(a[2 * half + 1]) << 32, left[half]);
  nacre_sim_of_all(b0 | static_cast<u64>(b1) << 32, right);
  for (int half = 0; half < 2; half++) {
    for (int k = 0; k < 4; k++) {
      for (int i = 0; i < 4; i++) {
        float u[2];
        float v[2];
        unpack(static_cast<u32>(left[half][lane / 4 * 4 + k] >> i / 2 * 32), type, u[0], u[1]);
        unpack(static_cast<u32>(right[(lane % 4 * 2 + i % 2) * 4 + k] >> half * 32), type, v[0], v[1]);
        sum[i] += u[0] * v[0] + u[1] * v[1];
      }
    }
  }
}

// Copies are made when they are waited for and no sooner, as late as a GPU may make them.
template <int GROUPS, int EACH>
class Copies {
  struct Copy {
    void* to;
    const void* from;
    bool wanted;
  };
  Copy copies_[GROUPS][EACH];
  int counts_[GROUPS] = {};
  int groups_ = 0, done_ = 0;

 public:
  void copy16(void* to, const void* from, bool wanted) {
    if (!aligned16(to, from)) __trap();
    if (groups_ - done_ >= GROUPS || counts_[groups_ % GROUPS] >= EACH) __trap();
    copies_[groups_ % GROUPS][counts_[groups_ % GROUPS]++] = Copy{to, from, wanted};
  }

  void close() {
    groups_++;
    if (groups_ - done_ < GROUPS) counts_[groups_ % GROUPS] = 0;
  }

  template <int LEFT>
  void wait() {
    for (; groups_ - done_ > LEFT; done_++) {
      for (int i = 0; i < counts_[done_ % GROUPS]; i++) {
        const Copy& copy = copies_[done_ % GROUPS][i];
        uint4 nothing{};
        *static_cast<uint4*>(copy.to) = copy.wanted ? *static_cast<const uint4*>(copy.from) : nothing;
      }
      counts_[done_ % GROUPS] = 0;
    }
  }
};

#else

// Four matrices of 8 x 8 from shared memory; lane l says where row l % 8 of matrix l / 8 begins. Register i of the lane
// gets row l / 4 of matrix i, elements l % 4 * 2 and the next one.
template <class T>
DEVICE void load_matrices(const T* row, u32 (&v)[4]) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(v[0]), "=r"(v[1]), "=r"(v[2]), "=r"(v[3])
               : "r"(static_cast<u32>(__cvta_generic_to_shared(row))));
}

#define ADD_PRODUCT(T, TYPE)                                                                                    \
  DEVICE void add_product(T, const u32 (&a)[4], u32 b0, u32 b1, float (&sum)[4]) {                              \
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32." TYPE "." TYPE ".f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, " \
                 "{%8, %9}, {%0, %1, %2, %3};"                                                                  \
                 : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])                                       \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));                               \
  }

// sum [16, 8] += a [16, 16] * b [16, 8]. Of the four 8 x 8 quarters of a the registers have the upper left, the lower
// left, the upper right, the lower right; of b, transposed, the upper and the lower. Sums are of rows l / 4 and, the
// last two, l / 4 + 8, columns l % 4 * 2 and the next one.
ADD_PRODUCT(bf16, "bf16")
ADD_PRODUCT(f16, "f16")

// Copies of 16 bytes into shared memory, in groups of at most EACH of a thread; at most GROUPS are under way.
template <int GROUPS, int EACH>
class Copies {
 public:
  // Zeros where not wanted; `from` must be an address that may be read all the same.
  DEVICE void copy16(void* to, const void* from, bool wanted) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(
                     static_cast<u32>(__cvta_generic_to_shared(to))),
                 "l"(from), "r"(wanted ? 16 : 0)
                 : "memory");
  }

  // Those since the last call are a group.
  DEVICE void close() { asm volatile("cp.async.commit_group;" ::: "memory"); }

  // Waits for this thread's copies but those of the last LEFT groups.
  template <int LEFT>
  DEVICE void wait() {
    asm volatile("cp.async.wait_group %0;" ::"n"(LEFT) : "memory");
  }
};

#endif
