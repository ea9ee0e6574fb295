#include "blocks.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "fiber.h"
#include "memory.h"

namespace sim::blocks {
namespace {

using nacre_sim::Access;
using nacre_sim::Index;
using nacre_sim::Instance;
using nacre_sim::Kernel;

constexpr int MOST_THREADS = 1024;
constexpr size_t MOST_SHARED = 99 << 10;  // as the GPUs of compute capability 8.6 and 8.9 have
constexpr size_t SHARED_REDZONE = 256;

enum class State : unsigned char { FRESH, READY, AT_BLOCK, AT_WARP, DONE };

struct Fiber {
  Context context;
  char* stack;
  int thread;
  Index index;  // of the thread
};

std::string text(const char* format, ...) __attribute__((format(printf, 1, 2)));
std::string text(const char* format, ...) {
  char buffer[600];
  va_list list;
  va_start(list, format);
  std::vsnprintf(buffer, sizeof buffer, format, list);
  va_end(list);
  return buffer;
}

extern const nacre_sim::Services SERVICES;

// Runs one block at a time. All its fibers stay on the thread that entered run().
class Worker {
 public:
  std::string fault;

  explicit Worker(int number) : number_(number) {
    dynamic_ = static_cast<char*>(std::malloc(MOST_SHARED + 2 * SHARED_REDZONE)) + SHARED_REDZONE;
  }

  void begin(const Launch& launch) {
    fault.clear();
    instance_ = launch.module->instances[number_];
    kernel_ = launch.module->kernels[number_] + launch.kernel;
    arguments_ = launch.arguments;
    threads_ = launch.block.x * launch.block.y * launch.block.z;
    instance_->services = SERVICES;
    instance_->block_extent = launch.block;
    instance_->grid_extent = launch.grid;
    instance_->exchange = exchange_;
    instance_->turns = turns_;
    instance_->dynamic_begin = reinterpret_cast<uintptr_t>(dynamic_);
    instance_->dynamic_end = instance_->dynamic_begin + launch.shared_bytes;
    shared_bytes_ = launch.shared_bytes;
  }

  // False if the block failed; `fault` says how.
  bool run(Index block) {
    current = this;
    instance_->block = block;
    std::fill_n(state_, threads_, State::FRESH);
    std::fill_n(turns_, threads_, 0u);
    // Shared memory is not zero at the start of a block: make what was not written show.
    for (size_t v = 0; v < instance_->shared_count; v++) {
      std::memset(reinterpret_cast<void*>(instance_->variables[v].begin), 0xFF, instance_->variables[v].bytes);
    }
    if (shared_bytes_ != 0) std::memset(dynamic_, 0xFF, shared_bytes_);
    done_ = 0;
    random_ = seed() + 0x9E3779B97F4A7C15ull * (block.x + 1 + (uint64_t(block.y) << 24) + (uint64_t(block.z) << 44));
    int warps = (threads_ + 31) / 32;
    while (done_ < threads_) {
      bool ran = false;
      Order order = next_order(MOST_THREADS / 32);
      for (int i = 0; i < MOST_THREADS / 32 && fault.empty(); i++) {
        if (int warp = order.at(i); warp < warps) ran |= run_warp(warp);
      }
      if (!fault.empty()) break;
      if (done_ < threads_ && !release_block()) {
        if (!fault.empty()) break;
        if (!ran) {
          stuck();
          break;
        }
      }
    }
    if (!fault.empty()) abandon();
    return fault.empty();
  }

  // ---- called from fibers

  void wait_at_block(int line) {
    Fiber* fiber = running_;
    line_[fiber->thread] = line;
    state_[fiber->thread] = State::AT_BLOCK;
    switch_context(fiber->context, scheduler_);
  }

