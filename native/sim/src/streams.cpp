#include "streams.h"

#include <chrono>
#include <set>

#include "errors.h"
#include "memory.h"

using namespace sim;

namespace {

struct Mark {
  CUstream stream;
  bool done = false;
  std::chrono::steady_clock::time_point at;
  CUgraph capture = nullptr;  // into which it was recorded
  size_t captured = 0;        // what the stream had put into it before
};

constexpr size_t MOST_PENDING = 1024;

}  // namespace

struct sim_stream {
  std::deque<Work> pending;
  CUgraph capture = nullptr;
  bool capture_spoilt = false;
  CUstream origin = nullptr;  // which began the capture; another one if this was drawn into it by an event
  size_t captured = 0;        // what this stream has put into the graph
  bool joined = true;         // another stream of the capture waits for all of it
  bool asked = false;  // cuStreamQuery said "not ready" since the last work
};

struct sim_event {
  std::shared_ptr<Mark> mark;
  bool timed;
};

struct sim_graph {
  std::vector<Work> work;
};

struct sim_graph_exec {
  std::vector<Work> work;
};

namespace {

std::set<CUstream>& streams() {
  static std::set<CUstream> all;
  return all;
}
std::set<CUevent>& events() {
  static std::set<CUevent> all;
  return all;
}
std::set<CUgraph>& graphs() {
  static std::set<CUgraph> all;
  return all;
}
std::set<CUgraphExec>& graph_execs() {
  static std::set<CUgraphExec> all;
  return all;
}

CUresult broken = CUDA_SUCCESS;

// What the work done so far is said to have taken besides.
std::chrono::steady_clock::duration claimed{};

CUstream null_stream() {
  static sim_stream one;
  return &one;
}

// Streams 1 and 2 are the driver's names for the legacy and the thread's default stream.
CUstream resolve(CUstream s) { return reinterpret_cast<uintptr_t>(s) <= 2 ? null_stream() : s; }

bool known(CUstream s) { return s == null_stream() || streams().count(s) != 0; }

CUresult bad_handle(const char* what) {
  return fail(CUDA_ERROR_INVALID_HANDLE, format("%s: no such object, or destroyed already", what));
}

CUresult code_of(const std::string& story) {
  if (story.find("misaligned") != std::string::npos) return CUDA_ERROR_MISALIGNED_ADDRESS;
  if (story.find(" at line ") != std::string::npos || story.find("__syncthreads") != std::string::npos) {
    return CUDA_ERROR_LAUNCH_FAILED;
  }
  return CUDA_ERROR_ILLEGAL_ADDRESS;
}

CUresult step(CUstream s) {
  Work work = std::move(s->pending.front());
  s->pending.pop_front();
  if (broken != CUDA_SUCCESS) return broken;
  if (memory::counting() && !work.orders) return broken;
  std::string story = work.run();
  claimed += std::chrono::duration_cast<std::chrono::steady_clock::duration>(
      std::chrono::duration<double, std::milli>(work.cost));
  if (!story.empty()) broken = fail(code_of(story), story);
  return broken;
}

CUresult drain(CUstream s, size_t leave) {
  while (s->pending.size() > leave) step(s);
  return broken;
}

}  // namespace

namespace sim {

std::recursive_mutex& device_lock() {
  static std::recursive_mutex one;
  return one;
}

CUresult context_error() { return broken; }

bool is_capturing(CUstream s) { return known(resolve(s)) && resolve(s)->capture != nullptr; }

bool any_capture() {
  for (CUstream s : streams()) {
    if (s->capture) return true;
  }
  return false;
}

CUresult enqueue(CUstream given, Work work) {
  CUstream s = resolve(given);
  if (broken != CUDA_SUCCESS) return broken;
  if (!known(s)) return bad_handle("stream");
  if (s->capture) {
    s->capture->work.push_back(std::move(work));
    s->captured++;
    s->joined = false;
    return CUDA_SUCCESS;
  }
  s->asked = false;
  s->pending.push_back(std::move(work));
  if (s == null_stream()) return synchronize_all();
  return s->pending.size() > MOST_PENDING ? drain(s, MOST_PENDING / 2) : CUDA_SUCCESS;
}

CUresult synchronize(CUstream given) {
  CUstream s = resolve(given);
  if (!known(s)) return bad_handle("stream");
  if (s->capture) {
    s->capture_spoilt = true;
    return fail(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "a wait for a stream that is being captured");
  }
  return drain(s, 0);
}

unsigned long long& waits_of_host() {
  static unsigned long long count = 0;
  return count;
}

unsigned long long& downloads() {
  static unsigned long long count = 0;
  return count;
}

CUresult synchronize_all() {
  for (CUstream s : streams()) {
    if (s->capture) {
      s->capture_spoilt = true;
      return fail(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "a wait for the device while a stream is being captured");
    }
    drain(s, 0);
  }
  return drain(null_stream(), 0);
}

}  // namespace sim

