// NCCL: collectives among processes that have a simulated device each. What NCCL leaves undefined,
// other calls or other sizes on another rank, is a fault of the device here.
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "errors.h"
#include "memory.h"
#include "numbers.h"
#include "peers.h"
#include "streams.h"

using namespace sim;

namespace sim {
CUresult require_context();
}

namespace {

enum Status { SUCCESS = 0, CUDA_FAILED = 1, SYSTEM = 2, INVALID_ARGUMENT = 4, INVALID_USAGE = 5, REMOTE = 6 };
enum Kind { ALL_REDUCE, REDUCE_SCATTER, ALL_GATHER, BROADCAST, LEAVE };
constexpr const char* NAMES[] = {"all-reduce", "reduce-scatter", "all-gather", "broadcast", "nothing, it has left"};

struct Id {
  char internal[128];
};

// What a rank says of a call before it exchanges anything.
struct Call {
  uint64_t number;
  uint64_t count;
  int32_t kind, type, op, root;
};

enum Op { SUM = 0, MEAN = 4 };

constexpr int U8 = 1, I32 = 2, I64 = 4, F16 = 6, F32 = 7, BF16 = 9;

const char* type_name(int type) {
  switch (type) {
    case U8: return "u8";
    case I32: return "i32";
    case I64: return "i64";
    case F16: return "f16";
    case F32: return "f32";
    case BF16: return "bf16";
  }
  return nullptr;
}

bool is_floating(int type) { return type == F16 || type == F32 || type == BF16; }

size_t type_bytes(int type) {
  return type == I64 ? 8 : type == F32 || type == I32 ? 4 : type == U8 ? 1 : 2;
}

std::string tell(const Call& c) {
  if (c.kind < 0 || c.kind > LEAVE) return "something unknown";
  if (c.kind == LEAVE) return NAMES[LEAVE];
  std::string text = format("%s %llu, of %llu %s", NAMES[c.kind], static_cast<unsigned long long>(c.number),
                            static_cast<unsigned long long>(c.count), type_name(c.type) ? type_name(c.type) : "?");
  if (c.op == MEAN) text += " as a mean";
  return c.kind == BROADCAST ? text + format(" from rank %d", c.root) : text;
}

struct Comm {
  Comm(int r, int n) : rank(r), ranks(n), peers(r, n) {}
  const int rank, ranks;
  Peers peers;
  uint64_t calls = 0;
  std::atomic<bool> given_up{false}, destroyed{false};
  std::atomic<int> error{SUCCESS};
  std::mutex use;  // of the sockets
};

std::mutex lock;  // of what follows; never held while anything waits
std::map<Comm*, std::shared_ptr<Comm>>& comms() {
  static std::map<Comm*, std::shared_ptr<Comm>> all;
  return all;
}
std::set<std::string>& kept() {
  static std::set<std::string> all;
  return all;
}
const char* last = "";

int refuse(int status, const std::string& story) {
  std::lock_guard hold(lock);
  last = kept().insert("simulated device: " + story).first->c_str();
  return status;
}

std::shared_ptr<Comm> find(Comm* c) {
  std::lock_guard hold(lock);
  auto at = comms().find(c);
  return at == comms().end() ? nullptr : at->second;
}

// What a kernel does that waits for a rank which is no more: it waits until the host gives up.
std::string hang(Comm& c, const std::string& why) {
  auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(Peers::patience());
  while (!c.given_up && std::chrono::steady_clock::now() < until) usleep(5000);
  return c.given_up ? "" : "NCCL: " + why + ", and nobody called ncclCommAbort";
}

template <class T>
void add(T* to, const T* from, size_t count) {
  for (size_t i = 0; i < count; i++) to[i] = static_cast<T>(to[i] + from[i]);
}

Type floating(int type) { return type == F32 ? Type::F32 : type == F16 ? Type::F16 : Type::BF16; }

void add(int type, char* to, const char* from, size_t count) {
  switch (type) {
    case U8: return add(reinterpret_cast<uint8_t*>(to), reinterpret_cast<const uint8_t*>(from), count);
    case I32: return add(reinterpret_cast<uint32_t*>(to), reinterpret_cast<const uint32_t*>(from), count);
    case I64: return add(reinterpret_cast<uint64_t*>(to), reinterpret_cast<const uint64_t*>(from), count);
  }
  Type t = floating(type);
  for (size_t i = 0; i < count; i++) write_element(t, to, i, read_element(t, to, i) + read_element(t, from, i));
}

void divide(int type, char* x, int by, size_t count) {
  Type t = floating(type);
  for (size_t i = 0; i < count; i++) write_element(t, x, i, read_element(t, x, i) / by);
}

// One side's buffers: `bytes` is what a rank contributes or gets of a part.
struct Plan {
  Call call;
  Address send, receive;
  size_t send_bytes, receive_bytes;
};

std::string pieces(Comm& c, const std::vector<Peers::Piece>& out, const std::vector<Peers::Piece>& in,
                   const std::string& what, bool* stop) {
  int culprit = -1;
  *stop = true;
  switch (c.peers.exchange(out, in, c.given_up, &culprit)) {
    case Peers::End::DONE: *stop = false; return "";
    case Peers::End::GIVEN_UP: return "";
    case Peers::End::LOST: {
      std::string why = format("rank %d is lost", culprit);
      c.error = refuse(REMOTE, why);
      return hang(c, why);
    }
    case Peers::End::LATE: break;
  }
  return format("NCCL: rank %d waits for rank %d in %s, for %.0f s now", c.rank, culprit, what.c_str(), Peers::patience());
}

// What all ranks must agree on.
std::string agree(Comm& c, const Call& mine, bool* stop) {
  std::vector<Call> theirs(c.ranks);
  Call copy = mine;
  std::vector<Peers::Piece> out(c.ranks, {reinterpret_cast<char*>(&copy), sizeof copy}), in(c.ranks);
  for (int r = 0; r < c.ranks; r++) in[r] = {reinterpret_cast<char*>(&theirs[r]), sizeof(Call)};
  std::string why = pieces(c, out, in, tell(mine), stop);
  for (int r = 0; r < c.ranks && !*stop; r++) {
    if (r != c.rank && std::memcmp(&theirs[r], &mine, sizeof mine) != 0) {
      *stop = true;
      why = format("NCCL: rank %d does %s, and rank %d does %s", c.rank, tell(mine).c_str(), r, tell(theirs[r]).c_str());
    }
  }
  return why;
}

std::string compute(Comm& c, const Plan& p) {
  int n = c.ranks;
  size_t part = p.call.count * type_bytes(p.call.type);  // of a rank, where there are parts
  char* send = memory::host<char>(p.send);
  char* receive = memory::host<char>(p.receive);
  bool sums = p.call.kind == ALL_REDUCE || p.call.kind == REDUCE_SCATTER;
  std::vector<std::vector<char>> arrived(n);
  std::vector<Peers::Piece> out(n), in(n);
  for (int r = 0; r < n; r++) {
    size_t from = p.call.kind == REDUCE_SCATTER ? r * part : 0;
    if (p.call.kind != BROADCAST || c.rank == p.call.root) out[r] = {send + from, part};
    if (p.call.kind != BROADCAST || r == p.call.root) {
      arrived[r].resize(part);
      in[r] = {arrived[r].data(), part};
    }
  }
  bool stop;
  std::string why = pieces(c, out, in, tell(p.call), &stop);
  if (stop) return why;
  size_t mine = p.call.kind == REDUCE_SCATTER ? c.rank * part : 0;
  if (!arrived[c.rank].empty()) std::memcpy(arrived[c.rank].data(), send + mine, part);
  if (sums) {  // in the order of ranks, so that all have the same bits
    for (int r = 1; r < n; r++) add(p.call.type, arrived[0].data(), arrived[r].data(), p.call.count);
    if (p.call.op == MEAN) divide(p.call.type, arrived[0].data(), n, p.call.count);
    std::memcpy(receive, arrived[0].data(), part);
  } else if (p.call.kind == ALL_GATHER) {
    for (int r = 0; r < n; r++) std::memcpy(receive + r * part, arrived[r].data(), part);
  } else {
    std::memcpy(receive, arrived[p.call.root].data(), part);
  }
  return "";
}

std::string run(Comm& c, Plan p) {
  if (c.destroyed) return format("NCCL: %s on a communicator that is destroyed", NAMES[p.call.kind]);
  std::string why = memory::why_not_readable(p.send, p.send_bytes);
  if (why.empty()) why = memory::why_not_writable(p.receive, p.receive_bytes);
  if (!why.empty()) return format("NCCL: %s: ", NAMES[p.call.kind]) + why;
  if (!c.given_up) {
    std::lock_guard hold(c.use);
    p.call.number = ++c.calls;
    bool stop;
    why = agree(c, p.call, &stop);
    if (!stop) why = compute(c, p);
    if (!why.empty()) c.error = REMOTE;
  }
  // What is given up leaves anything behind.
  if (c.given_up) std::memset(memory::host<void>(p.receive), 0xFF, p.receive_bytes);
  memory::mark_written(p.receive, p.receive_bytes);
  return why;
}

int collective(Kind kind, Address send, Address receive, size_t count, int type, int op, int root, Comm* handle,
               CUstream stream) {
  std::shared_ptr<Comm> c = find(handle);
  const char* name = NAMES[kind];
  if (!c) return refuse(INVALID_ARGUMENT, format("%s: no such communicator, or destroyed already", name));
  if (c->error != SUCCESS) return c->error;  // the last error is why
  if (!type_name(type)) return refuse(INVALID_ARGUMENT, format("%s: type %d", name, type));
  if (op != SUM && (op != MEAN || !is_floating(type))) return refuse(INVALID_ARGUMENT, format("%s: operation %d", name, op));
  if (root < 0 || root >= c->ranks) return refuse(INVALID_ARGUMENT, format("%s: root %d of %d ranks", name, root, c->ranks));
  size_t part = count * type_bytes(type), all = part * c->ranks;
  Plan p{{0, count, kind, type, op, root}, send, receive, part, part};
  bool sent = kind != BROADCAST || c->rank == root;
  if (kind == REDUCE_SCATTER) p.send_bytes = all;
  if (kind == ALL_GATHER) p.receive_bytes = all;
  if (!sent) p.send_bytes = 0;
  if (send % type_bytes(type) != 0 || receive % type_bytes(type) != 0) {
    return refuse(INVALID_ARGUMENT, format("%s: a misaligned pointer", name));
  }
  Address in_place = kind == REDUCE_SCATTER ? send + c->rank * part : kind == ALL_GATHER ? send - c->rank * part : send;
  bool overlap = send < receive + p.receive_bytes && receive < send + p.send_bytes;
  if (overlap && receive != in_place) return refuse(INVALID_ARGUMENT, format("%s: buffers that overlap", name));
  std::lock_guard hold(device_lock());
  CUresult result = require_context();
  if (result == CUDA_SUCCESS) result = enqueue(stream, Work{name, [c, p] { return run(*c, p); }});
  return result == CUDA_SUCCESS ? SUCCESS : refuse(CUDA_FAILED, format("%s: the device failed before", name));
}

}  // namespace