  void wait_at_warp(unsigned mask, int line) {
    Fiber* fiber = running_;
    line_[fiber->thread] = line;
    mask_[fiber->thread] = mask;
    state_[fiber->thread] = State::AT_WARP;
    if (!(mask >> (fiber->thread & 31) & 1)) {
      fail(where(fiber->thread) + text(": the mask %08x at line %d does not name the thread's own lane", mask, line));
    }
    switch_context(fiber->context, scheduler_);
  }

  [[noreturn]] void fail(std::string what) {
    fault = std::move(what);
    switch_context(running_->context, scheduler_);
    std::abort();  // a failed fiber is never entered again
  }

  std::string where() const { return where(running_->thread); }

  static thread_local Worker* current;

 private:
  int number_;
  Instance* instance_ = nullptr;
  const Kernel* kernel_ = nullptr;
  const unsigned char* arguments_ = nullptr;
  char* dynamic_;
  size_t shared_bytes_ = 0;
  int threads_ = 0, done_ = 0;
  int first_ = 0, limit_ = 0, next_ = 0, end_ = 0;  // threads of the running warp, and which of them have not begun
  uint64_t random_ = 0;

  // Some order of 32 things, a power of two of them: between barriers a GPU promises none.
  struct Order {
    unsigned step, from, mask;
    int at(int i) const { return static_cast<int>((static_cast<unsigned>(i) * step + from) & mask); }
  };
  Order order_{1, 0, 31};  // of the running warp's lanes

  static uint64_t seed() {
    static const uint64_t asked = [] {
      const char* text = std::getenv("NACRE_SIM_SEED");
      return text ? std::strtoull(text, nullptr, 10) : 1;
    }();
    return asked;
  }

  // Of seed 0 the order is that of their numbers.
  Order next_order(unsigned count) {
    if (seed() == 0) return Order{1, 0, count - 1};
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    uint64_t bits = random_ * 0x2545F4914F6CDD1Dull >> 32;
    return Order{static_cast<unsigned>(bits) | 1, static_cast<unsigned>(bits >> 8), count - 1};
  }
  Context scheduler_;
  Fiber* running_ = nullptr;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Fiber*> idle_;
  Fiber* fiber_of_[MOST_THREADS];
  State state_[MOST_THREADS];
  int line_[MOST_THREADS];
  unsigned mask_[MOST_THREADS];
  unsigned turns_[MOST_THREADS];
  uint64_t exchange_[MOST_THREADS / 32 * 2][32];

  std::string where(int thread) const {
    Index t = index_of(thread);
    Index b = instance_->block;
    return text("kernel %s, block (%u,%u,%u), thread (%u,%u,%u)", kernel_->name, b.x, b.y, b.z, t.x, t.y, t.z);
  }

  Index index_of(unsigned thread) const {
    Index e = instance_->block_extent;
    return Index{thread % e.x, thread / e.x % e.y, thread / e.x / e.y};
  }

  void put_on(Fiber* fiber, int thread) {
    fiber->thread = thread;
    fiber->index = index_of(thread);
    put_on(fiber);
  }

  void put_on(Fiber* fiber) {
    running_ = fiber;
    instance_->thread = fiber->index;
    instance_->stack_begin = reinterpret_cast<uintptr_t>(fiber->stack);
    instance_->stack_end = instance_->stack_begin + STACK_BYTES;
  }

  // A fiber runs thread after thread until one waits; then it waits with it.
  static void body() {
    Worker& w = *current;
    for (;;) {
      while (w.next_ < w.end_) {
        int thread = w.first_ + w.order_.at(w.next_++);
        if (thread >= w.limit_) continue;
        w.put_on(w.running_, thread);
        w.fiber_of_[thread] = w.running_;
        w.kernel_->invoke(w.arguments_);
        w.state_[w.running_->thread] = State::DONE;
        w.done_++;
      }
      Fiber* self = w.running_;
      w.idle_.push_back(self);
      switch_context(self->context, w.scheduler_);
    }
  }