#define LOCK std::lock_guard hold(device_lock())
#define REQUIRE(condition, story) \
  if (!(condition)) return fail(CUDA_ERROR_INVALID_VALUE, story)

EXPORT CUresult cuStreamCreate(CUstream* out, unsigned) {
  LOCK;
  REQUIRE(out, "cuStreamCreate: null");
  if (broken != CUDA_SUCCESS) return broken;
  *out = new sim_stream();
  streams().insert(*out);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamDestroy_v2(CUstream s) {
  LOCK;
  if (!streams().count(s)) return bad_handle("cuStreamDestroy");
  CUresult result = drain(s, 0);
  streams().erase(s);
  delete s;
  return result;
}

EXPORT CUresult cuStreamSynchronize(CUstream s) {
  LOCK;
  waits_of_host()++;
  return synchronize(s);
}

EXPORT CUresult cuStreamQuery(CUstream given) {
  LOCK;
  CUstream s = resolve(given);
  if (!known(s)) return bad_handle("cuStreamQuery");
  if (s->capture) return synchronize(s);
  if (!s->pending.empty() && !s->asked) {
    s->asked = true;
    return CUDA_ERROR_NOT_READY;
  }
  return drain(s, 0);
}

EXPORT CUresult cuStreamWaitEvent(CUstream s, CUevent e, unsigned) {
  LOCK;
  if (!events().count(e)) return bad_handle("cuStreamWaitEvent: event");
  std::shared_ptr<Mark> mark = e->mark;
  if (!mark) return CUDA_SUCCESS;
  CUstream waiting = resolve(s);
  if (!known(waiting)) return bad_handle("cuStreamWaitEvent: stream");
  bool of_capture = mark->capture && known(mark->stream) && mark->stream->capture == mark->capture;
  if (waiting->capture && (!of_capture || waiting->capture != mark->capture)) {
    waiting->capture_spoilt = true;
    return fail(CUDA_ERROR_STREAM_CAPTURE_ISOLATION, "a captured stream waits for an event from outside its capture");
  }
  if (of_capture) {
    if (waiting == null_stream()) {
      return fail(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "the legacy default stream cannot be captured");
    }
    if (!waiting->capture) {  // drawn into the capture: its graph is one, in an order that the events allow
      waiting->capture = mark->capture;
      waiting->capture_spoilt = false;
      waiting->origin = mark->stream->origin;
      waiting->captured = 0;
    }
    if (mark->stream != waiting && mark->captured == mark->stream->captured) mark->stream->joined = true;
  }
  return enqueue(s, Work{"wait for an event", [mark]() -> std::string {
                           while (!mark->done && known(mark->stream) && !mark->stream->pending.empty()) {
                             step(mark->stream);
                           }
                           return "";
                         }, true});
}

EXPORT CUresult cuEventCreate(CUevent* out, unsigned flags) {
  LOCK;
  REQUIRE(out, "cuEventCreate: null");
  constexpr unsigned DISABLE_TIMING = 2;
  *out = new sim_event{nullptr, (flags & DISABLE_TIMING) == 0};
  events().insert(*out);
  return broken;
}

EXPORT CUresult cuEventDestroy_v2(CUevent e) {
  LOCK;
  if (!events().erase(e)) return bad_handle("cuEventDestroy");
  delete e;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuEventRecord(CUevent e, CUstream s) {
  LOCK;
  if (!events().count(e)) return bad_handle("cuEventRecord: event");
  auto mark = std::make_shared<Mark>();
  mark->stream = resolve(s);
  e->mark = mark;
  CUresult result = enqueue(s, Work{"event", [mark]() -> std::string {
                                      mark->done = true;
                                      mark->at = std::chrono::steady_clock::now() + claimed;
                                      return "";
                                    }});
  if (known(mark->stream) && mark->stream->capture) {
    mark->capture = mark->stream->capture;
    mark->captured = mark->stream->captured;
  }
  return result;
}

EXPORT CUresult cuEventSynchronize(CUevent e) {
  LOCK;
  waits_of_host()++;
  if (!events().count(e)) return bad_handle("cuEventSynchronize: event");
  if (any_capture() && e->mark && is_capturing(e->mark->stream)) return synchronize(e->mark->stream);
  while (e->mark && !e->mark->done && broken == CUDA_SUCCESS && known(e->mark->stream) &&
         !e->mark->stream->pending.empty()) {
    step(e->mark->stream);
  }
  return broken;
}

EXPORT CUresult cuEventQuery(CUevent e) {
  LOCK;
  if (!events().count(e)) return bad_handle("cuEventQuery: event");
  if (broken != CUDA_SUCCESS || !e->mark || e->mark->done) return broken;
  CUresult now = CUDA_ERROR_NOT_READY;  // and next time it will be
  while (!e->mark->done && known(e->mark->stream) && !e->mark->stream->pending.empty()) {
    if (step(e->mark->stream) != CUDA_SUCCESS) return broken;
  }
  return now;
}

EXPORT CUresult cuEventElapsedTime_v2(float* ms, CUevent begin, CUevent end) {
  LOCK;
  if (!events().count(begin) || !events().count(end)) return bad_handle("cuEventElapsedTime: event");
  REQUIRE(begin->timed && end->timed, "cuEventElapsedTime: an event made without timing");
  REQUIRE(begin->mark && end->mark, "cuEventElapsedTime: an event that was never recorded");
  if (!begin->mark->done || !end->mark->done) return CUDA_ERROR_NOT_READY;
  *ms = std::chrono::duration<float, std::milli>(end->mark->at - begin->mark->at).count();
  return broken;
}
EXPORT CUresult cuEventElapsedTime(float* ms, CUevent begin, CUevent end) {
  return cuEventElapsedTime_v2(ms, begin, end);
}

// ---- capture and replay

EXPORT CUresult cuStreamBeginCapture_v2(CUstream s, int) {
  LOCK;
  if (broken != CUDA_SUCCESS) return broken;
  if (reinterpret_cast<uintptr_t>(s) <= 1) {
    return fail(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "the legacy default stream cannot be captured");
  }
  if (!known(s)) return bad_handle("cuStreamBeginCapture");
  REQUIRE(!s->capture, "cuStreamBeginCapture: the stream is being captured already");
  s->capture = new sim_graph();
  s->capture_spoilt = false;
  s->origin = s;
  s->captured = 0;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamEndCapture(CUstream s, CUgraph* out) {
  LOCK;
  if (!known(s)) return bad_handle("cuStreamEndCapture");
  REQUIRE(s->capture && out, "cuStreamEndCapture: the stream is not being captured");
  if (s->origin != s) {
    return fail(CUDA_ERROR_STREAM_CAPTURE_UNMATCHED, "cuStreamEndCapture: another stream began this capture");
  }
  CUgraph graph = s->capture;
  bool spoilt = false, joined = true;
  for (CUstream one : streams()) {
    if (one->capture == graph) {
      spoilt |= one->capture_spoilt;
      joined &= one == s || one->joined;
      one->capture = nullptr;
    }
  }
  *out = nullptr;
  if (!joined) {
    delete graph;
    return fail(CUDA_ERROR_STREAM_CAPTURE_UNJOINED, "a stream that was drawn into the capture was not waited for");
  }
  if (spoilt) {
    delete graph;
    return fail(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "the capture was spoilt by a call that may not be captured");
  }
  graphs().insert(graph);
  *out = graph;
  return broken;
}

EXPORT CUresult cuStreamIsCapturing(CUstream s, int* status) {
  LOCK;
  if (!known(resolve(s))) return bad_handle("cuStreamIsCapturing");
  *status = !is_capturing(s) ? 0 : resolve(s)->capture_spoilt ? 2 : 1;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuGraphInstantiateWithFlags(CUgraphExec* out, CUgraph graph, unsigned long long) {
  LOCK;
  if (!graphs().count(graph)) return bad_handle("cuGraphInstantiate");
  *out = new sim_graph_exec{graph->work};
  graph_execs().insert(*out);
  return broken;
}

EXPORT CUresult cuGraphLaunch(CUgraphExec exec, CUstream s) {
  LOCK;
  if (!graph_execs().count(exec)) return bad_handle("cuGraphLaunch");
  for (const Work& work : exec->work) {
    CUresult result = enqueue(s, work);
    if (result != CUDA_SUCCESS) return result;
  }
  return broken;
}

EXPORT CUresult cuGraphGetNodes(CUgraph graph, CUgraphNode* nodes, size_t* count) {
  LOCK;
  if (!graphs().count(graph)) return bad_handle("cuGraphGetNodes");
  if (nodes) {
    for (size_t i = 0; i < *count && i < graph->work.size(); i++) nodes[i] = &graph->work[i];
  }
  *count = graph->work.size();
  return CUDA_SUCCESS;
}

// CUgraphExecUpdateResultInfo.
struct UpdateResult {
  int result;
  CUgraphNode error_node, error_from_node;
};

EXPORT CUresult cuGraphExecUpdate_v2(CUgraphExec exec, CUgraph graph, UpdateResult* info) {
  LOCK;
  if (!graph_execs().count(exec) || !graphs().count(graph)) return bad_handle("cuGraphExecUpdate");
  bool same = exec->work.size() == graph->work.size();
  for (size_t i = 0; same && i < graph->work.size(); i++) same = exec->work[i].name == graph->work[i].name;
  if (info) *info = UpdateResult{same ? 0 : 2, nullptr, nullptr};  // 2: the topology changed
  if (!same) return fail(CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE, "the graph has other nodes than the one before");
  exec->work = graph->work;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuGraphExecDestroy(CUgraphExec exec) {
  LOCK;
  if (!graph_execs().erase(exec)) return bad_handle("cuGraphExecDestroy");
  delete exec;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuGraphDestroy(CUgraph graph) {
  LOCK;
  if (!graphs().erase(graph)) return bad_handle("cuGraphDestroy");
  delete graph;
  return CUDA_SUCCESS;
}