EXPORT int ncclGetVersion(int* version) {
  const char* text = std::getenv("NACRE_SIM_NCCL_VERSION");
  *version = text ? std::atoi(text) : 23007;
  return SUCCESS;
}

EXPORT const char* ncclGetErrorString(int status) {
  switch (status) {
    case SUCCESS: return "no error";
    case CUDA_FAILED: return "unhandled cuda error (run with NCCL_DEBUG=INFO for details)";
    case SYSTEM: return "unhandled system error (run with NCCL_DEBUG=INFO for details)";
    case INVALID_ARGUMENT: return "invalid argument (run with NCCL_DEBUG=WARN for details)";
    case INVALID_USAGE: return "invalid usage (run with NCCL_DEBUG=WARN for details)";
    case REMOTE: return "remote process exited or there was a network error";
  }
  return "unknown result code";
}

EXPORT const char* ncclGetLastError(Comm*) {
  std::lock_guard hold(lock);
  return last;
}

EXPORT int ncclGetUniqueId(Id* out) {
  std::random_device bits;
  *out = Id{};
  std::snprintf(out->internal, sizeof out->internal, "%08x%08x%08x", bits(), bits(), bits());
  return SUCCESS;
}

EXPORT int ncclCommInitRank(Comm** out, int ranks, Id id, int rank) {
  if (!out || ranks < 1 || rank < 0 || rank >= ranks) {
    return refuse(INVALID_ARGUMENT, format("ncclCommInitRank: rank %d of %d", rank, ranks));
  }
  std::string name(id.internal, strnlen(id.internal, sizeof id.internal));
  if (name.size() != 24) return refuse(INVALID_ARGUMENT, "ncclCommInitRank: this is no unique id");
  {
    std::lock_guard hold(device_lock());
    if (require_context() != CUDA_SUCCESS) return refuse(CUDA_FAILED, "ncclCommInitRank: no context is current");
    if (any_capture()) return refuse(INVALID_USAGE, "ncclCommInitRank: a stream is being captured");
  }
  {
    static std::set<std::string> used;
    std::lock_guard hold(lock);
    if (!used.insert(name).second) {
      last = "simulated device: ncclCommInitRank: a unique id twice in one process, which has one device";
      return INVALID_USAGE;
    }
  }
  auto c = std::make_shared<Comm>(rank, ranks);
  std::string why = c->peers.meet(name);
  if (!why.empty()) return refuse(SYSTEM, "ncclCommInitRank: " + why);
  std::lock_guard hold(lock);
  comms()[c.get()] = c;
  *out = c.get();
  return SUCCESS;
}

