#include "memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <vector>

#include "../device/instance.h"

namespace sim::memory {
namespace {

using nacre_sim::ARENA;
using nacre_sim::ARENA_BYTES;
using nacre_sim::FREED;
using nacre_sim::FRESH;
using nacre_sim::NOTHING;
using nacre_sim::SHADOW;
using nacre_sim::WRITTEN;

constexpr size_t REDZONE = 256;
constexpr size_t QUARANTINE = size_t(512) << 20;  // freed bytes that are not used again yet
constexpr size_t KEEP_PAGES = size_t(1) << 20;    // larger blocks give their pages back when freed

struct Block {
  size_t bytes;     // as asked for
  size_t footprint; // of addresses, redzone included
  bool live;
};

std::mutex lock;
std::map<Address, Block> blocks;              // live and freed, until their addresses are used again
std::deque<Address> quarantine;
size_t quarantined = 0;
std::multimap<size_t, Address> reusable;      // by footprint
Address next_address = ARENA + REDZONE;
size_t used_bytes = 0, peak_bytes = 0;

unsigned char* state(Address a) { return reinterpret_cast<unsigned char*>(a - ARENA + SHADOW); }

void* reserve(uintptr_t at, size_t bytes) {
  void* p = mmap(reinterpret_cast<void*>(at), bytes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (p != reinterpret_cast<void*>(at)) {
    std::fprintf(stderr, "nacre simulated device: cannot reserve its addresses at %p: %s\n",
                 reinterpret_cast<void*>(at), std::strerror(errno));
    std::abort();
  }
  madvise(p, bytes, MADV_DONTDUMP);
  return p;
}

}  // namespace

void start() {
  static std::once_flag once;
  std::call_once(once, [] {
    reserve(ARENA, ARENA_BYTES);
    reserve(SHADOW, ARENA_BYTES);
  });
}

bool counting() {
  static const bool on = [] {
    const char* asked = std::getenv("NACRE_SIM_COUNT");
    return asked && std::strcmp(asked, "on") == 0;
  }();
  return on;
}

// Asked each time, so that a test can make it small for a while.
size_t capacity() {
  const char* asked = std::getenv("NACRE_SIM_MEMORY");
  return asked ? std::strtoull(asked, nullptr, 10) : size_t(8) << 30;
}

size_t used() {
  std::lock_guard hold(lock);
  return used_bytes;
}
size_t peak() {
  std::lock_guard hold(lock);
  return peak_bytes;
}
void reset_peak() {
  std::lock_guard hold(lock);
  peak_bytes = used_bytes;
}

Address allocate(size_t bytes) {
  std::lock_guard hold(lock);
  size_t footprint = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT + REDZONE;
  if (used_bytes + bytes > capacity()) return 0;
  Address a;
  auto found = reusable.lower_bound(footprint);
  if (found != reusable.end() && found->first <= footprint + footprint / 4) {
    a = found->second;
    footprint = found->first;
    reusable.erase(found);
  } else {
    if (next_address + footprint > ARENA + ARENA_BYTES) return 0;
    a = next_address;
    next_address += footprint;
  }
  blocks[a] = Block{bytes, footprint, true};
  if (!counting()) {
    std::memset(state(a), FRESH, bytes);
    std::memset(state(a) + bytes, NOTHING, footprint - bytes);
    std::memset(host<char>(a), 0xFB, std::min<size_t>(bytes, KEEP_PAGES));
  }
  used_bytes += bytes;
  peak_bytes = std::max(peak_bytes, used_bytes);
  return a;
}

bool is_allocated(Address a) {
  std::lock_guard hold(lock);
  auto at = blocks.find(a);
  return at != blocks.end() && at->second.live;
}

size_t release(Address a) {
  std::lock_guard hold(lock);
  Block& block = blocks.at(a);
  block.live = false;
  used_bytes -= block.bytes;
  return block.bytes;
}

void forget(Address a) {
  std::lock_guard hold(lock);
  Block& block = blocks.at(a);
  if (!counting()) std::memset(state(a), FREED, block.bytes);
  if (!counting() && block.bytes >= KEEP_PAGES) madvise(host<void>(a), block.bytes / 4096 * 4096, MADV_DONTNEED);
  quarantine.push_back(a);
  quarantined += block.footprint;
  while (quarantined > QUARANTINE) {
    Address oldest = quarantine.front();
    quarantine.pop_front();
    size_t footprint = blocks.at(oldest).footprint;
    quarantined -= footprint;
    reusable.emplace(footprint, oldest);
  }
}

bool inside(Address a) { return a - ARENA < ARENA_BYTES; }

std::string describe(Address a) {
  char text[200];
  if (!inside(a)) {
    std::snprintf(text, sizeof text, "%s", a < 4096 ? "a null pointer" : "no address of the device (of the host?)");
    return text;
  }
  std::lock_guard hold(lock);
  auto after = blocks.upper_bound(a);
  if (after == blocks.begin()) return "before every allocation";
  auto at = std::prev(after);
  const Block& block = at->second;
  size_t offset = a - at->first;
  const char* kind = block.live ? "an" : "a freed";
  if (offset < block.bytes) {
    std::snprintf(text, sizeof text, "byte %zu of %s allocation of %zu bytes%s", offset, kind, block.bytes,
                  !counting() && *state(a) == FRESH ? ", never written" : "");
  } else if (after != blocks.end() && after->first - a < offset - block.bytes) {
    std::snprintf(text, sizeof text, "%zu bytes before an allocation of %zu bytes",
                  static_cast<size_t>(after->first - a), after->second.bytes);
  } else {
    std::snprintf(text, sizeof text, "%zu bytes past the end of %s allocation of %zu bytes",
                  offset - block.bytes, kind, block.bytes);
  }
  return text;
}

std::string why_not_writable(Address a, size_t bytes) {
  if (bytes == 0) return "";
  if (!inside(a) || !inside(a + bytes - 1)) return describe(a);
  if (counting()) return "";
  for (size_t i = 0; i < bytes; i++) {
    unsigned char s = state(a)[i];
    if (s != FRESH && s != WRITTEN) return describe(a + i);
  }
  return "";
}

std::string why_not_readable(Address a, size_t bytes) {
  if (bytes == 0) return "";
  if (!inside(a) || !inside(a + bytes - 1)) return describe(a);
  if (counting()) return "";
  const unsigned char* s = state(a);
  if (s[0] == WRITTEN && std::memcmp(s, s + 1, bytes - 1) == 0) return "";
  for (size_t i = 0; i < bytes; i++) {
    if (s[i] != WRITTEN) return describe(a + i);
  }
  return "";
}

void mark_written(Address a, size_t bytes) {
  if (!counting()) std::memset(state(a), WRITTEN, bytes);
}

void copy_states(Address from, Address to, size_t bytes) { std::memmove(state(to), state(from), bytes); }

}  // namespace sim::memory