  Fiber* idle_fiber() {
    if (idle_.empty()) {
      auto fiber = std::make_unique<Fiber>();
      void* stack = mmap(nullptr, STACK_BYTES + 4096, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      mprotect(stack, 4096, PROT_NONE);
      fiber->stack = static_cast<char*>(stack) + 4096;
      make_context(fiber->context, fiber->stack, &Worker::body);
      idle_.push_back(fiber.get());
      fibers_.push_back(std::move(fiber));
    }
    Fiber* fiber = idle_.back();
    idle_.pop_back();
    return fiber;
  }

  // Runs a warp until each of its threads is done or waits for the block.
  bool run_warp(int warp) {
    int begin = warp * 32;
    int end = std::min(begin + 32, threads_);
    bool ran = false;
    order_ = next_order(32);
    if (state_[begin] == State::FRESH) {
      first_ = begin;
      limit_ = end;
      next_ = 0;
      end_ = 32;
      while (next_ < end_ && fault.empty()) {
        running_ = idle_fiber();
        switch_context(scheduler_, running_->context);
      }
      ran = true;
    }
    for (bool released = true; released && fault.empty();) {
      for (int i = 0; i < 32 && fault.empty(); i++) {
        int t = begin + order_.at(i);
        if (t < end && state_[t] == State::READY) {
          put_on(fiber_of_[t]);
          next_ = end_ = 0;
          switch_context(scheduler_, running_->context);
          ran = true;
        }
      }
      released = fault.empty() && release_warp(begin, end);
    }
    return ran;
  }

  bool release_warp(int begin, int end) {
    bool released = false;
    for (int t = begin; t < end; t++) {
      if (state_[t] != State::AT_WARP) continue;
      unsigned mask = mask_[t];
      bool all = true;
      for (int lane = 0; lane < 32 && all; lane++) {
        int other = begin + lane;
        if (!(mask >> lane & 1)) continue;
        if (other >= end || state_[other] == State::DONE) {
          fault = where(t) + text(": the mask %08x at line %d names lane %d, which %s", mask, line_[t], lane,
                                  other >= end ? "the block does not have" : "has returned");
          return false;
        }
        all = state_[other] == State::AT_WARP && mask_[other] == mask && line_[other] == line_[t];
      }
      if (!all) continue;
      for (int lane = 0; lane < 32; lane++) {
        if (mask >> lane & 1) state_[begin + lane] = State::READY;
      }
      released = true;
    }
    return released;
  }

  // Lets all go on where all wait. Threads that returned, or wait on another line, are an error.
  bool release_block() {
    int waiting = -1;
    for (int t = 0; t < threads_; t++) {
      if (state_[t] == State::AT_WARP || state_[t] == State::READY) return false;
      if (state_[t] == State::AT_BLOCK) {
        if (waiting >= 0 && line_[waiting] != line_[t]) {
          fault = where(t) + text(": waits at __syncthreads of line %d, others at that of line %d", line_[t],
                                  line_[waiting]);
          return false;
        }
        waiting = t;
      }
    }
    if (done_ > 0) {
      fault = where(waiting) + text(": waits at __syncthreads of line %d, other threads have returned",
                                    line_[waiting]);
      return false;
    }
    std::fill_n(state_, threads_, State::READY);
    return true;
  }

  void stuck() {
    for (int t = 0; t < threads_; t++) {
      if (state_[t] == State::AT_WARP) {
        fault = where(t) + text(": waits for its warp at line %d (mask %08x), others never come", line_[t], mask_[t]);
        return;
      }
    }
    fault = "threads of a block wait for each other";
  }

  // What ran on the fibers is left where it was; they begin anew.
  void abandon() {
    idle_.clear();
    for (auto& fiber : fibers_) {
      make_context(fiber->context, fiber->stack, &Worker::body);
      idle_.push_back(fiber.get());
    }
  }
};

thread_local Worker* Worker::current = nullptr;

const char* verb(Access access) {
  return access == Access::LOAD ? "load" : access == Access::STORE ? "store" : "atomic operation";
}

void on_fault(uintptr_t address, size_t bytes, Access access) {
  Worker& w = *Worker::current;
  std::string about = memory::describe(address);
  if (!memory::inside(address)) about += " (or past the end of a __shared__ array)";
  w.fail(w.where() + text(": %s of %zu bytes at 0x%zx, %s", verb(access), bytes, static_cast<size_t>(address),
                          about.c_str()));
}

void on_misaligned(uintptr_t address, size_t alignment) {
  Worker& w = *Worker::current;
  w.fail(w.where() + text(": misaligned address 0x%zx, wants a multiple of %zu", static_cast<size_t>(address), alignment));
}

void on_trap(const char* what, int line) {
  Worker& w = *Worker::current;
  w.fail(w.where() + text(": %s at line %d", what, line));
}

void on_block_barrier(int line) { Worker::current->wait_at_block(line); }
void on_warp_barrier(unsigned mask, int line) { Worker::current->wait_at_warp(mask, line); }

const nacre_sim::Services SERVICES{on_fault, on_misaligned, on_trap, on_block_barrier, on_warp_barrier};

// The workers, of which number 0 is whoever calls.
class Pool {
 public:
  Pool() {
    const char* asked = std::getenv("NACRE_SIM_THREADS");
    int count = asked ? std::atoi(asked) : static_cast<int>(std::thread::hardware_concurrency());
    count = std::clamp(count, 1, 8);
    for (int i = 0; i < count; i++) workers.push_back(std::make_unique<Worker>(i));
    for (int i = 1; i < count; i++) std::thread(&Pool::serve, this, i).detach();
  }