// May be called while another thread waits for the device.
EXPORT int ncclCommGetAsyncError(Comm* handle, int* error) {
  std::shared_ptr<Comm> c = find(handle);
  if (!c || !error) return refuse(INVALID_ARGUMENT, "ncclCommGetAsyncError: no such communicator");
  if (c->error == SUCCESS && c->use.try_lock()) {
    int gone = c->peers.lost();
    if (gone >= 0) c->error = refuse(REMOTE, format("rank %d is lost", gone));
    c->use.unlock();
  }
  *error = c->error;
  return SUCCESS;
}

// May be called while another thread waits for the device: then that one waits no longer.
EXPORT int ncclCommAbort(Comm* handle) {
  std::shared_ptr<Comm> c = find(handle);
  if (!c) return refuse(INVALID_ARGUMENT, "ncclCommAbort: no such communicator, or destroyed already");
  c->given_up = true;
  std::lock_guard hold(lock);
  comms().erase(handle);
  return SUCCESS;
}

EXPORT int ncclCommDestroy(Comm* handle) {
  std::shared_ptr<Comm> c = find(handle);
  if (!c) return refuse(INVALID_ARGUMENT, "ncclCommDestroy: no such communicator, or destroyed already");
  {
    std::lock_guard hold(device_lock());
    if (synchronize_all() != CUDA_SUCCESS) return refuse(CUDA_FAILED, "ncclCommDestroy: the device failed before");
  }
  c->destroyed = true;
  std::lock_guard use(c->use);
  Call leaves{0, 0, LEAVE, 0, 0, 0};
  c->peers.tell(&leaves, sizeof leaves);
  std::lock_guard hold(lock);
  comms().erase(handle);
  return SUCCESS;
}

EXPORT int ncclAllReduce(Address send, Address receive, size_t count, int type, int op, Comm* c, CUstream s) {
  return collective(ALL_REDUCE, send, receive, count, type, op, 0, c, s);
}

EXPORT int ncclReduceScatter(Address send, Address receive, size_t count, int type, int op, Comm* c, CUstream s) {
  return collective(REDUCE_SCATTER, send, receive, count, type, op, 0, c, s);
}

EXPORT int ncclAllGather(Address send, Address receive, size_t count, int type, Comm* c, CUstream s) {
  return collective(ALL_GATHER, send, receive, count, type, 0, 0, c, s);
}

EXPORT int ncclBroadcast(Address send, Address receive, size_t count, int type, int root, Comm* c, CUstream s) {
  return collective(BROADCAST, send, receive, count, type, 0, root, c, s);
}