  std::vector<std::unique_ptr<Worker>> workers;

  std::string run(const Launch& launch) {
    uint64_t count = uint64_t(launch.grid.x) * launch.grid.y * launch.grid.z;
    launch_ = &launch;
    next_ = 0;
    count_ = count;
    failed_ = false;
    bool share = workers.size() > 1 && count > 1;
    if (share) {
      std::lock_guard hold(lock_);
      busy_ = static_cast<int>(workers.size()) - 1;
      generation_++;
      wake_.notify_all();
    }
    work(0);
    if (share) {
      std::unique_lock hold(lock_);
      finished_.wait(hold, [this] { return busy_ == 0; });
    }
    if (failed_) {
      for (auto& worker : workers) {
        if (!worker->fault.empty()) return worker->fault;
      }
    }
    return "";
  }

 private:
  const Launch* launch_ = nullptr;
  std::atomic<uint64_t> next_{0};
  uint64_t count_ = 0;
  std::atomic<bool> failed_{false};
  std::mutex lock_;
  std::condition_variable wake_, finished_;
  int busy_ = 0;
  uint64_t generation_ = 0;

  void work(int number) {
    Worker& worker = *workers[number];
    worker.begin(*launch_);
    const Index grid = launch_->grid;
    for (uint64_t at; !failed_ && (at = next_++) < count_;) {
      Index block{static_cast<unsigned>(at % grid.x), static_cast<unsigned>(at / grid.x % grid.y),
                  static_cast<unsigned>(at / grid.x / grid.y)};
      if (!worker.run(block)) failed_ = true;
    }
  }

  void serve(int number) {
    uint64_t seen = 0;
    for (;;) {
      {
        std::unique_lock hold(lock_);
        wake_.wait(hold, [&] { return generation_ != seen; });
        seen = generation_;
      }
      work(number);
      std::lock_guard hold(lock_);
      if (--busy_ == 0) finished_.notify_one();
    }
  }
};

Pool& pool() {
  static Pool* one = new Pool();  // never destroyed: its threads may outlive static destructors
  return *one;
}

}  // namespace

int workers() { return static_cast<int>(pool().workers.size()); }

std::string run(const Launch& launch) { return pool().run(launch); }

}  // namespace sim::blocks
